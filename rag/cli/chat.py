"""`rag chat`: the page served, and what is prepared meanwhile."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rag.cli.evaluate import Commands
from rag.errors import RagError, UserError

if TYPE_CHECKING:
    from threading import Event

    from rag.pipeline import RAG

_LAST_PORT = 65535
# Seconds between two looks whether the library or its model is another one, which cost next to nothing.
_LOOK_S = 30.0


def add_chat(commands: Commands, common: argparse.ArgumentParser) -> None:
    """Add `chat`."""
    chat = commands.add_parser("chat", parents=[common], help="serve the chat page")
    chat.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
    chat.add_argument("--port", type=port, default=7860, help="port to listen on (default: 7860)")
    text = "accounts that may come in, needed for other machines; see `rag account`"
    chat.add_argument("--auth", type=Path, metavar="FILE", help=text)
    text = "a name by which readers call this machine, besides its address; repeatable"
    chat.add_argument("--name", action="append", default=[], metavar="NAME", help=text)
    chat.set_defaults(run=_chat)


def _chat(parsed: argparse.Namespace) -> int:
    from threading import Event, Thread

    from rag.cli.questions import print_privacy_notice
    from rag.pipeline import RAG
    from ui.access.accounts import Accounts
    from ui.server import serve

    closing = Event()
    accounts = Accounts(parsed.auth) if parsed.auth else None
    with RAG.open(parsed.index, missing_ok=True) as rag:
        print_privacy_notice(rag)
        preparing = Thread(target=keep_prepared, args=(rag, closing), daemon=True)
        try:
            serve(
                rag,
                host=parsed.host,
                port=parsed.port,
                ready=preparing.start,
                accounts=accounts,
                names=parsed.name,
            )
        finally:
            closing.set()
    return 0


def keep_prepared(rag: RAG, closing: Event, look_s: float = _LOOK_S) -> None:
    """Load the models, write examples, embed sentences and prefill; all again for a changed library or model.

    Examples come first, because prefilling a large library takes hours.
    """
    prepared: tuple[str, str] | None = None
    told = ""
    while not closing.is_set():
        try:
            if (state := rag.state) != prepared:
                prepared = state
                rag.warm()
                rag.write_examples(stop=closing)
                rag.embed_sentences(closing)
                rag.prefill(stop=closing)
        except RagError as error:
            if not closing.is_set() and str(error) != told:
                told = str(error)
                print(f"rag: {told}", file=sys.stderr)
        closing.wait(look_s)


def port(text: str) -> int:
    """Return the number of a port.

    Raises:
        UserError: it is none, so that the sentence stands alone, without the usage of the command.
    """
    if not (text.isascii() and text.isdecimal() and int(text) <= _LAST_PORT):
        raise UserError(f"{text!r} is no port; give a number from 0 (any free one) to {_LAST_PORT}.")
    return int(text)
