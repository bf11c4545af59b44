"""The accounts that may use a shared page: one file, which only its owner can read; passwords are hashed.

Each account is a JSON object. A password is kept as a salted scrypt hash, a token for programs as SHA-256,
which is enough for 256 random bits.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import secrets
import stat
import threading
import unicodedata
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from rag import UserError

LEAST_PASSWORD = 8  # characters; NIST SP 800-63B allows no fewer
MOST_PASSWORD = 1024  # characters; more would be work for the server only
_NAME = re.compile(r"[\w.@-]{1,64}")
# 16 MB and some 0.3 s a try: the OWASP recommendation with the least memory (N=2^14, r=8, p=5).
_COST, _BLOCK, _PARALLEL = 2**14, 8, 5
_SALT_BYTES, _TOKEN_BYTES = 16, 32


@dataclass(frozen=True, slots=True)
class Account:
    """One account: hexadecimal salt and hash of its password, and the hash of its token, "" without one."""

    name: str
    salt: str
    password: str
    token: str = ""

    def accepts(self, password: str) -> bool:
        """Return whether this is the password; it takes the same time if it is not."""
        return hmac.compare_digest(_hash(password, self.salt), self.password)


# Checked for an account that does not exist, so that a wrong name takes as long as a wrong password.
_NOBODY = Account("", "00" * _SALT_BYTES, "00" * 64)


class Accounts:
    """The accounts in a file, read again whenever it has changed; safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        """Use the accounts in `path`; raise UserError where others may read it, or it is no such file."""
        self.path = path
        self._lock = threading.Lock()
        self._read: tuple[object, dict[str, Account]] = (None, {})
        self.all()

    def all(self) -> Mapping[str, Account]:
        """Return the accounts by name, none if there is no file; raise UserError where it cannot be used."""
        with self._lock:
            try:
                found = self.path.stat()
            except FileNotFoundError:
                return {}
            except OSError as error:
                raise UserError(f"The accounts in {self.path} cannot be read ({error.strerror}).") from error
            state = (found.st_mtime_ns, found.st_size, found.st_ino)
            if self._read[0] != state:
                self._read = state, _read(self.path, found.st_mode)
            return self._read[1]

    def check(self, name: str, password: str) -> Account | None:
        """Return the account if name and password are right; this takes some 0.3 s of CPU in any case."""
        account = self.all().get(_normal(name), _NOBODY)
        known = account.accepts(password[: MOST_PASSWORD + 1])
        return account if known and account is not _NOBODY else None

    def of_token(self, token: str) -> Account | None:
        """Return the account whose token this is."""
        digest = _token_hash(token)
        for account in self.all().values():
            if account.token and hmac.compare_digest(account.token, digest):
                return account
        return None

    def add(self, name: str, password: str) -> None:
        """Add an account, or give an existing one another password, which signs it out everywhere.

        Raises:
            UserError: the name has characters that it may not have, or the password is too short or long.
        """
        name = _normal(name)
        if not _NAME.fullmatch(name):
            raise UserError("A name has up to 64 letters, digits and . @ _ - but no spaces; choose another.")
        if not LEAST_PASSWORD <= len(password) <= MOST_PASSWORD:
            raise UserError(
                f"A password has {LEAST_PASSWORD} to {MOST_PASSWORD:,} characters; choose another."
            )
        salt = secrets.token_hex(_SALT_BYTES)
        self._write(dict(self.all()) | {name: Account(name, salt, _hash(password, salt))})

    def remove(self, name: str) -> None:
        """Remove an account; who has signed in with it is signed out. Raise UserError if there is none."""
        accounts = dict(self.all())
        accounts.pop(self._known(name).name)
        self._write(accounts)

    def renew_token(self, name: str) -> str:
        """Give an account a new token for programs, in place of the last one, and return it."""
        account, token = self._known(name), secrets.token_urlsafe(_TOKEN_BYTES)
        self._write(dict(self.all()) | {account.name: replace(account, token=_token_hash(token))})
        return token

    def _known(self, name: str) -> Account:
        account = self.all().get(_normal(name))
        if account is None:
            known = ", ".join(self.all()) or "none"
            raise UserError(f"There is no account {name!r} in {self.path}; it has {known}.")
        return account

    def _write(self, accounts: Mapping[str, Account]) -> None:
        lines = [json.dumps(asdict(account), ensure_ascii=False) + "\n" for account in accounts.values()]
        new = self.path.with_name(f"{self.path.name}.{secrets.token_hex(4)}.new")
        try:
            with open(
                os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
            ) as file:
                file.writelines(lines)
                file.flush()
                os.fsync(file.fileno())
            new.replace(self.path)
        except OSError as error:
            raise UserError(f"The accounts cannot be written to {self.path} ({error.strerror}).") from error
        finally:
            new.unlink(missing_ok=True)


def _read(path: Path, mode: int) -> dict[str, Account]:
    if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise UserError(f"Others can read the accounts in {path}; run `chmod 600 {path}`.")
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        accounts = [Account(**json.loads(line)) for line in lines if line.strip()]
    except (OSError, ValueError, TypeError) as error:
        what = f"{path} is no file of accounts"
        raise UserError(f"{what}; make one with `rag account add NAME --auth FILE`.") from error
    return {account.name: account for account in accounts}


def _normal(text: str) -> str:
    """Return one form of a name or password that keyboards may send in two."""
    return unicodedata.normalize("NFC", text.strip())


def _hash(password: str, salt: str) -> str:
    secret = unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")
    made = hashlib.scrypt(secret, salt=bytes.fromhex(salt), n=_COST, r=_BLOCK, p=_PARALLEL)
    return made.hex()


def _token_hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
