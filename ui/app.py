"""The chat page: layout and events. The only module that imports gradio, and only when a page is built."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from rag import UserError
from ui import labels
from ui.format import chat_html, masthead_html, status_html
from ui.guard import Guard
from ui.head import head_html
from ui.labels import Label
from ui.notes import status_of
from ui.sources import sources_html
from ui.stream import Library, follow
from ui.turn import Turn, history

if TYPE_CHECKING:
    import uvicorn
    from gradio import Blocks

EXAMPLES = (
    "What FID does the 900M Muse model reach on CC3M?",
    "HAQ框架把延迟和能耗降低了多少？",
    "How does the spiking neural network with associative plasticity let synapses interact?",
    "事件逆转和EventDrift在哪些数据集上做了实验？",
    "By how much does TinyMIM-Base beat the MAE baseline in semantic segmentation?",
)
# What the examples are about, recognised by its counts: distinct abstracts, and how many a language.
_DEFAULT_CORPUS = (31, {"en": 22, "zh": 9})
# Several windows see their sources at once; the model takes their questions in turn.
_AT_ONCE = 4
_FONTS = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "PingFang SC", "Microsoft YaHei"]
_FONTS += ["Noto Sans CJK SC", "Noto Sans SC", "sans-serif"]


def build_app(rag: Library, *, notice: Label | None = None, examples: Sequence[str] | None = None) -> Blocks:
    """Lay out the page over `rag`; `notice` stands on top, `examples` before the first question.

    Without `examples`, the five on the default corpus are shown when that corpus is what is indexed.
    """
    gr, info = _gradio(), rag.info()
    if examples is None:
        examples = EXAMPLES if (info["papers"], info["languages"]) == _DEFAULT_CORPUS else ()
    app: Blocks
    with gr.Blocks(title="citefold", analytics_enabled=False, fill_width=True) as app:
        _html(masthead_html(info, notice), "masthead")
        with gr.Row(elem_id="desk", equal_height=False):
            with gr.Column(elem_id="talk", min_width=0):
                chat = _html(chat_html(()), "chat")
                with gr.Column(elem_id="examples", min_width=0):
                    starters = [gr.Button(text, elem_classes="example", min_width=0) for text in examples]
                question, send, stop, line, clear = _composer()
            with gr.Column(elem_id="side", min_width=0):
                sources = _html(sources_html(()), "sources")
        turns = gr.State(())

        quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
        streamed = quiet | {"concurrency_limit": _AT_ONCE}
        outputs = [question, chat, sources, turns, line]
        answer = _answerer(rag)
        asked = [gr.on([question.submit, send.click], answer, [question, turns], outputs, **streamed)]
        asked += [starter.click(answer, [starter, turns], outputs, **streamed) for starter in starters]
        stop.click(_halt, [turns], outputs, cancels=asked, queue=False, **quiet)
        clear.click(_clear, None, outputs, cancels=asked, queue=False, **quiet)
    return app


def _composer() -> tuple[Any, ...]:
    """Lay out the question box and what stands around it, in English until the script of the page has run."""
    gr = _gradio()
    with gr.Column(elem_id="composer", min_width=0):
        with gr.Row(elem_id="ask"):
            question = gr.Textbox(
                label=labels.QUESTION.en, show_label=False, container=False, autofocus=True, lines=1,
                max_lines=6, placeholder=labels.PLACEHOLDER.en, elem_id="question", min_width=0,
            )  # fmt: skip
            send = _button(labels.ASK, "send", variant="primary")
            stop = _button(labels.STOP, "stop")
        with gr.Row(elem_id="line"):
            line = _html(status_html(labels.HINT), "status")
            clear = _button(labels.CLEAR, "clear")
    return question, send, stop, line, clear


def _html(value: str, name: str) -> Any:
    return _gradio().HTML(value, elem_id=name, apply_default_css=False)


def _button(label: Label, name: str, **options: str) -> Any:
    return _gradio().Button(label.en, elem_id=name, min_width=0, scale=0, **options)


def _answerer(rag: Library) -> Any:
    skip = _gradio().skip

    async def answer(question: str, past: tuple[Turn, ...]) -> AsyncIterator[tuple[Any, ...]]:
        if not question.strip():
            yield skip(), skip(), skip(), skip(), status_html(labels.NO_QUESTION)
            return
        before: Turn | None = None
        async with contextlib.aclosing(follow(rag, question.strip(), history(past))) as steps:
            async for turn in steps:
                if turn is before:  # nothing new; Gradio looks whether the reader is still there
                    yield skip(), skip(), skip(), skip(), skip()
                    continue
                # Only what differs is sent: the sources of a long conversation outweigh a word by far.
                shown = (*past, turn)
                news = before is None or status_of(turn) != status_of(before)
                panel = news or (before is not None and turn.citations != before.citations)
                yield (
                    "" if before is None else skip(),
                    chat_html(shown),
                    sources_html(shown) if panel else skip(),
                    shown,
                    status_html(status_of(turn)) if news else skip(),
                )
                before = turn

    return answer


def _halt(turns: tuple[Turn, ...]) -> tuple[Any, ...]:
    shown = (*turns[:-1], turns[-1].halted()) if turns else ()
    status = status_of(shown[-1]) if shown else labels.HINT
    return _gradio().skip(), chat_html(shown), sources_html(shown), shown, status_html(status)


def _clear() -> tuple[Any, ...]:
    return "", chat_html(()), sources_html(()), (), status_html(labels.HINT)


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
        taken = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
        why = "is already in use" if taken else f"cannot be opened ({error})"
        raise UserError(f"Port {port} on {host} {why}; choose another with `--port N`.") from error
    return bound


def make_server(
    rag: Library,
    host: str = "127.0.0.1",
    *,
    notice: Label | None = None,
    examples: Sequence[str] | None = None,
) -> uvicorn.Server:
    """Return a server of the page, not started: `server.run(sockets=[listen(host, port)])` serves it."""
    import uvicorn
    from fastapi import FastAPI

    gr = _gradio()
    no_docs: dict[str, Any] = {"docs_url": None, "redoc_url": None, "openapi_url": None}
    outer = FastAPI(**no_docs)
    gr.mount_gradio_app(
        outer, build_app(rag, notice=notice, examples=examples), path="/", server_name=host,
        footer_links=[], run_history=False, enable_monitoring=False, ssr_mode=False, pwa=False,
        mcp_server=False, show_error=False, app_kwargs=dict(no_docs), max_file_size=0,
        theme=gr.themes.Base(font=_FONTS, font_mono=["ui-monospace", "monospace"]),
        head=head_html(),
    )  # fmt: skip
    # An answer in progress, or an open tab, must not hold up Ctrl-C.
    config = uvicorn.Config(Guard(outer, host), log_level="critical", timeout_graceful_shutdown=1)
    return uvicorn.Server(config)


def serve(
    rag: Library,
    host: str = "127.0.0.1",
    port: int = 7860,
    notice: Label | None = None,
    ready: Callable[[], None] = lambda: None,
) -> None:
    """Serve the page until Ctrl-C; raise UserError when the port cannot be had.

    `ready` is called once the port is ours, before the page is built.
    """
    with contextlib.closing(listen(host, port)) as bound:
        ready()
        server = make_server(rag, host, notice=notice)
        shown = f"[{host}]" if ":" in host else host
        print(f"citefold is at http://{shown}:{bound.getsockname()[1]} (Ctrl-C stops it)", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            server.run(sockets=[bound])


def _gradio() -> Any:
    """Import gradio with everything off that it would send: read at its import, so set before it."""
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    # Its statistics of questions, for the monitoring page that is off here, cost a table after every event.
    os.environ["GRADIO_ANALYTICS_CACHE_FREQUENCY"] = "1000000000"
    with _usable_proxies():
        import gradio

    return gradio


@contextlib.contextmanager
def _usable_proxies() -> Iterator[None]:
    """Hide proxy variables that httpx refuses: gradio makes clients at its import, and the page uses none."""
    import httpx

    hidden: dict[str, str] = {}
    try:
        if "gradio" not in sys.modules:
            httpx.Client().close()
    except (ImportError, ValueError, httpx.InvalidURL):
        names = [name for name in os.environ if name.lower().endswith("_proxy")]
        hidden = {name: os.environ.pop(name) for name in names}
    try:
        yield
    finally:
        os.environ.update(hidden)
