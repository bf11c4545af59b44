"""Accounts in a file: hashed, private, and read again when they change; sessions and tries in memory."""

from __future__ import annotations

import json
import os
import statistics
import time
from pathlib import Path

import pytest

from rag import UserError
from rag.cli.main import main
from ui.access.accounts import Account, Accounts
from ui.access.sessions import MOST_TRIES, SESSION_S, TRIES_S, Sessions, Tries

PASSWORD = "correct horse"


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A file with one account; a hash takes a while."""
    made = Accounts(tmp_path_factory.mktemp("made") / "accounts")
    made.add("anna", PASSWORD)
    return made.path.read_bytes()


@pytest.fixture
def accounts(tmp_path: Path, content: bytes) -> Accounts:
    path = tmp_path / "accounts"
    path.touch(0o600)
    path.write_bytes(content)
    return Accounts(path)


def test_a_password_is_checked_and_stands_nowhere(accounts: Accounts) -> None:
    found = accounts.check("anna", PASSWORD)
    assert found is not None
    assert found.name == "anna"
    assert accounts.check("anna", PASSWORD + "!") is None
    assert accounts.check("anna", "") is None
    assert accounts.check("berta", PASSWORD) is None
    assert accounts.check("", PASSWORD) is None
    assert PASSWORD not in accounts.path.read_text()
    assert accounts.path.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in accounts.path.parent.iterdir()] == ["accounts"]


def test_two_accounts_with_one_password_have_different_hashes(accounts: Accounts) -> None:
    accounts.add("berta", PASSWORD)
    first, second = accounts.all().values()
    assert first.password != second.password


def test_what_another_process_changes_counts_at_once(accounts: Accounts) -> None:
    other = Accounts(accounts.path)
    other.add("李雷", "another password")
    assert accounts.check("李雷", "another password")
    other.remove("anna")
    assert accounts.check("anna", PASSWORD) is None
    assert list(accounts.all()) == ["李雷"]


@pytest.mark.parametrize(
    ("name", "password", "words"),
    [
        ("a b", PASSWORD, "no spaces"),
        ("", PASSWORD, "no spaces"),
        ("x" * 65, PASSWORD, "up to 64"),
        ("<b>", PASSWORD, "letters"),
        ("berta", "short", "8 to 1,024"),
        ("berta", "x" * 1025, "8 to 1,024"),
    ],
)
def test_names_and_passwords_that_do_not_do(accounts: Accounts, name: str, password: str, words: str) -> None:
    with pytest.raises(UserError, match=words):
        accounts.add(name, password)
    assert list(accounts.all()) == ["anna"]


def test_a_file_that_others_can_read_is_refused(accounts: Accounts) -> None:
    accounts.path.chmod(0o644)
    with pytest.raises(UserError, match="chmod 600"):
        Accounts(accounts.path)


def test_a_file_of_something_else_is_refused_and_stays(tmp_path: Path) -> None:
    path = tmp_path / "notes"
    path.write_text("my notes\n")
    path.chmod(0o600)
    with pytest.raises(UserError, match="no file of accounts"):
        Accounts(path)
    assert path.read_text() == "my notes\n"


def test_a_wrong_name_takes_as_long_as_a_wrong_password(accounts: Accounts) -> None:
    def seconds(name: str) -> float:
        started = time.thread_time()
        accounts.check(name, "wrong password")
        return time.thread_time() - started

    known = statistics.median(seconds("anna") for _ in range(3))
    unknown = statistics.median(seconds("nobody") for _ in range(3))
    assert known / 2 < unknown < known * 2


def test_a_token_is_another_way_in_that_a_new_one_ends(accounts: Accounts) -> None:
    token = accounts.renew_token("anna")
    found = accounts.of_token(token)
    assert found is not None
    assert found.name == "anna"
    assert token not in accounts.path.read_text()
    renewed = accounts.renew_token("anna")
    assert accounts.of_token(token) is None
    assert accounts.of_token(renewed)
    assert accounts.of_token("") is None
    accounts.add("anna", "another password")
    assert accounts.of_token(renewed) is None


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_session_ends_with_time_password_account_or_signing_out(accounts: Accounts) -> None:
    clock = Clock()
    sessions = Sessions(accounts, clock)

    def begin() -> tuple[str, Account]:
        account = accounts.all()["anna"]
        return sessions.begin(account), account

    token, account = begin()
    assert sessions.account(token) == account
    assert sessions.account(token[:-1]) is None
    clock.now += SESSION_S
    assert sessions.account(token) is None
    token, _ = begin()
    sessions.end(token)
    assert sessions.account(token) is None
    token, _ = begin()
    accounts.add("anna", "another password")
    assert sessions.account(token) is None
    token, _ = begin()
    accounts.remove("anna")
    assert sessions.account(token) is None


def test_sessions_of_an_account_are_bounded(accounts: Accounts) -> None:
    sessions, account = Sessions(accounts), accounts.all()["anna"]
    tokens = [sessions.begin(account) for _ in range(30)]
    alive = [token for token in tokens if sessions.account(token)]
    assert alive == tokens[-20:]


def test_too_many_wrong_passwords_are_read_no_more_for_a_while() -> None:
    clock = Clock()
    tries = Tries(clock)
    for number in range(MOST_TRIES):
        assert tries.wait_s("192.0.2.1", f"name {number}") == 0
        tries.failed("192.0.2.1", f"name {number}")
        clock.now += 1
    assert tries.wait_s("192.0.2.1", "another") == TRIES_S - MOST_TRIES
    assert tries.wait_s("192.0.2.2", "another") == 0
    clock.now += TRIES_S - MOST_TRIES
    assert tries.wait_s("192.0.2.1", "another") == 0


def test_a_customer_of_ipv6_is_one_address_and_a_name_is_guarded_from_many() -> None:
    tries = Tries(Clock())
    for number in range(MOST_TRIES):
        tries.failed(f"2001:db8::{number + 1:x}", "anna")
    assert tries.wait_s("2001:db8::ffff", "berta") == TRIES_S
    assert tries.wait_s("2001:db8:0:1::1", "berta") == 0
    for number in range(50):
        tries.failed(f"198.51.100.{number}", "anna")
    assert tries.wait_s("203.0.113.9", "anna") == TRIES_S


def test_what_is_counted_is_bounded() -> None:
    tries = Tries(Clock())
    for number in range(10_000):
        tries.failed(f"address {number}", f"name {number}")
    assert len(tries._tries) <= 10_000


def test_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "accounts"

    def run(*arguments: str, typed: str = "") -> tuple[int, str, str]:
        read, write = os.pipe()
        os.write(write, typed.encode())
        os.close(write)
        with open(read, encoding="utf-8") as stdin:
            monkeypatch.setattr("sys.stdin", stdin)
            code = main(["account", *arguments, "--auth", str(path)])
        return code, *capsys.readouterr()

    assert run("add", "anna", typed=f"{PASSWORD}\n")[:2] == (0, "anna can sign in with this password.\n")
    assert Accounts(path).check("anna", PASSWORD)
    code, token, _ = run("token", "anna")
    assert code == 0
    assert Accounts(path).of_token(token.strip())
    assert run("list")[1] == "anna\n"
    assert run("remove", "berta")[0::2] == (2, f"rag: There is no account 'berta' in {path}; it has anna.\n")
    assert run("remove", "anna")[0] == 0
    assert path.read_text() == ""
    assert run("add", "berta", typed="short\n")[0] == 2
    assert all(json.loads(line) for line in path.read_text().splitlines())
