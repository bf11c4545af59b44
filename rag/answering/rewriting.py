"""Follow-ups rewritten into full questions by the language model, and checked before they are believed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import closing

from rag.answering.question import needs_context
from rag.llm.base import LLM, Message
from rag.schema import Language
from rag.text.analyzer import analyze, analyze_document
from rag.text.language import detect_language
from rag.text.numbers import number_values

History = Sequence[tuple[str, str]]

MAX_TOKENS = 60
_MAX_CHARS = 300
# Earlier turns that are shown, and how much of each answer: what a follow-up leans on was said just before.
_TURNS = 2
_ANSWER_CHARS = 240
# One line, one sentence, that begins (English) and ends as a question does, without markers; a full stop or a stroke
# only within a number or a name. Without the beginning, 4 of 20 replies were statements with a question mark.
_OPENINGS = (
    '"What " | "Which " | "Who " | "Whose " | "When " | "Where " | "Why " | "How " | "Do" | "Did " | "Is " | "Are " | "Was " '
    '| "Were " | "Can " | "Could " | "Has " | "Have " | "On " | "By " | "In " | "At " | "For " | "With "'
)
_HAN = r"\u3400-\u9fff"
_CHARS = r"char ::= [^\n\[\]?？。！./|`*{not}] | [./] [0-9A-Za-z]"
_GRAMMARS: dict[Language, str] = {
    "en": f'root ::= ({_OPENINGS}) char{{4,200}} "?"\n{_CHARS.replace("{not}", _HAN)}\n',
    "zh": f'root ::= char{{4,120}} "？"\n{_CHARS.replace("{not}", "")}\n',
}
_ASKS = re.compile(
    r"\b(?:what|which|who|whom|whose|when|where|why|how|do|does|did|is|are|was|were|can|could|has|have)\b"
    r"|什么|为何|多少|哪|几|谁|如何|怎|是否|有没有|能否|吗|多[大快高长]",
    re.IGNORECASE,
)
_WHY = re.compile(r"\bwhy\b|为什么|为何", re.IGNORECASE)
_INSTRUCTION = "Do not answer. Write the follow-up as one full question that names what it is about."
_ASK: dict[Language, str] = {"en": "Full question in English:", "zh": "完整的中文问题："}
_SYSTEM = "You turn follow-up questions about scientific abstracts into full questions that can be understood alone."
# Earlier turn, answer, follow-up, full question. As turns of the chat, since a small model copies the names of examples
# that stand beside the conversation.
_EXAMPLES: tuple[tuple[str, str, str, str], ...] = (
    ("How many parameters does LeafNet have?", "LeafNet has 2.1M parameters.", "and its accuracy on PlantVillage?",
     "What is the accuracy of LeafNet on PlantVillage?"),
    ("哪些模型预测风场？", "WindDiff用扩散模型预测风场。AeroNet用图网络。", "第二个用了什么数据？", "AeroNet用了什么数据？"),
    ("What accuracy does LeafNet reach on PlantVillage?", "LeafNet reaches 94.3% accuracy.", "And on CropNet?",
     "What accuracy does LeafNet reach on CropNet?"),
    ("Who wrote the field survey?", "The field survey was written by two botanists.", "Why?",
     "Why did two botanists write the field survey?"),
    ("SafeRoute在智能体任务上把攻击成功率降低了多少？", "SafeRoute把攻击成功率从61%降至7%。", "在代码任务上呢？",
     "SafeRoute在代码任务上把攻击成功率降低了多少？"),
    ("How does pruning compare with dropout on speech models?", "Pruning is better on DeepVoice.", "and on VisionNet?",
     "How does pruning compare with dropout on VisionNet?"),
    ("WindDiff快多少？", "WindDiff把计算时间缩短了40倍。", "那误差呢？", "WindDiff的误差是多少？"),
    ("How long does SolvRank take to train?", "SolvRank trains in two days.", "With a larger encoder?",
     "How long does SolvRank take to train with a larger encoder?"),
)  # fmt: skip
_IDENTIFIER = re.compile(r"[A-Za-z0-9][\w.+/-]*", re.ASCII)
# Words of a follow-up that a full question says otherwise.
_POINTING = (
    "it its itself they them their this that these those such same one ones first second third last former latter "
    "other others another about also too now ok okay please tell me more many much not no yes he she his her author "
    "它 他 她 们 这 那 其 该 此 个 第 一 二 三 四 五 两 前 后 者 呢 吗 么 的 了 是 在 上 中 里 有 和 与 还 另 外 为 什 多 少 怎 样 哪 些 几 篇 种"
)
_MIN_KEPT = 0.65
_MARKERS = re.compile(r"\s*\[\d+\]")


def standalone(llm: LLM, question: str, history: History) -> str | None:
    """Return `question` as a full question, by what was said before; None where it is one or cannot be made one.

    `history` are (question, answer text), oldest first. Raises LLMError as `llm` does.
    """
    if not history or not needs_context(question):
        return None
    grammar = grammar_for(question) if llm.supports_grammar else None
    reply = ""
    with closing(
        llm.stream(rewrite_messages(question, history), max_tokens=MAX_TOKENS, grammar=grammar)
    ) as deltas:
        for delta in deltas:
            reply += delta
            if "\n" in reply.strip():
                break
    rewritten = _line(reply)
    return rewritten if is_faithful(rewritten, question, history) else None


def grammar_for(question: str) -> str:
    """Return the GBNF grammar of a full question in the language of `question`."""
    return _GRAMMARS[detect_language(question)]


def rewrite_messages(question: str, history: History) -> list[Message]:
    """Return the chat: examples, and the conversation."""
    return [*rewrite_prefix(), _turn(list(history)[-_TURNS:], question)]


def rewrite_prefix() -> list[Message]:
    """Return the part of that chat that is always the same."""
    messages = [Message("system", _SYSTEM)]
    for asked, answered, follow_up, full in _EXAMPLES:
        messages += [_turn([(asked, answered)], follow_up), Message("assistant", full)]
    return messages


def _turn(history: History, question: str) -> Message:
    said = "".join(f"Question: {asked}\nAnswer: {_clipped(answered)}\n" for asked, answered in history)
    ask = _ASK[detect_language(question)]
    return Message("user", f"{_INSTRUCTION}\n{said}Follow-up: {question}\n{ask}")


def is_faithful(rewritten: str, question: str, history: History) -> bool:
    """Return whether a rewriting may stand for the question.

    It keeps the question's language, numbers and identifiers and most of its other words, brings in no number or
    identifier that nobody said, no quantity of an answer unless it asks why, takes something from the conversation without being an
    earlier question again, can be understood alone, and is one question that is not over-long.
    """
    said = " ".join([question, *(f"{asked} {answered}" for asked, answered in list(history)[-_TURNS:])])
    asked_before = " ".join([question, *(asked for asked, _ in history)])
    return (
        rewritten.endswith(("?", "？"))
        and len(rewritten) <= _MAX_CHARS
        and detect_language(rewritten) == detect_language(question)
        and _kept(rewritten, question) >= _MIN_KEPT
        and not any(set(analyze(rewritten)) == set(analyze(asked)) for asked, _ in history)
        and _names(question) <= _names(rewritten) <= _latin(said)
        and set(number_values(rewritten))
        <= set(number_values(said if _WHY.search(question) else asked_before))
        and bool(_WHY.search(rewritten)) == bool(_WHY.search(question))
        and bool(_ASKS.search(rewritten))
        and not needs_context(rewritten)
        and bool((set(analyze(rewritten)) - set(analyze(question))) & set(analyze(said)))
    )


def _kept(rewritten: str, question: str) -> float:
    """Return the share of a follow-up's own words (Han characters) that the rewriting has too, 1 when it has none."""
    own = set(analyze_document(question)) - set(analyze(_POINTING))
    if detect_language(question) == "zh":
        own = {term for term in own if len(term) == 1 or term.isascii()}
    return len(own & set(analyze_document(rewritten))) / len(own) if own else 1.0


def _names(text: str) -> set[str]:
    """Return the identifiers and numbers of a text, in small letters: words with a digit or an inner capital.

    In a Chinese text every Latin word is one.
    """
    words = _IDENTIFIER.findall(_MARKERS.sub("", text))
    if detect_language(text) == "en":
        words = [word for word in words if re.search(r"\d|(?!^)[A-Z]", word)]
    return _latin(" ".join(words))


def _latin(text: str) -> set[str]:
    return {word.rstrip(".-/").lower() for word in _IDENTIFIER.findall(text)}


def _line(reply: str) -> str:
    line = next((line.strip() for line in reply.splitlines() if line.strip()), "")
    return (
        re.sub(r"^(?:Full question(?: in English)?|完整的中文问题)\s*[:：]\s*", "", line)
        .strip()
        .strip('"“”「」')
        .strip()
    )


def _clipped(answer: str) -> str:
    text = _MARKERS.sub("", " ".join(answer.split("\n\n")))
    return text if len(text) <= _ANSWER_CHARS else text[:_ANSWER_CHARS] + "…"
