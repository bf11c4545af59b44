"""Find sentences that give instructions to a language model.

The model never reads such a sentence of an abstract. From a question only attempts to change the rules are
removed, because a user may ask for "one sentence". False alarms: docs/decisions.md#planted-instructions
"""

from __future__ import annotations

import re

from rag.text.sentences import sentence_texts

# Control tokens of common chat formats.
_TAGS = re.compile(r"<\|[^|<>]{0,40}\|>|\[/?INST\]|<</?SYS>>|</?s>|<(?:start|end)_of_turn>")
_RULES_EN = (
    r"(?:^\W*|[.:;,!]\W*|\b(?:please|now)\s+)(?:ignore|disregard|forget|override|bypass)\b.{0,40}?"
    r"\b(?:above|previous|prior|earlier|preceding|everything|instructions?|rules?|prompts?|abstracts?|context"
    r"|guidelines|directions)\b"
    r"|\byou\s+(?:are\s+(?:now\b|an?\b|no\b)|must\b|will\s+(?:now|only)\b|shall\b|have\s+to\b"
    r"|(?:can|may|should)\s+only\b)"
    r"|\bonly\s+\w+\s+(?:that\s+)?you\s+(?:know|can|may)\b"
    r"|\byour\s+(?:only\s+|sole\s+)?(?:answers?|repl(?:y|ies)|responses?|instructions?|rules"
    r"|(?:system\s+)?prompt|new\s+\w+|task|role)\b"
    r"|(?:^\W*|[,;:]\s*)(?:pretend|role-?play)\b|^\W*act\s+as\b"
    r"|\b(?:print|show|reveal|repeat|output)\b.{0,20}\bsystem\s+prompt\b"
)
_RULES_ZH = (
    r"(?:忽略(?!了)|无视(?!了)|忘掉|忘记|不要理会|不必理会|别管|抛开)[^。!！?？]{0,10}"
    r"(?:以上|上述|上面|之前|此前|前面|先前|规则|指令|指示|提示)"
    r"|你(?:现在|从现在起)?(?:是一|就是|必须|只能|只会|只知道|不能|不得|不再|扮演"
    r"|的(?:回答|回复|任务|角色|规则|系统提示|提示词))"
    r"|(?:假装|扮演)(?:你|一[个只名位])|(?:打印|输出|显示|透露|重复|说出|写出)[^。]{0,12}系统提示"
)
_PART = r"^\W*(?:system|assistant|user|human|系统|助手|用户)\s*[:：]"
_RULES = re.compile(f"{_RULES_EN}|{_RULES_ZH}|{_PART}", re.IGNORECASE)
# Requests to the reader, which a question may contain but an abstract may not.
_REQUESTS = (
    r"^\W*(?:please|now|instead|from\s+now\s+on|importantly|important|note\s+to\s+\w+)?[\s,:]*"
    r"(?:(?:always|only|simply|just)\s+)?(?:answer|reply|respond|say|write|print|output|repeat|state|tell|cite"
    r"|refuse|add|end|begin|start|translate)\s+"
    r"(?:only|with|in\s+(?:english|chinese|french|german|\w+ese)|every|all|any|each|no(?:thing)?"
    r"|to\s+(?:every|all|any)|that|the\s+(?:word|user|reader|question|following|phrase|sentence)|users?|it\b"
    r"|[\"“'‘])"
    r"|\b(?:language\s+models?|assistants?|chatbots?|AIs?|readers?)\b[^.]{0,20}?"
    r"\b(?:reading|who\s+reads?)\s+this\b"
    r"|^\W*(?:attention|note|notice)\b[^.]{0,20}\b(?:language\s+models?|assistants?|chatbots?|AIs?)\b"
    r"|(?:^|[,，。:：;；!！\"“])\s*(?:请|务必|现在|从现在起|今后|以后|注意[:：])[^。]{0,16}?"
    r"(?:回答|回复|答复|输出|写出|重复|引用|翻译|拒绝|告诉|声称|宣称|说[:：“\"])"
    r"|(?:一律|只能|统一|无论[^。]{0,12}都)(?:要|用|以)?[^。]{0,8}(?:回答|回复|答复|输出)(?![了的者率])"
)
_PLANTED = re.compile(f"{_RULES.pattern}|{_REQUESTS}", re.IGNORECASE)


def is_planted(sentence: str) -> bool:
    """Return whether a sentence of an abstract instructs its reader or holds only chat marks."""
    plain = _TAGS.sub("\n", sentence).strip()
    return not plain or _PLANTED.search(plain) is not None


def planted_sentences(abstract: str) -> list[str]:
    """Return the sentences that `without_planted` removes."""
    return [sentence for sentence in sentence_texts(_TAGS.sub("\n", abstract)) if _PLANTED.search(sentence)]


def without_planted(abstract: str) -> str:
    """Return an abstract without chat marks and without instructions to its reader."""
    return _without(abstract, _PLANTED)


def without_rules(question: str) -> str:
    """Return a question without chat marks and without attempts to change the rules; it may be empty."""
    return _without(question, _RULES)


def _without(text: str, pattern: re.Pattern[str]) -> str:
    plain = _TAGS.sub("\n", text)
    sentences = sentence_texts(plain)
    kept = [sentence for sentence in sentences if not pattern.search(sentence)]
    return text if plain == text and len(kept) == len(sentences) else " ".join(kept)
