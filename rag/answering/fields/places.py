"""Where a value stands in a question: patterns around names, venues and titles.

They are applied to a question in Simplified characters and NFKC. See docs/decisions.md#questions-about-fields
"""

from __future__ import annotations

import re

from rag.answering.fields.words import AUTHOR, VENUE, YEARS
from rag.text.language import HAN

QUOTES = re.compile(
    r"[\"“”„]([^\"“”„]{2,300})[\"“”]|《([^《》]{2,200})》|「([^「」]{2,200})」"
    r"|(?<!\w)['‘]([^'‘’]{6,300})['’](?!\w)"
)
IDENTIFIER_LEAD = re.compile(
    r"(?:https?://(?:dx\.)?(?:doi|arxiv)\.org/(?:abs/)?|(?:arxiv|doi|pmid)[: ]*)$", re.IGNORECASE
)
# What stands before or after 《》 around a venue; around a title stands something else.
VENUE_BEFORE = re.compile(r"(?:发表|刊登|刊载|刊|登|收录)?(?:在|于)$")
VENUE_AFTER = re.compile(r"上|期刊|杂志|学报|会议|(?:发表|刊登)的|[里中]?的(?:论文|文章|文献)")
VENUE_LEAD = re.compile(r"\b(?:in|from|at|by|of|for)\s+(?:the\s+)?", re.IGNORECASE)
# After these words even a name in small letters is a venue, no part of a topic.
PAPERS_IN = re.compile(
    r"(?:papers?|articles?|studies|published|appeared) (?:in|from|by|of) (?:the )?$", re.IGNORECASE
)
_TITLE_CASE = r"[A-Z][\w&.-]*(?: (?:[A-Z&][\w&.-]*|(?:of|and|the|in|for|on)(?= )))*"
_NO_VENUE = (
    "English|Chinese|January|February|March|April|May|June|July|August|September|October|November|December"
)
# A venue that the library need not know.
NAMED_VENUES = (
    re.compile(
        rf"\b(?:in|by|from) the (?:journal|conference|magazine)(?: called| named)? (?!of\b)({_TITLE_CASE})"
    ),
    re.compile(rf"\b(?:published|appeared|printed) in (?!{_NO_VENUE})(?:the )?({_TITLE_CASE})"),
    re.compile(
        r"\b(?:in|from|by) (?:the )?"
        rf"((?:Journal|Proceedings|Transactions|Annals|Archives|Advances) (?:of|in|on) {_TITLE_CASE})"
    ),
    re.compile(
        rf"(?:发表|刊登|刊载|刊)[在于]((?!哪|什么|某)[{HAN}]{{2,14}}(?:学报|杂志|通报|期刊|科学|会议|进展|研究))"
        r"(?=上|的|[，,?？\s]|$)"
    ),
)

