"""Whether a language model can serve here: questions on invented abstracts, and its speed."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass

from rag.answering.generation.messages import estimate_tokens, several_messages
from rag.answering.generation.prompts import NOT_FOUND
from rag.llm.base import LLM, Message
from rag.schema import Language
from rag.text.language import detect_language

_ABSTRACTS = (
    "We present Quillmoth, a controller for greenhouse irrigation. In a trial of 64 tomato beds over 18 "
    "weeks, Quillmoth lowered water use by 27% while the yield stayed the same.",
    "我们提出Saltfinch,一种检测海底电缆腐蚀的声学方法。在143公里电缆上的试验中,Saltfinch找到了91%的腐蚀点,误报率为3%。",
)
# Question, its language, the words of the right answer, the abstract that states it (0: none does).
_QUESTIONS: tuple[tuple[str, Language, str, int], ...] = (
    ("What share of the corroded points did Saltfinch find?", "en", "91", 2),
    ("Quillmoth把用水量降低了多少?", "zh", "27", 1),
    ("How many nurses took part in the survey on night shifts?", "en", NOT_FOUND, 0),
)
_ANSWER_TOKENS = 96
_LONG_ANSWER_TOKENS = 64  # enough to time writing


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that a model has to do; the first step of a question has question and reply in `shown`."""

    what: str
    passed: bool
    shown: str = ""


@dataclass(frozen=True, slots=True)
class ModelCheck:
    """Speeds in tokens a second, estimated, and what the model can do."""

    prefill: float
    decode: float
    steps: tuple[Step, ...]


def check_model(llm: LLM) -> ModelCheck:
    """Ask the questions and time the model; raise LLMError or ModelError if it cannot be asked."""
    llm.warm()
    task = Message("user", "Retell both abstracts in ten sentences. " + " ".join(_ABSTRACTS))
    retold = _asked(llm, [task], _LONG_ANSWER_TOKENS)
    decode = (retold.deltas - 1) / max(retold.last_s - retold.first_s, 1e-9)
    prefill = 0.0
    steps: list[Step] = []
    for question, language, expected, cited in _QUESTIONS:
        prompt = several_messages(question, _ABSTRACTS, language)
        reply = _asked(llm, prompt, _ANSWER_TOKENS)
        if not steps:  # later questions find their beginning in the model's cache
            prefill = sum(estimate_tokens(message.content) for message in prompt) / reply.first_s
        steps += _steps(reply.text, question, language, expected, cited)
    return ModelCheck(prefill, max(decode, 0.0), tuple(steps))


@dataclass(frozen=True, slots=True)
class _Reply:
    """A reply, the pieces it came in, and the seconds until the first and the last of them."""

    text: str
    deltas: int
    first_s: float
    last_s: float


def _asked(llm: LLM, messages: list[Message], max_tokens: int) -> _Reply:
    start = time.perf_counter()
    deltas: list[str] = []
    times: list[float] = []
    with closing(llm.stream(messages, max_tokens=max_tokens)) as stream:
        for delta in stream:
            deltas.append(delta)
            times.append(time.perf_counter() - start)
    times = times or [time.perf_counter() - start]
    return _Reply("".join(deltas).strip(), len(deltas), times[0], times[-1])


def _steps(reply: str, question: str, language: Language, expected: str, cited: int) -> list[Step]:
    shown = f"{question} {' '.join(reply.split())}"
    if not cited:
        return [Step("refuses what the abstracts do not state", expected in reply, shown)]
    whose = "Chinese" if language == "en" else "English"
    return [
        Step(f"answers from the {whose} abstract", expected in reply, shown),
        Step("cites it", f"[{cited}]" in reply),
        Step("in the language of the question", detect_language(reply) == language),
    ]
