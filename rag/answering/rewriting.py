"""Follow-ups rewritten into full questions by the language model, and checked before they are believed."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from contextlib import closing

from rag.answering.question import needs_context
from rag.llm.base import LLM, Message
from rag.schema import History, Language
from rag.text.analyzer import analyze, analyze_document
from rag.text.language import detect_language
from rag.text.numbers import number_values

MAX_TOKENS = 60
# Earlier turns that are shown, and how much of each answer: what a follow-up leans on was said just before.
_TURNS = 2
_ANSWER_CHARS = 240
# One line, one sentence, that begins (English) and ends as a question does, without markers; a full stop or a
# stroke only within a number or a name. Without the beginning some replies are statements with a "?".
_ASKING = "What Which Who Whose When Where Why How Do Does Did Is Are Was Were Can Could Has Have"
_OPENINGS = " | ".join(f'"{word} "' for word in f"{_ASKING} On By In At For With".split())
_HAN = r"\u3400-\u9fff"
_CHARS = r"char ::= [^\n\[\]?？。！./|`*{not}] | [./] [0-9A-Za-z]"
_GRAMMARS: dict[Language, str] = {
    "en": f'root ::= ({_OPENINGS}) char{{4,200}} "?"\n{_CHARS.replace("{not}", _HAN)}\n',
    "zh": f'root ::= char{{4,120}} "？"\n{_CHARS.replace("{not}", "")}\n',
}
_ASKS = re.compile(
    rf"\b(?:{'|'.join(_ASKING.split())}|Whom)\b|什么|为何|多少|哪|几|谁|如何|怎|是否|有没有|能否|吗|多[大快高长]",
    re.IGNORECASE,
)
_WHY = re.compile(r"\bwhy\b|为什么|为何", re.IGNORECASE)
_INSTRUCTION = "Do not answer. Write the follow-up as one full question that names what it is about."
_ASK: dict[Language, str] = {"en": "Full question in English:", "zh": "完整的中文问题："}
_SYSTEM = (
    "You turn follow-up questions about scientific abstracts into full questions "
    "that can be understood alone."
)
# Earlier turn, answer, follow-up, full question. As turns: a small model copies names that stand beside.
_EXAMPLES: tuple[tuple[str, str, str, str], ...] = (
    ("How many parameters does LeafNet have?", "LeafNet has 2.1M parameters.",
     "and its accuracy on PlantVillage?", "What is the accuracy of LeafNet on PlantVillage?"),
    ("哪些模型预测风场？", "WindDiff用扩散模型预测风场。AeroNet用图网络。", "第二个用了什么数据？", "AeroNet用了什么数据？"),
    ("What accuracy does LeafNet reach on PlantVillage?", "LeafNet reaches 94.3% accuracy.",
     "And on CropNet?", "What accuracy does LeafNet reach on CropNet?"),
    ("Who wrote the field survey?", "The field survey was written by two botanists.", "Why?",
     "Why did two botanists write the field survey?"),
    ("SafeRoute在智能体任务上把攻击成功率降低了多少？", "SafeRoute把攻击成功率从61%降至7%。", "在代码任务上呢？",
     "SafeRoute在代码任务上把攻击成功率降低了多少？"),
    ("How does pruning compare with dropout on speech models?", "Pruning is better on DeepVoice.",
     "and on VisionNet?", "How does pruning compare with dropout on VisionNet?"),
    ("WindDiff快多少？", "WindDiff把计算时间缩短了40倍。", "那误差呢？", "WindDiff的误差是多少？"),
    ("How long does SolvRank take to train?", "SolvRank trains in two days.", "With a larger encoder?",
     "How long does SolvRank take to train with a larger encoder?"),
)  # fmt: skip
_IDENTIFIER = re.compile(r"[A-Za-z0-9][\w.+/-]*", re.ASCII)
# Words of a follow-up that a full question says otherwise; the analysis drops "it" and "this" by itself.
_POINTING = (
    "itself those such same one first second third last former latter other another about also too now ok "
    "okay please tell me more many much not no yes he she his her author "
    "它 他 她 们 这 那 其 该 此 个 第 一 二 三 四 五 两 前 后 者 呢 吗 么 的 了 是 在 上 中 里 有 和 与 还 另 外 为 什 多 少 怎 样 哪 些 几 篇 种"
)
_MIN_KEPT = 0.65
_MARKERS = re.compile(r"\s*\[\d+\]")
_LOG = logging.getLogger(__name__)


def standalone(llm: LLM, question: str, history: History) -> str | None:
    """Return `question` as a full question, by what was said before; None where it is one or cannot be.

    `history` are (question, answer text), oldest first. Raises LLMError as `llm` does.
    """
    if not history or not needs_context(question):
        return None
    grammar = grammar_for(question) if llm.supports_grammar else None
    reply = ""
    messages = rewrite_messages(question, history)
    with closing(llm.stream(messages, max_tokens=MAX_TOKENS, grammar=grammar)) as deltas:
        for delta in deltas:
            reply += delta
            if "\n" in reply.strip():
                break
    rewritten = _line(reply)
    broken = broken_rule(rewritten, question, history)
    if broken:
        _LOG.debug("a rewritten follow-up is discarded: %s", broken)  # no text: questions are private
    return None if broken else rewritten


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


# What must hold of a rewriting, given the question, all that was said (the question too) and the earlier
# questions. A number that only an answer said is the matter of a "why"; in any other question it is a guess.
_RULES: dict[str, Callable[[str, str, str, list[str]], bool]] = {
    "is one question": lambda new, old, said, asked: bool(re.fullmatch("[^?？]+[?？]+", new)),
    "asks something": lambda new, old, said, asked: bool(_ASKS.search(new)),
    "keeps the language": lambda new, old, said, asked: detect_language(new) == detect_language(old),
    "keeps why": lambda new, old, said, asked: bool(_WHY.search(new)) == bool(_WHY.search(old)),
    "keeps the names": lambda new, old, said, asked: _names(old) <= _names(new),
    "keeps the words": lambda new, old, said, asked: _kept(new, old) >= _MIN_KEPT,
    "invents no name": lambda new, old, said, asked: _names(new) <= _latin(said),
    "invents no number": lambda new, old, said, asked: (
        set(number_values(new)) <= set(number_values(said if _WHY.search(old) else " ".join([old, *asked])))
    ),
    "takes from before": lambda new, old, said, asked: (
        not {*analyze(new)} & {*analyze(said)} <= {*analyze(old)}
    ),
    "is a new question": lambda new, old, said, asked: all({*analyze(new)} != {*analyze(q)} for q in asked),
    "can be understood alone": lambda new, old, said, asked: not needs_context(new),
}


def broken_rule(rewritten: str, question: str, history: History) -> str | None:
    """Return the name of the first rule that a rewriting breaks, None where it may stand for the question."""
    turns = (f"{asked} {answered}" for asked, answered in list(history)[-_TURNS:])
    said, asked = " ".join([question, *turns]), [asked for asked, _ in history]
    return next((name for name, holds in _RULES.items() if not holds(rewritten, question, said, asked)), None)


def _kept(rewritten: str, question: str) -> float:
    """Return the share of a follow-up's own words (or Han characters) that the rewriting has too."""
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
    line = re.sub(r"^(?:Full question(?: in English)?|完整的中文问题)\s*[:：]\s*", "", line)
    return line.strip(' "“”「」')


def _clipped(answer: str) -> str:
    text = _MARKERS.sub("", " ".join(answer.split("\n\n")))
    return text if len(text) <= _ANSWER_CHARS else text[:_ANSWER_CHARS] + "…"
