"""What the Settings tab shows of models, measurements and space, as HTML; everything is escaped."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from ui.settings import labels
from ui.words import Label

# Development questions refused by each way, and of how many; see docs/decisions.md#lenient-refusal.
_MEASURED = {"no answer": (28, 19, 34), "answer": (4, 0, 85)}


def heading_html(title: Label, about: Label | None = None) -> str:
    """Return the heading of a section, and what it is about."""
    text = f'<p class="set-about">{about.html()}</p>' if about else ""
    return f"<h2>{title.html()}</h2>{text}"


def note_html(*labels: Label) -> str:
    """Return a note below a choice."""
    return f'<p class="set-about">{" ".join(label.html() for label in labels)}</p>'


def in_use_html(info: Mapping[str, Any]) -> str:
    """Return which model answers, where it runs, and its size."""
    llm = info["llm"]
    facts = [labels.AT.of(host=llm["endpoint"]) if llm["endpoint"] else labels.HERE]
    size = _size_of(info, llm["name"])
    shown = "".join(f" · {fact.html()}" for fact in facts) + (f" · {size}" if size else "")
    return f'<p class="in-use">{labels.IN_USE.html()} <b>{escape(llm["name"])}</b>{shown}</p>'


def measured_html() -> str:
    """Return what is measured of both ways to refuse."""
    head = f"<th></th><th>{labels.STRICT_SHORT.html()}</th><th>{labels.LENIENT_SHORT.html()}</th>"
    rows = ""
    for label, kind in ((labels.NO_ANSWER, "no answer"), (labels.HAS_ANSWER, "answer")):
        strict, lenient, whole = _MEASURED[kind]
        cells = "".join(
            f"<td>{labels.OF.of(part=str(n), whole=str(whole)).html()}</td>" for n in (strict, lenient)
        )
        rows += f'<tr><th scope="row">{label.html()}</th>{cells}</tr>'
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def language_html() -> str:
    """Return the choice of language, which static/language.js makes work."""
    names = (("en", "English"), ("zh", "中文"))
    buttons = "".join(
        f'<button type="button" data-language="{code}" lang="{code}">{name}</button>' for code, name in names
    )
    return f'<div class="languages" role="group"{labels.LANGUAGE.attribute("aria-label")}>{buttons}</div>'


def prepared_html(done: int, total: int, *, needed: bool = True, running: bool = False) -> str:
    """Return the prepared share of the library, and whether more is being prepared."""
    if not needed:
        return note_html(labels.NOT_NEEDED)
    done = min(done, total)
    share = labels.SHARE.of(done=f"{done:,}", total=f"{total:,}")
    bar = (
        f'<progress value="{done}" max="{max(total, 1)}"{labels.PREPARED.attribute("aria-label")}></progress>'
    )
    return f'<div class="share" aria-busy="{str(running).lower()}">{bar}<span>{share.html()}</span></div>'


def disk_html(info: Mapping[str, Any], file: str) -> str:
    """Return the models and the index with their sizes, and where the settings are kept."""
    rows = [(labels.EMBEDDING, info["embedding_model"], _size_of(info, info["embedding_model"]))]
    if not info["llm"]["endpoint"]:
        rows.append((labels.WORDING, info["llm"]["name"], _size_of(info, info["llm"]["name"])))
    if info.get("rerank_model"):
        rows.append((labels.RERANKING, info["rerank_model"], ""))
    rows.append((labels.INDEX, "", size_text(info["index_bytes"])))
    body = "".join(
        f'<tr><th scope="row">{label.html()}</th><td>{escape(str(name))}</td><td>{size}</td></tr>'
        for label, name, size in rows
    )
    return (
        f"<table><tbody>{body}</tbody></table>"
        f'<p class="set-about">{labels.WHERE.html()}: <code>{escape(file)}</code></p>'
    )


def said_html(label: Label, *, error: bool = False) -> str:
    """Return what came of a change or a test."""
    return f'<p class="{"error" if error else "done"}">{label.html()}</p>'


def size_text(size: int) -> str:
    """Return bytes in the units of disks: powers of 1,000."""
    if size >= 10**9:
        return f"{size / 10**9:.1f} GB"
    return f"{max(round(size / 10**6), 1):,} MB"


def _size_of(info: Mapping[str, Any], name: str) -> str:
    sizes = {model["name"]: model["size"] for model in info["models"] if model["present"]}
    return size_text(sizes[name]) if name in sizes else ""
