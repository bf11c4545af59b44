"""Serve the page: the port, the server around Gradio's, and its end."""

from __future__ import annotations

import contextlib
import errno
import socket
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag import UserError
from ui.access.accounts import Accounts
from ui.access.door import Door
from ui.api import speak_json
from ui.app import build_app
from ui.engine import Library
from ui.front.front import with_front
from ui.front.shell import shell_html
from ui.guard import LOOPBACK, MOST_UPLOAD, Guard
from ui.library.starters import Starters
from ui.masthead import framed, masthead_html, notice_of
from ui.toolkit import load_gradio

if TYPE_CHECKING:
    import uvicorn

_FONTS = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "PingFang SC", "Microsoft YaHei"]
_FONTS += ["Noto Sans CJK SC", "Noto Sans SC", "sans-serif"]


def listen(host: str, port: int) -> socket.socket:
    """Return a socket bound to the address, port 0 for any free one; raise UserError where it is taken."""
    try:
        family, kind, proto, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        bound = socket.socket(family, kind, proto)
        try:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind(address)
            bound.listen()
        except OSError:
            bound.close()
            raise
    except (OSError, OverflowError) as error:
        raise UserError(_why_not(error, host, port)) from error
    return bound


def _why_not(error: OSError | OverflowError, host: str, port: int) -> str:
    """Return why a port cannot be had, and what to do, as one sentence."""
    number = error.errno if isinstance(error, OSError) else None
    if isinstance(error, socket.gaierror) or number == errno.EADDRNOTAVAIL:
        return f"This machine has no address {host}; give one that it has with `--host`."
    reasons = {
        errno.EADDRINUSE: "is already in use",
        errno.EACCES: "is for the administrator of this machine alone",
    }
    why = reasons.get(number or 0, f"cannot be opened ({error})")
    return f"Port {port} on {host} {why}; choose another with `--port N`."


def make_server(
    rag: Library,
    host: str = "127.0.0.1",
    *,
    data: Path | None = None,
    accounts: Accounts | None = None,
    names: Sequence[str] = (),
) -> uvicorn.Server:
    """Return a server of the page, not started: `server.run(sockets=[listen(host, port)])` serves it.

    Args:
        rag: the library that is asked.
        host: the address it will be served at; settings may be changed only at a loopback address
            without accounts.
        data: the folder for conversations (default: the user data directory).
        accounts: who may come in; needed where `host` is not a loopback address.
        names: by which readers may call this machine, besides its addresses.

    Raises:
        UserError: other machines could come in without an account.
    """
    import uvicorn
    from fastapi import FastAPI

    _check_who_may_come(host, accounts)
    gr = load_gradio()
    no_docs: dict[str, Any] = {"docs_url": None, "redoc_url": None, "openapi_url": None}
    outer = FastAPI(**no_docs)
    alone = host in LOOPBACK and accounts is None  # settings hold for all readers
    signed_in, starters = accounts is not None, Starters(rag, may_add=True)
    app = build_app(rag, data=data, may_add=True, may_configure=alone, signed_in=signed_in, starters=starters)
    gr.mount_gradio_app(
        outer, app, path="/", server_name=host,
        footer_links=[], run_history=False, enable_monitoring=False, ssr_mode=False, pwa=False,
        mcp_server=True, show_error=False, app_kwargs=dict(no_docs), max_file_size=MOST_UPLOAD,
        theme=gr.themes.Base(font=_FONTS, font_mono=["ui-monospace", "monospace"]),
    )  # fmt: skip
    speak_json(app)
    front = with_front(outer, gr, app, _first_screen(rag, starters, signed_in))
    guard = Guard(front, host, names=names, door=Door(accounts) if accounts else None)
    # An answer in progress, or an open tab, must not hold up Ctrl-C.
    config = uvicorn.Config(guard, log_level="critical", timeout_graceful_shutdown=1)
    return uvicorn.Server(config)


def _first_screen(rag: Library, starters: Starters, signed_in: bool) -> Callable[[], str]:
    """Return what makes the first screen as the library is by then."""

    @lru_cache(maxsize=1)
    def info_in(state: tuple[str, str]) -> Mapping[str, Any]:
        return rag.info()  # it walks the files of the index, which the first screen must not wait for

    def first() -> str:
        masthead = masthead_html(info_in(rag.state), notice_of(rag))
        return shell_html(framed(masthead, signed_in=signed_in), starters.shown)

    return first


def _check_who_may_come(host: str, accounts: Accounts | None) -> None:
    if host not in LOOPBACK and accounts is None:
        raise UserError(
            f"At {host} other machines could read everything; make an account with `rag account add NAME "
            "--auth FILE`, and serve with `--auth FILE`."
        )
    if accounts is not None and not accounts.all():
        raise UserError(
            f"There is no account in {accounts.path}; make one with `rag account add NAME --auth FILE`."
        )


def serve(
    rag: Library,
    host: str = "127.0.0.1",
    port: int = 7860,
    ready: Callable[[], None] = lambda: None,
    **options: Any,
) -> None:
    """Serve the page until Ctrl-C; raise UserError when the port cannot be had.

    `ready` is called once the port is ours, before the page is built; `options` are those of `make_server`.
    """
    _check_who_may_come(host, options.get("accounts"))
    with contextlib.closing(listen(host, port)) as bound:
        ready()
        server = make_server(rag, host, **options)
        shown = f"[{host}]" if ":" in host else host
        print(f"citefold is at http://{shown}:{bound.getsockname()[1]} (Ctrl-C stops it)", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            server.run(sockets=[bound])