_LETTER = rf"(?:(?![{HAN}_\d])[\w'’‐‑-])"
_CAPITAL = rf"[A-ZÀ-ÖØ-Þ]{_LETTER}*\.?"
_PARTICLE = "(?:van|von|der|den|de|del|della|da|di|dos|du|la|le|bin|al|el)"
_TITLE = r"(?:prof(?:essor)?\.?\s+|dr\.?\s+)?"
# A name by its capitals, perhaps with given names after a comma.
CAPITALS = re.compile(
    rf"(?:{_PARTICLE} )*{_CAPITAL}(?: (?:{_PARTICLE} )*{_CAPITAL}){{0,4}}"
    rf"(?:, {_CAPITAL}(?: [A-Z]\.?)*(?=\W*(?:$|\?|in |on |about |since |from |and )))?"
)
NAME_WORDS = re.compile(r"[^\W\d_]+(?:['’.‐‑-]+[^\W\d_]+)*\.?")
ET_AL = re.compile(
    r"(?:,? et al\b\.?(?:'s|’s)?|等人?| and (?:colleagues|co-?workers|others))?", re.IGNORECASE
)
# After these words stands an author, whom the library need not know; anywhere else it has to.
BY = re.compile(
    r"\b(?:authors?(?:ed)?(?: by| named| called| is| was|:)?"
    r"|by (?:the )?authors?|by)\s+(?:the\s+)?" + _TITLE,
    re.IGNORECASE,
)
DID = re.compile(r"\b(?:did|has|have|does|had)\s+" + _TITLE, re.IGNORECASE)
AFTER_DID = re.compile(
    rf"{ET_AL.pattern}(?: (?:ever|also|already|recently))* "
    r"(?:writ|wrote|publish|(?:co-?)?author|work|stud|done|do\b|research|investigat|appear|contribut|produc)",
    re.IGNORECASE,
)
VERB_AFTER = re.compile(
    rf"{ET_AL.pattern}(?: (?:has|have|had))? (?:wrote|written|published|(?:co-?)?authored|worked on)\b",
    re.IGNORECASE,
)
# Around a surname that the library knows.
KNOWN_BEFORE = re.compile(r"(?:\b(?:from|of|with|is|who is|about|papers?)|^|[，,的由找]) ?$", re.IGNORECASE)
KNOWN_AFTER = re.compile(
    rf"(?:,? et al\b|['’]s\b|s['’]| ?[(（]?{YEARS}|等人|的|写|发表"
    r"| (?:papers?|publications?|articles?)\b|\W*$)",
    re.IGNORECASE,
)
CLAUSE_ENDS = re.compile(r"\W*$| (?:in|on|about|since|from)\b", re.IGNORECASE)
JOINT = re.compile(r"(?:,? (?:and|&|or)|,|;|和|与|跟|、|及|或) ?")

# What may follow a Chinese name: otherwise the characters are part of a longer name or word.
HAN_FOLLOWS = re.compile(
    rf"等|教授|博士|老师|院士|一共|一起|关于|[的在于写撰著发出有和与跟及或、，,都总曾合近最研做是以名参自这哪还没到从\d\s?？。!]"
    rf"|[{YEARS}{VENUE}{AUTHOR}]|$"
)
HAN_TOPIC_BEFORE = re.compile(r"(?:关于|有关|涉及|围绕|针对)$")
_HAN_NAME = rf"(?P<name>[{HAN}]{{2,4}}?|{_CAPITAL}(?: {_CAPITAL})*)"
# A name before "wrote", or after "author", which the library need not know.
HAN_NAMES = (
    re.compile(rf"作者(?:是|为|叫|名叫|：|:|名为)\s?{_HAN_NAME}(?=的|$|[\s,，?？]|有)"),
    re.compile(
        rf"(?<![{HAN}A-Za-z])(?:请?(?:列出|查找|[找查]一下|[找查]|显示)|请问|由|给我)?{_HAN_NAME}"
        rf"(?=\s?(?:等人?|教授|博士|老师|院士|他们)?"
        rf"(?:在|于|{YEARS}|{VENUE}|[年上里]|一共|总共|共|都|曾经?|最近|是否|有没有|还|到底|究竟)*"
        r"(?:写|发表|撰写|出版|著有|合写|合著|有(?:哪些|几篇|多少|什么)(?:论文|文章|文献|著作)))"
    ),
)
# A name before "'s papers" may as well be a topic, unless a title holds it.
HAN_OWNER = re.compile(
    rf"(?:有没有|有无|[找查看搜]一?下?|列出|显示)(?P<name>[{HAN}]{{2,3}})(?=的(?:论文|文章|文献|作品|著作))"
)
# Words that stand where a name might, and are none.
PEOPLE = re.compile(
    "学者|作者|专家|我们|你们|他们|她们|人们|大家|有人|谁|哪|什么|研究|科学|中国|美国|国内|国外|论文|文章|摘要"
    "|一共|总共|最近|今年|去年"
)
