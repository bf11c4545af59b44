"""Words of the page in English and Chinese; the browser shows one of the two (static/language.js)."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape


@dataclass(frozen=True, slots=True)
class Label:
    """Words of the page in both languages; a label without `zh` is the same in both."""

    en: str
    zh: str = ""

    def of(self, n: int = 0, **values: str) -> Label:
        """Return the label with its blanks filled: `{n}`, the English plural `{s}` of it, and `values`."""
        plural = "" if n == 1 else "s"
        return Label(*(text.format(n=n, s=plural, **values) for text in (self.en, self.zh)))

    def html(self) -> str:
        """Return both languages, escaped; the style sheet hides one, also from screen readers."""
        if not self.zh:
            return f'<span lang="en">{escape(self.en)}</span>'
        texts = {"en": self.en, "zh": self.zh}
        return "".join(f'<span class="in" lang="{key}">{escape(text)}</span>' for key, text in texts.items())

    def attribute(self, name: str) -> str:
        """Return what the script of the page makes the attribute `name` of, in the language shown."""
        return f' data-sets="{name}" data-en="{escape(self.en)}" data-zh="{escape(self.zh or self.en)}"'


# One text of Gradio's own parts, which take a single language: CSS selector, attribute ("" for the text
# itself), words.
Part = tuple[str, str, Label]
