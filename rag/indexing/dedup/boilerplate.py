"""Remove what databases add to an abstract: copyright lines, licence notes, section headings."""

from __future__ import annotations

import re
from functools import lru_cache

from rag.text.language import to_simplified

_MARK = (
    r"(?:copyright\s*)?(?:©|\(c\)(?=\s*(?:the\b|crown\b|(?:19|20)\d\d))|&copy;)"
    r"|copyright(?=\s+(?:by|the|(?:19|20)\d\d)\b)"
)
# A notice at the head ends with its first sentence, or with "Inc." or "All rights reserved." after it.
_NOTICE_AT_HEAD = re.compile(
    rf"^\s*(?:{_MARK})[^.。]{{0,150}}[.。]"
    r"(?:\s*(?:Inc|Ltd|Co|B\.\s?V|All rights reserved|Published by[^.]{0,80})\.)*",
    re.IGNORECASE,
)
_NOTICE_AT_END = re.compile(rf"\s*(?:{_MARK})[^©]{{0,300}}$", re.IGNORECASE)
# Characters kept / all characters; the text stays as it is if fewer would remain. Higher removes less.
_LEAST_SHARE = 0.15
_NOTES = re.compile(
    r"\ball rights reserved\b\.?|\bthis (?:article|work) is protected by copyright\b\.?|版权所有|保留所有权利"
    r"|\bthis is an open[- ]access article\b[^.]*(?:\.|$)"
    r"|\bpublished by (?:elsevier|wiley|springer|oxford)\b[^.]{0,60}\.?"
    r"|\(abstract truncated(?: at \d+ words)?\)|\[(?:publication abstract|abstract from author)\]"
    r"|\btranslated by (?:谷歌翻译|google(?: translate)?)\s*$",
    re.IGNORECASE,
)
_HEADING_WORDS = (
    r"(?:(?:main |primary |secondary )?(?:study )?(?:background|introduction|context|rationale|objectives?"
    r"|aims?|purpose|goals?|hypothesis|design|settings?|patients|participants|subjects|materials?|methods?"
    r"|methodology|interventions?|measurements?|outcomes?|outcome measures?|results?|findings|conclusions?"
    r"|interpretation|discussion|significance|importance|relevance|limitations|summary|abstract|main results"
    r"|major findings|trial registration|funding))"
)
_HEADING = re.compile(
    rf"(?:^|(?<=[.;:?!])\s+){_HEADING_WORDS}(?:\s?(?:and|&|/|,)\s?{_HEADING_WORDS}){{0,3}}\s?:\s*"
    r"|(?:^|(?<=[。；！？.;]))\s*[【\[]?(?:背景|目的|目标|方法|材料与方法|结果|结论|讨论|摘要)"
    r"[】\]]?\s?[:：]?(?<=[】\]:：])",
    re.IGNORECASE,
)


def strip_boilerplate(text: str) -> str:
    """Return an abstract without copyright and licence notices, translator lines and section headings.

    Use it for comparison only. Returns `text` itself if nearly nothing would remain.
    """
    stripped = _NOTES.sub(" ", _NOTICE_AT_HEAD.sub("", text))
    if (notice := _NOTICE_AT_END.search(stripped)) and notice.start() >= _LEAST_SHARE * len(stripped):
        stripped = stripped[: notice.start()]
    stripped = " ".join(_HEADING.sub(" ", stripped).split())
    return stripped if len(stripped) >= _LEAST_SHARE * len(text) else text


@lru_cache(maxsize=4096)
def comparable_text(text: str) -> str:
    """Return an abstract as it is compared: without boilerplate, in Simplified characters."""
    return to_simplified(strip_boilerplate(text))
