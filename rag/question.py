"""What a question asks for: yes or no, or several abstracts at once."""

from __future__ import annotations

import re

from rag.chinese import to_simplified

_AUXILIARY = r"(?:is|are|was|were|do|does|did|can|could|has|have|had|should|will|would|may|might)(?:n['’]t)?"
# A clause that begins with an auxiliary. "Can you tell me …" asks for something else.
_YES_NO = re.compile(rf"(?:^|[.,;:?!]\s+)\W*{_AUXILIARY}\b(?!\s+(?:you|i)\b)", re.IGNORECASE | re.DOTALL)
_YES_NO_ZH = re.compile(r"吗|是否|能否|可否|有没有|是不是|会不会|能不能")
_WH = re.compile(r"\b(?:what|which|who|whom|whose|when|where|why|how)\b", re.IGNORECASE)
_WH_ZH = re.compile(r"什么|多少|哪|几[个种项类倍条次篇位]|如何|怎|为何|谁|多[大高快长久]")
_SENTENCE_END = re.compile(r"[.:?!]\s")

_PAPERS = r"papers|works|stud(?:ies|y and)|abstracts|articles|authors|publications"
_THINGS = r"approaches|methods|models|systems|frameworks|algorithms|networks"
# "What lets networks …" and "what do methods …" ask about all of them, not which they are.
_VERB = r"(?:do|does|did|can|could|will|would|should|may|might|lets?|makes?|causes?|keeps?|helps?|allows?|enables?)"
# A name as methods have it: a capital or digit after its first letter.
_NAME = r"(?=[A-Za-z][\w-]*[A-Z0-9])[A-Za-z][\w.+-]*"
_TWO_NAMES = re.compile(rf"(?<![\w-]){_NAME}\s*(?:\band\b|\bvs\.?|\bversus\b|[和与跟及、])\s*{_NAME}")
_BOTH = re.compile(r"\b(?:both|either|each)\b|都|均", re.IGNORECASE)
_SEVERAL = re.compile(
    r"\b(?:which|what|list|name|find|show|give|are there(?: any)?)\b"
    rf"(?:(?:\W+[\w-]+){{0,4}}?\W+(?:{_PAPERS})|(?!\W+{_VERB}\b)(?:\W+[\w-]+){{0,4}}?\W+(?:{_THINGS}))\b"
    r"(?!\W+(?:used|are used|is used|was used|were used|did|does|do the authors|reached?|outperformed|beaten))"
    r"|^\W*(?:compare|contrast)\b"
    r"|\bhow (?:do|does|did)\b.*\b(?:differ|compare)\b"
    r"|\bdifferences?\b.*\bbetween\b|\bin common\b"
    r"|\beach (?:of them|paper|work|study|method|one|do|does|propose|use)\b",
    re.IGNORECASE,
)
_SEVERAL_ZH = re.compile(
    r"(?:哪些|哪几[篇个种项]|有几[篇个种项]|几篇)[^,，。?？]{0,8}?(?:论文|文章|研究|工作|摘要|方法|模型|框架|算法|网络)"
    r"|(?:论文|文章|研究|工作|摘要)[^,，。?？]{0,8}?有哪些"
    r"|^\W*(?:请)?(?:比较|对比)|(?:区别|不同之处|异同|差异|共同点|差别)(?:是|在|有|呢|$|[?？])"
    r"|有(?:什么|何)(?:区别|不同|差异|差别|异同)"
    r"|各自|各有|分别(?:是怎么|是如何|怎么|如何|提出|采用|用什么|做了)"
)


def is_yes_no_question(question: str) -> bool:
    """Return whether a question asks for yes or no: a clause begins with its verb, or 吗 and the like stand in it."""
    text = to_simplified(question)
    if _YES_NO_ZH.search(text):
        return not _WH_ZH.search(text)
    return any(
        not _WH.search(_SENTENCE_END.split(text[: match.end()])[-1]) for match in _YES_NO.finditer(text)
    )


def is_multi_document(question: str) -> bool:
    """Return whether the answer is likely to lie in several abstracts: a list, or a comparison.

    A wrong guess costs time: more abstracts are read, and each may answer.
    """
    text = to_simplified(question)
    if _SEVERAL.search(text) or _SEVERAL_ZH.search(text):
        return True
    two = _TWO_NAMES.search(text) is not None
    return two and (not is_yes_no_question(text) or _BOTH.search(text) is not None)
