"""A small OpenAI-compatible server that misbehaves in one chosen way and records what it was sent."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Behaviour = Callable[["Handler"], None]


@dataclass
class Recorder:
    """The address of a running server, and the requests it saw."""

    base_url: str = ""
    headers: list[dict[str, str]] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    closed_by_client: threading.Event = field(default_factory=threading.Event)
    release: threading.Event = field(default_factory=threading.Event)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    recorder: Recorder
    behaviour: Behaviour


class Handler(BaseHTTPRequestHandler):
    """Records the request, then hands over to the server's behaviour."""

    server: Server
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_POST(self) -> None:
        recorder = self.server.recorder
        length = int(self.headers.get("Content-Length", 0))
        recorder.requests.append(self.requestline)
        recorder.headers.append({k.lower(): v for k, v in self.headers.items()})
        recorder.bodies.append(json.loads(self.rfile.read(length) or b"null"))
        self.close_connection = True
        try:
            self.server.behaviour(self)
        except (BrokenPipeError, ConnectionResetError):
            recorder.closed_by_client.set()

    do_GET = do_POST
    do_CONNECT = do_POST

    def start(self, status: int = 200, kind: str = "text/event-stream", **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Connection", "close")
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def send(self, text: str) -> None:
        self.wfile.write(text.encode())
        self.wfile.flush()


def event(content: str | None = None, finish: str | None = None) -> str:
    """Return one server-sent event with a delta."""
    delta = {} if content is None else {"content": content}
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    head = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return f"data: {json.dumps(head | {'choices': [choice]})}\n\n"


def events(*parts: str) -> Behaviour:
    """Stream the parts and close."""

    def behave(handler: Handler) -> None:
        handler.start()
        for part in parts:
            handler.send(part)

    return behave


def good(text: str = "Hello there.", finish: str = "stop") -> Behaviour:
    """Answer as a well-behaved server does."""
    return events(
        *[event(word) for word in re.findall(r"\S+\s*", text)], event(finish=finish), "data: [DONE]\n\n"
    )


def status(number: int, message: str = "it went wrong", **fields: str) -> Behaviour:
    """Answer with an HTTP status and OpenAI's error body."""
    body = json.dumps({"error": {"message": message, "type": "some_error"} | fields})
    return lambda handler: (handler.start(number, "application/json"), handler.send(body))[0]


def redirect(location: str) -> Behaviour:
    """Send the client elsewhere, body and all."""
    return lambda handler: handler.start(307, "text/plain", Location=location)


def page(handler: Handler) -> None:
    """Answer 200 with a web page, as captive portals do."""
    handler.start(200, "text/html")
    handler.send("<!doctype html><html><body>Please log in</body></html>")


def stall_before_headers(handler: Handler) -> None:
    """Accept and say nothing."""
    handler.server.recorder.release.wait(30)


def stall_mid_stream(handler: Handler) -> None:
    """Stream one word and say nothing more."""
    handler.start()
    handler.send(event("Hello"))
    handler.server.recorder.release.wait(30)


def cut_mid_chunk(handler: Handler) -> None:
    """Announce a longer HTTP chunk than is sent, then close."""
    handler.start(200, "text/event-stream", **{"Transfer-Encoding": "chunked"})
    first = event("Hello")
    handler.send(f"{len(first):x}\r\n{first}\r\n")
    handler.send(f'{500:x}\r\ndata: {{"id": "x", "choi')


def endless(handler: Handler) -> None:
    """Stream until the client goes away."""
    handler.start()
    while not handler.server.recorder.release.wait(0.005):
        handler.send(event("word "))


@contextmanager
def serve(behaviour: Behaviour) -> Iterator[Recorder]:
    """Run a server with this behaviour on a free loopback port."""
    server = Server(("127.0.0.1", 0), Handler)
    server.recorder = Recorder(base_url=f"http://127.0.0.1:{server.server_address[1]}/v1")
    server.behaviour = behaviour
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server.recorder
    finally:
        server.recorder.release.set()
        server.shutdown()
        server.server_close()
        thread.join()
