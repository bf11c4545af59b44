"""Sentences that tell a language model what to do, which neither an abstract nor a question has any business with.

A model that reads whole abstracts reads what somebody planted in one. An abstract speaks of what was found; a sentence in it
that speaks to its reader, or sets a part of a chat, is left out of what the model reads. In a question only what would change
the rules is: "answer in one sentence" is anybody's right.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag.text.sentences import split_sentences

# Marks of the chat formats of common models.
_TAGS = re.compile(r"<\|[^|<>]{0,40}\|>|\[/?INST\]|<</?SYS>>|</?s>|<(?:start|end)_of_turn>")
_RULES_EN = (
    r"(?:^\W*|[.:;,!]\W*|\b(?:please|now)\s+)(?:ignore|disregard|forget|override|bypass)\b.{0,40}?\b(?:above|previous|prior|earlier|preceding|everything"
    r"|instructions?|rules?|prompts?|abstracts?|context|guidelines|directions)\b"
    r"|\byou\s+(?:are\s+(?:now\b|an?\b|no\b)|must\b|will\s+(?:now|only)\b|shall\b|have\s+to\b|(?:can|may|should)\s+only\b)"
    r"|\bonly\s+\w+\s+(?:that\s+)?you\s+(?:know|can|may)\b"
    r"|\byour\s+(?:only\s+|sole\s+)?(?:answers?|repl(?:y|ies)|responses?|instructions?|rules|(?:system\s+)?prompt|new\s+\w+|task|role)\b"
    r"|(?:^\W*|[,;:]\s*)(?:pretend|role-?play)\b|^\W*act\s+as\b|\b(?:print|show|reveal|repeat|output)\b.{0,20}\bsystem\s+prompt\b"
)
_RULES_ZH = (
    r"(?:忽略(?!了)|无视(?!了)|忘掉|忘记|不要理会|不必理会|别管|抛开)[^。!！?？]{0,10}(?:以上|上述|上面|之前|此前|前面|先前|规则|指令|指示|提示)"
    r"|你(?:现在|从现在起)?(?:是一|就是|必须|只能|只会|只知道|不能|不得|不再|扮演|的(?:回答|回复|任务|角色|规则|系统提示|提示词))"
    r"|(?:假装|扮演)(?:你|一[个只名位])|(?:打印|输出|显示|透露|重复|说出|写出)[^。]{0,12}系统提示"
)
_PART = r"^\W*(?:system|assistant|user|human|系统|助手|用户)\s*[:：]"
_RULES = re.compile(f"{_RULES_EN}|{_RULES_ZH}|{_PART}", re.IGNORECASE)
# In an abstract also what bids its reader say something.
_BIDS = re.compile(
    r"^\W*(?:please|now|instead|from\s+now\s+on|importantly|important|note\s+to\s+\w+)?[\s,:]*"
    r"(?:(?:always|only|simply|just)\s+)?(?:answer|reply|respond|say|write|print|output|repeat|state|tell|cite|refuse|add|end"
    r"|begin|start|translate)\s+"
    r"(?:only|with|in\s+(?:english|chinese|french|german|\w+ese)|every|all|any|each|no(?:thing)?|to\s+(?:every|all|any)|that|the\s+"
    r"(?:word|user|reader|question|following|phrase|sentence)|users?|it\b|[\"“'‘])"
    r"|\b(?:language\s+models?|assistants?|chatbots?|AIs?|readers?)\b[^.]{0,20}?\b(?:reading|who\s+reads?)\s+this\b"
    r"|^\W*(?:attention|note|notice)\b[^.]{0,20}\b(?:language\s+models?|assistants?|chatbots?|AIs?)\b"
    r"|(?:^|[,，。:：;；!！\"“])\s*(?:请|务必|现在|从现在起|今后|以后|注意[:：])[^。]{0,16}?(?:回答|回复|答复|输出|写出|重复|引用|翻译|拒绝|告诉|声称|宣称|说[:：“\"])"
    r"|(?:一律|只能|统一|无论[^。]{0,12}都)(?:要|用|以)?[^。]{0,8}(?:回答|回复|答复|输出)(?![了的者率])",
    re.IGNORECASE,
)
_PLANTED = (_RULES, _BIDS)


def is_planted(sentence: str) -> bool:
    """Return whether a sentence of an abstract tells its reader what to do, or is nothing but chat marks."""
    plain = _TAGS.sub("\n", sentence).strip()
    return not plain or _tells(plain, _PLANTED)


def planted_sentences(abstract: str) -> list[str]:
    """Return the sentences of an abstract that `without_planted` leaves out."""
    plain = _TAGS.sub("\n", abstract)
    sentences = [plain[start:end] for start, end in split_sentences(plain)]
    return [sentence for sentence in sentences if _tells(sentence, _PLANTED)]


def without_planted(abstract: str) -> str:
    """Return an abstract without chat marks and the sentences that tell its reader what to do."""
    return _kept(abstract, _PLANTED)


def without_rules(question: str) -> str:
    """Return a question without chat marks and the sentences that would change the rules; nothing where nothing is left."""
    return _kept(question, (_RULES,))


def _tells(sentence: str, patterns: Sequence[re.Pattern[str]]) -> bool:
    return any(pattern.search(sentence) for pattern in patterns)


def _kept(text: str, patterns: Sequence[re.Pattern[str]]) -> str:
    plain = _TAGS.sub("\n", text)
    sentences = [plain[start:end] for start, end in split_sentences(plain)]
    kept = [sentence for sentence in sentences if not _tells(sentence, patterns)]
    if plain == text and len(kept) == len(sentences):
        return text
    return " ".join(sentence.strip() for sentence in kept).strip()
