"""Translate quoted words of an abstract for a reader who asked in the other language."""

from __future__ import annotations

from rag.answering.generation.grammar import answer_grammar
from rag.answering.generation.messages import estimate_tokens
from rag.answering.generation.translation import lost, translate
from rag.llm.base import LLM, Message
from rag.schema import Language
from rag.text.language import detect_language
from rag.text.sentences import sentence_texts

# Longest translation, in tokens: so many per token of the sentence, plus a constant.
_TOKENS_EACH, _TOKENS_MORE = 2, 40
_TIMES = 2  # tries; higher translates more sentences and takes longer
_INTO: dict[Language, str] = {"en": "English", "zh": "Chinese"}
_SYSTEM = (
    "Translate the sentence of a scientific abstract into {language}. Keep names and numbers as they are. "
    "Reply with the translation alone."
)
_KEEP = "\nKeep as they are: {words}"
_EXAMPLES: dict[Language, tuple[tuple[str, str], ...]] = {
    "en": (
        ("该模型在三个数据集上的准确率提高了2.4%。", "The model raises accuracy by 2.4% on three data sets."),
        ("本文提出一种名为LeafNet的轻量网络。", "This paper proposes a lightweight network named LeafNet."),
    ),
    "zh": (
        ("The model raises accuracy by 2.4% on three data sets.", "该模型在三个数据集上的准确率提高了2.4%。"),
        ("This paper proposes a lightweight network named LeafNet.", "本文提出一种名为LeafNet的轻量网络。"),
    ),
}


def translate_quote(llm: LLM, text: str, to: Language, question: str = "") -> str | None:
    """Return `text` in the language `to`; None if a number or a name gets lost.

    `question` is what was asked, in that language: it shows how terms are translated.

    Raises:
        LLMError: the model failed.
    """
    said: list[str] = []
    for sentence in sentence_texts(text):
        if detect_language(sentence) == to:
            said.append(sentence)
            continue
        by_grammar = to == "zh" and llm.supports_grammar and question
        new = translate(llm, question, sentence) if by_grammar else _translated(llm, sentence, to)
        if new is None:
            return None
        said.append(new)
    return ("" if to == "zh" else " ").join(said)


def _translated(llm: LLM, sentence: str, to: Language) -> str | None:
    longest = _TOKENS_EACH * estimate_tokens(sentence) + _TOKENS_MORE
    grammar = answer_grammar(to, may_refuse=False) if llm.supports_grammar else None
    missing: list[str] = []
    for _ in range(_TIMES):
        said = llm.complete(_chat(sentence, to, missing), max_tokens=longest, grammar=grammar).strip()
        missing = lost("", sentence, said)
        if said and not missing and detect_language(said) == to:
            return said
    return None


def _chat(sentence: str, to: Language, keep: list[str]) -> list[Message]:
    messages = [Message("system", _SYSTEM.format(language=_INTO[to]))]
    for one, other in _EXAMPLES[to]:
        messages += [Message("user", one), Message("assistant", other)]
    more = _KEEP.format(words=", ".join(keep)) if keep else ""
    return [*messages, Message("user", sentence + more)]
