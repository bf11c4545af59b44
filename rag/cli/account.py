"""`rag account`: who may use a page that is served to other machines."""

from __future__ import annotations

import argparse
import getpass
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rag.errors import UserError

if TYPE_CHECKING:
    from rag.cli.evaluate import Commands


def add_account(commands: Commands) -> None:
    """Add `account add`, `account remove`, `account token` and `account list`."""
    text = "who may use a page that is served to other machines (rag chat --host … --auth FILE)"
    account = commands.add_parser("account", help=text).add_subparsers(metavar="DO", required=True)
    for name, run, about in (
        ("add", _add, "add an account, or give it another password; asks for the password twice"),
        ("remove", _remove, "remove an account, and sign it out"),
        ("token", _token, "print a new token for programs of this account; the last one ends"),
        ("list", _list, "list the accounts"),
    ):
        command = account.add_parser(name, help=about, description=about)
        if name != "list":
            command.add_argument("name", metavar="NAME", help="the name to sign in with")
        text = "the file of accounts; only its owner may read it"
        command.add_argument("--auth", type=Path, required=True, metavar="FILE", help=text)
        command.set_defaults(run=run)


def _add(parsed: argparse.Namespace) -> int:
    from ui.access.accounts import Accounts

    accounts = Accounts(parsed.auth)
    accounts.add(parsed.name, _password())
    print(f"{parsed.name} can sign in with this password.")
    return 0


def _remove(parsed: argparse.Namespace) -> int:
    from ui.access.accounts import Accounts

    Accounts(parsed.auth).remove(parsed.name)
    print(f"{parsed.name} can no longer sign in.")
    return 0


def _token(parsed: argparse.Namespace) -> int:
    from ui.access.accounts import Accounts

    print(Accounts(parsed.auth).renew_token(parsed.name))
    print("Keep it like a password: it is not shown again.", file=sys.stderr)
    return 0


def _list(parsed: argparse.Namespace) -> int:
    from ui.access.accounts import Accounts

    for name in Accounts(parsed.auth).all():
        print(name)
    return 0


def _password() -> str:
    """Return the password: asked for twice on a terminal, else the first line of standard input."""
    if sys.stdin is None or not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n") if sys.stdin else ""
    password = getpass.getpass("Password: ")
    if getpass.getpass("Once more: ") != password:
        raise UserError("The two passwords differ; start again.")
    return password
