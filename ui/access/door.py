"""The door of a shared page: nothing behind it is served, API and MCP included, but to who has signed in.

Gradio's own login is not enough: it leaves its MCP server and other addresses open, gives its token to
scripts at /gradio_api/token, counts no wrong passwords, and never ends a session.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from html import escape
from typing import Any
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response

from rag import UserError
from ui.access.accounts import Account, Accounts
from ui.access.sessions import SESSION_S, Sessions, Tries
from ui.words import Label

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

COOKIE = "citefold_session"
LOGIN, LOGOUT = "/login", "/logout"
_FORM_BYTES = 8192

_TITLE = Label("Sign in", "登录")
_NAME = Label("Name", "用户名")
_PASSWORD = Label("Password", "密码")
_WRONG = Label("The name or the password is wrong; try again.", "用户名或密码不正确，请重试。")
_WAIT = Label("Too many wrong passwords; try again in {} minutes.", "密码错误次数过多，请在 {} 分钟后重试。")
_PAGE = """<!doctype html><html lang="{language}"><meta charset="utf-8"><title>citefold</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">
<style>:root{{color-scheme:light dark;--paper:light-dark(#f6f4ef,#1c1b19);--sheet:light-dark(#fff,#262522);
--ink:light-dark(#24231f,#e8e5dd);--rule:light-dark(#d9d5ca,#45423c);--accent:light-dark(#1f5f5b,#7fc4bd)}}
body{{margin:0;min-height:100vh;display:grid;place-items:center;background:var(--paper);color:var(--ink);
font:16px/1.5 system-ui,"Noto Sans CJK SC","PingFang SC","Microsoft YaHei",sans-serif}}
form{{box-sizing:border-box;width:min(22rem,100vw - 2rem);padding:1.75rem;background:var(--sheet);
border:1px solid var(--rule);border-radius:10px}}h1{{font-size:1.25rem;margin:0 0 1rem}}
label{{display:block;margin:0 0 .9rem}}input,button{{box-sizing:border-box;width:100%;font:inherit;
color:inherit;padding:.55rem .7rem;border:1px solid var(--rule);border-radius:6px;background:transparent}}
button{{margin-top:.4rem;background:var(--accent);border-color:var(--accent);color:var(--sheet);cursor:pointer}}
:focus-visible{{outline:2px solid var(--accent);outline-offset:2px}}p{{margin:0 0 .9rem}}</style>
<form method="post" action="{login}"><h1>citefold</h1>{message}
<label>{name}<input name="username" autocomplete="username" autocapitalize="none" required autofocus></label>
<label>{password}<input name="password" type="password" autocomplete="current-password" required></label>
<input type="hidden" name="next" value="{next}"><button>{title}</button></form></html>"""


class Door:
    """Answers whoever has not signed in, and the requests that sign in and out."""

    def __init__(self, accounts: Accounts) -> None:
        """Let in who has an account in `accounts`."""
        self._accounts = accounts
        self._sessions, self._tries = Sessions(accounts), Tries()
        self._one_at_a_time = asyncio.Lock()  # a check takes 16 MB and a core

    def account(self, scope: Scope) -> Account | None:
        """Return who has signed in, by the cookie of a browser or the token of a program.

        Raises:
            UserError: the file of accounts cannot be used.
        """
        request = Request(scope)
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer":
            return self._accounts.of_token(token.strip())
        return self._sessions.account(request.cookies.get(COOKIE, ""))

    async def answer(self, scope: Scope, receive: Receive) -> Response | Account:
        """Return the answer to a request that ends at the door, the account for one that may pass."""
        request = Request(scope, receive)
        try:
            if request.method == "POST" and request.url.path.rstrip("/") == LOGIN:
                return await self._sign_in(request)
            if request.method == "POST" and request.url.path.rstrip("/") == LOGOUT:
                return self._sign_out(request)
            account = self.account(scope)
            if account is not None:
                return account
        except UserError as error:
            return PlainTextResponse(str(error), 503)
        if request.method == "GET" and "text/html" in request.headers.get("accept", ""):
            query = f"?{request.url.query}" if request.url.query else ""
            return _form(request.headers, None, f"{request.url.path}{query}", 401)
        text = "Sign in first: open this page in a browser, or send the token of `rag account token`."
        return PlainTextResponse(text, 401, {"www-authenticate": "Bearer"})

    async def _sign_in(self, request: Request) -> Response:
        fields = parse_qs((await _body(request)).decode("utf-8", "replace"), keep_blank_values=True)
        name, password, after = (fields.get(key, [""])[0] for key in ("username", "password", "next"))
        address = request.client.host if request.client else ""
        wait_s, account = await self._checked(address, name, password)
        form = "text/html" in request.headers.get("accept", "")
        if account is None:
            message, status = (_minutes(wait_s), 429) if wait_s else (_WRONG, 401)
            headers = {"retry-after": str(wait_s)} if wait_s else None
            if form:
                return _form(request.headers, message, after, status)
            return JSONResponse({"detail": message.en}, status, headers)
        response: Response = JSONResponse({"success": True})
        if form:
            response = RedirectResponse(_inside(after), 303)
        response.set_cookie(
            COOKIE, self._sessions.begin(account), max_age=SESSION_S, httponly=True, samesite="lax",
            secure=request.url.scheme == "https",
        )  # fmt: skip
        return response

    async def _checked(self, address: str, name: str, password: str) -> tuple[int, Account | None]:
        """Return the seconds to wait before another try, and the account if all is right."""
        async with self._one_at_a_time:
            wait_s = self._tries.wait_s(address, name)
            if wait_s:
                return wait_s, None
            account = await asyncio.to_thread(self._accounts.check, name, password)
            if account is None:
                self._tries.failed(address, name)
            return 0, account

    def _sign_out(self, request: Request) -> Response:
        self._sessions.end(request.cookies.get(COOKIE, ""))
        response = RedirectResponse("/", 303)
        response.delete_cookie(COOKIE)
        return response


async def _body(request: Request) -> bytes:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _FORM_BYTES:
            return b""
    return body


def _inside(address: str) -> str:
    """Return where to go after signing in: a path of this page, never another site."""
    inside = address.startswith("/") and not address.startswith(("//", "/\\")) and address.isprintable()
    return address if inside and address.partition("?")[0] not in (LOGIN, LOGOUT) else "/"


def _minutes(seconds: int) -> Label:
    minutes = str(-(-seconds // 60))
    return Label(_WAIT.en.format(minutes), _WAIT.zh.format(minutes))


def _form(headers: Headers, message: Label | None, after: str, status: int) -> Response:
    language = "zh" if headers.get("accept-language", "").lower().startswith("zh") else "en"

    def said(label: Label) -> str:
        return escape(label.zh if language == "zh" else label.en)

    shown = _PAGE.format(
        language=language, login=LOGIN, name=said(_NAME), password=said(_PASSWORD), title=said(_TITLE),
        next=escape(_inside(after)), message=f'<p role="alert">{said(message)}</p>' if message else "",
    )  # fmt: skip
    return HTMLResponse(shown, status, {"cache-control": "no-store"})
