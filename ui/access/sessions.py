"""Who is signed in, and who has tried too often: kept in memory, within bounds."""

from __future__ import annotations

import ipaddress
import math
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from ui.access.accounts import Account, Accounts

SESSION_S = 14 * 24 * 3600  # seconds after which one signs in again
_SESSIONS = 20  # of one account; a further one ends the oldest
# Wrong passwords within the time below; more are refused unread. A whole network has more for an account.
MOST_TRIES, MOST_TRIES_OF_A_NAME, TRIES_S = 10, 50, 15 * 60
_KEYS = 10_000  # addresses and names that are counted; then the oldest are forgotten


@dataclass(frozen=True, slots=True)
class _Session:
    name: str
    salt: str
    ends: float


class Sessions:
    """Tokens of browsers that have signed in; a removed account or a new password ends them."""

    def __init__(self, accounts: Accounts, clock: Callable[[], float] = time.monotonic) -> None:
        """Know the sessions of `accounts`."""
        self._accounts, self._clock = accounts, clock
        self._lock = threading.Lock()
        self._sessions: dict[str, _Session] = {}

    def begin(self, account: Account) -> str:
        """Return a new token for `account`."""
        token, now = secrets.token_urlsafe(32), self._clock()
        with self._lock:
            self._sessions = {key: held for key, held in self._sessions.items() if held.ends > now}
            own = [key for key, held in self._sessions.items() if held.name == account.name]
            for key in own[: max(0, len(own) + 1 - _SESSIONS)]:
                del self._sessions[key]
            self._sessions[token] = _Session(account.name, account.salt, now + SESSION_S)
        return token

    def account(self, token: str) -> Account | None:
        """Return the account that has signed in under `token`, if it still may."""
        with self._lock:
            held = self._sessions.get(token)
        if held is None or held.ends <= self._clock():
            return None
        account = self._accounts.all().get(held.name)
        return account if account is not None and account.salt == held.salt else None

    def end(self, token: str) -> None:
        """Forget `token`."""
        with self._lock:
            self._sessions.pop(token, None)


class Tries:
    """Wrong passwords by address and by account, for as long as they count."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Count nothing yet."""
        self._clock = clock
        self._lock = threading.Lock()
        self._tries: dict[str, deque[float]] = {}

    def wait_s(self, address: str, name: str) -> int:
        """Return the seconds until another try is read, 0 if it is read now."""
        with self._lock:
            waits = [
                self._ends(key, most) - self._clock() for key, most in self._limits(address, name).items()
            ]
        return max([0, *(math.ceil(wait) for wait in waits)])

    def failed(self, address: str, name: str) -> None:
        """Count a wrong password."""
        with self._lock:
            for key, most in self._limits(address, name).items():
                tries = self._tries.pop(key, deque(maxlen=most))
                tries.append(self._clock())
                self._tries[key] = tries
            while len(self._tries) > _KEYS:
                del self._tries[next(iter(self._tries))]

    def _ends(self, key: str, most: int) -> float:
        tries = self._tries.get(key, deque())
        return tries[0] + TRIES_S if len(tries) >= most else 0.0

    @staticmethod
    def _limits(address: str, name: str) -> dict[str, int]:
        return {f"address {_network(address)}": MOST_TRIES, f"name {name[:64]}": MOST_TRIES_OF_A_NAME}


def _network(address: str) -> str:
    """Return an address, of IPv6 the part that one customer has: a /64."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network((parsed, 64), strict=False)) if parsed.version == 6 else address
