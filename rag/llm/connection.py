"""The HTTP connection of one reply, which another thread can end while the reply waits for its first byte."""

from __future__ import annotations

import socket
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx


class Connection:
    """The connection of one request of httpx, as soon as there is one."""

    def __init__(self) -> None:
        """Wait for `follow`."""
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._ended = False

    def follow(self, request: httpx.Request) -> None:
        """Learn the socket of `request` when it connects; an event hook of `httpx.Client`."""
        request.extensions["trace"] = self._trace

    def end(self) -> None:
        """Shut the socket down, now or once it is open; a thread that reads from it gets an error."""
        with self._lock:
            self._ended = True
            self._shut_down()

    def _trace(self, event: str, info: Mapping[str, Any]) -> None:
        get_info = getattr(info.get("return_value"), "get_extra_info", None)
        if get_info is None:
            return
        with self._lock:  # TLS replaces the socket of the first event by its own
            self._socket = get_info("socket") or self._socket
            if self._ended:
                self._shut_down()

    def _shut_down(self) -> None:
        if self._socket is not None:
            with suppress(OSError):  # closed already
                # A TLS socket's own method would change its state under the thread that reads.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
