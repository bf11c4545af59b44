"""Find the records in JSON text of any layout while it streams, so that a broken one costs only itself."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from rag.indexing.reading.fields import known_name
from rag.indexing.reading.record import MOST_RECORD, blocks

# Keys under which services put their records: a list of them, or an object that leads to it.
PAGES = frozenset(
    "results result data items records record hits docs documents papers works articles entries publications "
    "message response resultlist references_list list rows _source source_list".split()
)
_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\]:,]|[^\s{}\[\]:,"]+|"', re.DOTALL)
_CLOSING = {"{": "}", "[": "]"}
_OPENING = re.compile(r'\{\s*("(?:[^"\\]|\\.){1,80}")\s*:')


@dataclass(slots=True)
class Broken:
    """A stretch of text that should be a record and is not JSON, and why."""

    reason: str = "malformed JSON"


@dataclass(slots=True)
class _Open:
    """A list or object that is open. One that is `clear` holds records; an object may turn out to be."""

    bracket: str
    start: int
    clear: bool = False
    is_candidate: bool = False
    has_text: bool = False
    key: str = ""


@dataclass(slots=True)
class _Scanner:
    text: str = ""
    place: int = 0
    opened: list[_Open] = field(default_factory=list)
    first_key: re.Pattern[str] | None = None
    last: str = ""

    def scan(self, *, final: bool) -> Iterator[Any]:
        while (found := _TOKEN.search(self.text, self.place)) is not None:
            token, end = found[0], found.end()
            if not final and (token == '"' or end == len(self.text)):
                break  # it may go on in the next piece
            self.place = end
            yield from self._take(token, found.start(), end)
        if self.opened and (final or len(self.text) - self._start() > MOST_RECORD):
            yield from self._give_up("ends within a record" if final else None)
        self._forget()

    def _take(self, token: str, start: int, end: int) -> Iterator[Any]:
        top = self.opened[-1] if self.opened else None
        if token in _CLOSING:
            self.opened.append(self._opened(token, start, top))
        elif token in "}]":
            yield from self._close(token, end)
        elif token == ":":
            if top:
                top.key = self.last
                top.has_text |= (known_name(self.last) or "").startswith("abstract")
        elif token != "," and (top is None or (top.clear and top.bracket == "[")):
            yield Broken("not a JSON object" if top else "malformed JSON")
        self.last = token.strip('"')

    def _opened(self, bracket: str, start: int, top: _Open | None) -> _Open:
        leads = top is None or (top.clear and top.bracket == "[")
        if top is not None and (top.is_candidate or top.clear) and top.bracket == "{" and not top.has_text:
            holds = bracket == "{" or re.compile(r"\s*\{").match(self.text, start + 1) is not None
            if top.key.casefold() in PAGES and holds:
                top.clear, top.is_candidate, leads = True, False, True
        return _Open(bracket, start, clear=leads and bracket == "[", is_candidate=leads and bracket == "{")

    def _close(self, token: str, end: int) -> Iterator[Any]:
        if not self.opened:
            yield Broken()
            return
        if _CLOSING[self.opened[-1].bracket] != token:
            yield from self._give_up(None)
            return
        closed = self.opened.pop()
        if closed.is_candidate:
            yield from self._parsed(closed.start, end)

    def _parsed(self, start: int, end: int) -> Iterator[Any]:
        text = self.text[start:end]
        try:
            value = json.loads(text, strict=False)
        except (ValueError, RecursionError):
            yield Broken()
            self._go_on_after(start, end)
            return
        if self.first_key is None and (found := _OPENING.match(text)):
            self.first_key = re.compile(rf"\{{\s*{re.escape(found[1])}\s*:")
        yield value

    def _give_up(self, reason: str | None) -> Iterator[Broken]:
        """Leave the record that is open, and go on where the next one seems to begin."""
        start = self._start()
        is_open = any(not item.clear for item in self.opened)
        while self.opened and not self.opened[-1].clear:
            self.opened.pop()
        if is_open or reason is None:
            yield Broken(reason or "malformed JSON")
            self._go_on_after(start, len(self.text))
        elif self.opened:
            self.opened.clear()

    def _go_on_after(self, start: int, end: int) -> None:
        found = self.first_key.search(self.text, start + 1, end) if self.first_key else None
        self.place = found.start() if found else max(self.place, end)

    def _start(self) -> int:
        return next((item.start for item in self.opened if not item.clear), self.place)

    def _forget(self) -> None:
        start = min(self._start(), self.place)
        self.text, self.place = self.text[start:], self.place - start
        for item in self.opened:
            item.start -= start


def values_in(pieces: Iterable[str]) -> Iterator[Any]:
    """Yield each record that JSON text holds, and Broken where there should be one.

    Records are the objects of a list, of several values one after the other, or of the list that a service
    puts under "results", "message.items" and the like. Memory holds one of them at a time.
    """
    scanner = _Scanner()
    for piece in blocks(pieces):
        scanner.text += piece
        yield from scanner.scan(final=False)
    yield from scanner.scan(final=True)
