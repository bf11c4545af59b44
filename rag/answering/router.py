"""Recognise small talk and questions about the collection, before any model is loaded."""

import re
from dataclasses import dataclass
from unicodedata import normalize

from rag.schema import Language
from rag.text.language import detect_language, to_simplified
from rag.text.numbers import number_values

_CHATS = ("help", "bye", "thanks", "greeting", "fine")  # of several in one message, the first counts


@dataclass(frozen=True, slots=True)
class Intent:
    """Hold what a message asks: small talk (`chat`) or the collection (`ask`), with what narrows that."""

    language: Language
    chat: str | None = None  # one of `_CHATS`
    ask: str | None = None  # a key of `_RULES`
    about: str | None = None  # a topic; for "origin", what the paper is about
    written: Language | None = None
    limit: int | None = None


# Words become classes, by the first pattern that fits. A set of classes makes a question; a word of no class
# leaves it to the abstracts.
_TABLE = r"""
thanks   (?:many )?thanks?(?: you)?|thx|helpful|for your help|(?:非常)?(?:感谢|谢谢|多谢)[你您]?的?(?:帮助|解答|回答)?|辛苦了
help     what (?:can|could|do) you (?:do|know|help with)|who are you|help|how (?:does this|do you) work|[你您]是谁
help     what (?:kinds? of )?(?:questions )?can (?:i ask|you answer)|how (?:do|can) i use (?:you|this)|使用说明
help     do you speak (?:english|chinese)|[你您]能?会?[说用讲][中英]文(?:回答)?|介绍(?:一下)?[你您]?自己|(?:这个)?怎么使?用
help     [你您](?:都|能|可以)*(?:帮我)?(?:[做干会有]|回答)些?什么(?:功能|问题)?|我(?:能|可以)问(?:什么|哪些)问题
greeting hi|hey|hello|good (?:morning|afternoon|evening)|how are you(?: doing)?|[你您大]家?们?好|嗨|[早晚下]上?午?好
bye      (?:good ?)?bye(?: bye)?|see you(?: later| soon)?|good night|that(?: is|'s) all|再见|拜拜|回头见|晚安
fine     ok(?:ay)?|fine|good|great|nice|cool|got it|i see|sounds good|makes sense|好的|不错|很好|太好了|原来如此|明白|懂了|嗯
here     (?:this|the|your|our) (?:collection|corpus|library|database)|here|(?:这个?|本)?(?:文献|论文|数据|语料)?库|这里
many     how (?:many|big|large)|number of|多少|(?<!荐)几(?=[篇个条])|数量|总数|多大
language languages?|语言
subject  topics?|subjects?|fields?|areas?|themes?|主题|领域|话题|方向|内容
what     what(?:'s| is| are| do| does| did)|summari[sz]e|describe|(?:overview|summary) of|概括|介绍|总结|什么 *$
which    which|what|哪[些几个种篇]?|什么
file     (?:files?|where)(?: is| does| do)?|文件|哪里
about    about|stud(?:y|ies)|discuss(?:es)?|mentions?|cover(?:s|ed)?|关于|有关|涉及|涵盖|包含|讨论|研究|提到|讲
papers   (?:abstract|paper|article|publication|document|record)s|论文|摘要|文章|文献|文档|记录
paper    abstract|paper|article|publication
show     list|show|find|give|name|tell|(?:search|looking) for|列出|显示|搜索|查找|[找查]一下|找[出几]?|推荐(?!系统)|(?<=荐)几
have     (?:do you )?(?:have|has|know)|hold|represented|contains?|(?:is|are) there|indexed|read|有没有|有|收录|索引|读
en       english|英文|英语
zh       chinese|中文|汉语
number   \d{1,3}|two|three|four|five|six|ten|[两二三四五六七八九十]+(?=篇)
verb     is|are|was|were|do|does|did|been|that
filler   you|your|me|us|i(?:'m| am)?|we|can|could|would|and|so|very|much|all|any|some|total|for|from|comes?
filler   please|a lot|an?|the|these|those|of|in|written|again|there|today|now|'s|[帮给]?我|想|能|可以
filler   请问?|[你您]们?|[这那]些|[一总]?共|一[下些]|目前|现在|主要|所有|全部|[来出]自|[是的了里中内些个篇条用写在都太吗呢啊呀]|[\W_]
more     how|why|use|who|when|than|most|each|every|best|its?|they|their|this|compare|explain|published|by
more     为何|谁|怎|如何|是否|[最它其这那并]|以及|分别|超过|达到|提出|使用|采用|发表|结果
"""
# The classes that a message of a kind must hold, all of one group; the first kind that fits is taken.
_RULES = {
    "origin": "topic file paper, topic file papers",
    "files": "whole file many, whole file which, whole file show, whole file papers",
    "count": "many papers, many here, language papers",
    "about": "subject which, subject what, subject here, about here, about papers, what here",
    "": "what papers",  # what the papers say is in the abstracts
    "list": "topic papers, topic paper, papers show, papers have, papers here, papers en, papers zh",
}
_SAYS = {"about", "what", "subject", "language", "verb", "more", "other"}  # ask what papers on a topic say
_ROWS = [row.split(None, 1) for row in _TABLE.strip().splitlines()]
_CLASS = {name: "|".join(pattern for other, pattern in _ROWS if other == name) for name, _ in _ROWS}
_EDGE = r"(?!(?<=[a-z0-9])[a-z0-9])"  # not inside a Latin word or a number
_GROUPS = (f"(?P<{name}>{_EDGE}(?:{rows}){_EDGE})" for name, rows in _CLASS.items())
_WORD = re.compile("|".join([*_GROUPS, "(?P<other>.)"]), re.I | re.S)
_TOPIC = "(?P<topic>(?!关于|[把你您这])[^,;:?!。、]{1,60}?)"
_ON = "(?:that are )?(?:about|on|related to) "
_ZH_ON = "(?:关于|有关(?!于)|涉及|讨论|研究|提到|[与和跟])了?"
_AFTER = rf"(?P<tail>(?:,? please| (?:are there|do you have|comes? from|from|in|{_CLASS['here']}))*)"
_ORDER = r"(?:请|[你您]?能?[帮给]我|[你您]们?有|列出|[找查]一下|找|推荐(?!系统)|有没有|一些|[几\d]+篇)"
_ZH = "的?(?P<tail>(?:中文|英文)?(?:论文|摘要|文章|文献).*)"
# Where a topic stands. "Which papers about …" goes on with a verb, unless it asks what there is.
_SHAPES = (
    "(?P<head>.*)(?P<topic>)(?P<tail>)",
    rf"(?P<head>(?:(?!which|what|many).)*?|(?=.*(?:file|are there|you have)).*?) {_ON}{_TOPIC}{_AFTER}",
    rf"(?P<head>.*?) (?:(?:is|are) {_ON}|(?:that )?(?:stud(?:y|ies)|discuss|mentions?) ){_TOPIC}{_AFTER}",
    rf"(?P<head>.*?){_ZH_ON}{_TOPIC}(?:有关|相关|方面)?的?(?:(?:那篇|研究)?{_ZH})?",
    rf"(?P<head>{_ORDER}*+){_TOPIC}(?:有关|相关|方面|的?那篇){_ZH}",
    rf"(?P<head>{_ORDER}++){_TOPIC}{_ZH}",
    rf"(?P<head>(?:which file|where).* the|list|find|show me) {_TOPIC}(?P<tail> (?:paper|abstract)s?\b.*)",
)
_EARLIER = r"(?i)\b(?:these|those|corpus|database|documents|records)\b|[这那]些|语料库|数据库"


