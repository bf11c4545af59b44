"""What is replied while the library holds no abstract: what is missing, and how to add it."""

from __future__ import annotations

from rag.schema import Answer, Language, Timings
from rag.text.language import detect_language

EMPTY_LIBRARY: dict[Language, str] = {
    "en": "The library is empty; add abstracts on the Library page or with rag index PATH, then ask again.",
    "zh": "文献库里还没有摘要；请在“文献库”页添加，或运行 rag index 路径，然后再提问。",
}


def answer_about_nothing(question: str) -> Answer:
    """Return the reply to a question that is asked of an empty library, in its language."""
    language = detect_language(question)
    return Answer(
        question, language, EMPTY_LIBRARY[language], False, (), (), (), 0, Timings(0, 0, 0), kind="collection"
    )  # fmt: skip
