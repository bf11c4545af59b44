"""Whether a question asks for several abstracts at once: which papers do something, or how two of them compare.

The rules were written against benchmarks/dev_several.jsonl and benchmarks/dev_questions.jsonl.
"""

from __future__ import annotations

import re

from rag.chinese import to_simplified
from rag.repetition import asks_to_decide

_EN_PAPERS = r"papers|works|stud(?:ies|y and)|abstracts|articles|authors|publications"
_EN_THINGS = r"approaches|methods|models|systems|frameworks|algorithms|networks"
# "What lets networks …" and "what do methods …" ask about them all, not which they are.
_EN_VERB = r"(?:do|does|did|can|could|will|would|should|may|might|lets?|makes?|causes?|keeps?|helps?|allows?|enables?)"
# A name as methods have it: a capital or digit after its first letter.
_NAME = r"(?=[A-Za-z][\w-]*[A-Z0-9])[A-Za-z][\w.+-]*"
_TWO_NAMES = re.compile(rf"(?<![\w-]){_NAME}\s*(?:\band\b|\bvs\.?|\bversus\b|[和与跟及、])\s*{_NAME}")
_BOTH = re.compile(r"\b(?:both|either|each)\b|都|均", re.IGNORECASE)
_EN = re.compile(
    r"\b(?:which|what|list|name|find|show|give|are there(?: any)?)\b"
    rf"(?:(?:\W+[\w-]+){{0,4}}?\W+(?:{_EN_PAPERS})|(?!\W+{_EN_VERB}\b)(?:\W+[\w-]+){{0,4}}?\W+(?:{_EN_THINGS}))\b"
    r"(?!\W+(?:used|are used|is used|was used|were used|did|does|do the authors|reached?|outperformed|beaten))"
    r"|^\W*(?:compare|contrast)\b"
    r"|\bhow (?:do|does|did)\b.*\b(?:differ|compare)\b"
    r"|\bdifferences?\b.*\bbetween\b|\bin common\b|\beach (?:of them|paper|work|study|method|one|do|does|propose|use)\b",
    re.IGNORECASE,
)
_ZH = re.compile(
    r"(?:哪些|哪几[篇个种项]|有几[篇个种项]|几篇)[^,，。?？]{0,8}?(?:论文|文章|研究|工作|摘要|方法|模型|框架|算法|网络)"
    r"|(?:论文|文章|研究|工作|摘要)[^,，。?？]{0,8}?有哪些"
    r"|^\W*(?:请)?(?:比较|对比)|(?:区别|不同之处|异同|差异|共同点|差别)(?:是|在|有|呢|$|[?？])|有(?:什么|何)(?:区别|不同|差异|差别)"
    r"|各自|各有|分别(?:是怎么|是如何|怎么|如何|提出|采用|用什么|做了)|有何(?:区别|不同|异同)"
)


def asks_for_several(question: str) -> bool:
    """Return whether the answer is likely to lie in several abstracts.

    A wrong guess costs time: more abstracts are read, and each may answer. Two names in a question for yes or no ("Is
    discordance in TEOAE and AABR predictable?") are what one abstract is about.
    """
    question = to_simplified(question)
    if _EN.search(question) or _ZH.search(question):
        return True
    two = _TWO_NAMES.search(question) is not None
    return two and (not asks_to_decide(question) or _BOTH.search(question) is not None)