def classify(question: str, *, followed: bool = False) -> Intent | None:
    """Return what a message asks beside science, or None; `followed` says that turns came before."""
    text = to_simplified(normalize("NFKC", question)).replace("’", "'").rstrip(" .。!?~,吗呢\n")
    for match in filter(None, (re.fullmatch(shape, text, re.I | re.S) for shape in _SHAPES)):
        intent = _read(match, detect_language(question), followed)
        if intent and (intent.chat or not (followed and re.search(_EARLIER, text))):
            return intent
    return None


def _read(match: re.Match[str], language: Language, followed: bool) -> Intent | None:
    topic, rest = match["topic"].strip(), f"{match['head']} {match['tail'] or ''}"
    words, inside = ({str(word.lastgroup) for word in _WORD.finditer(part)} for part in (rest, topic))
    if not topic and words <= {*_CHATS, "filler", "verb"}:
        chat = next((chat for chat in _CHATS if chat in words), None)
        return Intent(language, chat=chat) if chat else None
    if words & (_SAYS if topic else {"more", "other"}) or inside & {"which", "what", "many", "verb", "more"}:
        return None
    words |= {"topic" if topic else "whole"}
    asks = (ask for ask, rule in _RULES.items() if any({*g.split()} <= words for g in rule.split(",")))
    ask = next(asks, None)
    if not ask or (followed and ask == "about" and "here" not in words):
        return None
    limit = int(max(number_values(rest), default=0)) if "number" in words else None
    written: Language | None = "zh" if "zh" in words else "en" if "en" in words else None
    return Intent(language, None, ask, topic or None, written, limit)
