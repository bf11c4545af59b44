"""Recognise small talk and questions about the collection itself, by rules that a question of science never meets.

A rule matches a whole question, greetings before it taken off, never a part of it: a question that also asks for
content ("Which papers study backdoor attacks, and what does each attack?") meets none and is answered from the
abstracts.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

from rag.schema import Language
from rag.text.language import detect_language, to_simplified

Chat = Literal["greeting", "thanks", "fine", "bye", "help"]
Ask = Literal["count", "files", "about", "list", "origin"]


@dataclass(frozen=True, slots=True)
class Talk:
    """What is asked for: small talk (`chat`), or something about the collection (`ask`), of which exactly one is set.

    `language` is the question's. "list" and "count" may be narrowed to papers `about` a topic or `written` in one
    language; `limit` is how many to list, where the question says so. "origin" asks which files the paper `about`
    something was read from.
    """

    language: Language
    chat: Chat | None = None
    ask: Ask | None = None
    about: str | None = None
    written: Language | None = None
    limit: int | None = None


# Of several in one message ("Hi! What can you do?") the first of these is replied to.
_PRECEDENCE: tuple[Chat, ...] = ("help", "bye", "thanks", "greeting", "fine")
_CHAT: dict[Chat, str] = {
    "greeting": (
        r"(?:hi|hey|hello|hiya|howdy|greetings|good (?:morning|afternoon|evening|day))"
        r"(?: (?:there|again|all|everyone|citefold|friend))?"
        r"|(?:how are you|how are you doing|how is it going|how do you do|nice to meet you)(?: (?:today|too))?"
        r"|(?:你|您|大家)们?好[啊呀吗]?|嗨|嘿|哈[喽啰罗]|早|早安|[早晚]上好|[上中下]午好|在吗|在不在|有人吗|很高兴认识[你您]"
        r"|最近(?:好吗|怎么样)"
    ),
    "thanks": (
        r"(?:many |much )?(?:thanks|thank you|thx|ty|cheers)(?: (?:a lot|a bunch|so much|very much|again|all|citefold))*"
        r"(?: for (?:that|this|(?:your|the|all your) (?:help|answers?|time|explanations?)|helping(?: me)?|everything))?"
        r"|(?:that|this|it)(?: is|'s| was) (?:very |really |so )?(?:helpful|useful|great|perfect|kind)(?: of you)?"
        r"|much appreciated|(?:i )?appreciate (?:it|that|your help)"
        r"|(?:非常|十分|太|真的?|很|万分)?(?:感谢|谢谢|谢了|多谢|谢啦|感激)(?:[你您]|大家)?们?的?"
        r"(?:帮助|帮忙|解答|回答|解释|说明)?[了啦啊呀哈]?|辛苦[你您]?了|帮大忙了|太有帮助了|很有(?:帮助|用)"
    ),
    "fine": (
        r"(?:ok|okay|fine|good|great|nice|cool|perfect|excellent|wonderful|awesome|well done|good job|got it|i see"
        r"|understood|alright|all right|makes sense|sounds good)(?: (?:work|then|now))?"
        r"|好的?[啊呀吧]?|行|可以|不错|很好|太好了|太棒了|真棒|厉害|明白[了啦]?|知道[了啦]|懂了|了解[了]?|收到|原来如此|嗯+|哦+"
    ),
    "bye": (
        r"bye(?:[ -]bye)?|good ?bye|see (?:you|ya)(?: (?:later|soon|tomorrow))?|farewell|good night|take care"
        r"|that(?: is|'s) all(?: for (?:now|today))?|再见|再会|拜+|回头见|明天见|晚安|回见"
    ),
    "help": (
        r"(?:so )?(?:what|how much) (?:all )?(?:can|could|do) you (?:do|know|help(?: me)? with|offer|answer)(?: for (?:me|us))?"
        r"|what are you(?: (?:for|able to do|capable of|good at))?|who (?:are|made) you|what is citefold|what(?:'s| is) your name"
        r"|(?:what|which) (?:kinds? of |sorts? of |types? of )?(?:questions )?can (?:i|we|one) ask(?: (?:you|here|about|it))*"
        r"|(?:what|which) (?:kinds? of |sorts? of |types? of )?questions (?:can|do) you answer"
        r"|how (?:do|can|should) (?:i|we|one) use (?:you|this|it|citefold|this (?:tool|page|app|program|thing|system))"
        r"|how (?:do you|does (?:this|it|citefold|this (?:tool|page|app|program|thing|system))) work"
        r"|(?:can you )?help(?: me)?|(?:introduce|describe) yourself|tell me about yourself"
        r"|(?:which|what) languages (?:do|can) you (?:speak|understand|answer in|know)"
        r"|(?:do|can) you (?:speak|understand|answer in) (?:english|chinese|mandarin)"
        r"|(?:那么?)?[你您](?:都|还)?(?:能|可以|会|能够)(?:帮我|为我|给我|替我)?(?:做|干|回答|帮|提供)?(?:些|点)?(?:什么|啥|哪些)"
        r"(?:忙|事情?|问题|帮助|功能)?[呢啊]?|[你您](?:是|叫)(?:谁|什么|什么名字|啥)|[你您]有(?:什么|哪些|啥)(?:功能|用处?|能力|本事)"
        r"|(?:我(?:能|可以|该)|能|可以)(?:向|跟)?[你您]?问[你您]?(?:些)?(?:什么|哪些)(?:样的)?(?:问题)?"
        r"|(?:我(?:该|要|应该)?)?(?:怎么|如何|怎样)(?:使用|用)(?:[你您]|它|这个(?:工具|系统|程序|页面))?|帮助|帮帮我|使用(?:说明|方法)|求助"
        r"|(?:请)?(?:自我介绍(?:一下)?|介绍(?:一下)?[你您]?自己)|[你您](?:能|会)(?:说|讲|用)?(?:中文|英文|英语|汉语)(?:回答)?吗"
    ),
}

_PAPERS = r"(?:abstracts?|papers?|articles?|publications?|documents?|records?)"
_HERE_NOUN = r"(?:collection|corpus|library|index|database|archive)"
_HERE = rf"(?:here|(?:in|of|from) (?:the|this|your|our|my) (?:paper |abstract )?{_HERE_NOUN}|in total|altogether|overall|now)"
_TAIL = rf"(?: (?:are )?(?:there|{_HERE}))*"
_TAIL_HAVE = rf"(?: (?:do you (?:have|know|hold|contain)|have you (?:read|indexed|got)|did you (?:read|index)|are (?:there|indexed|stored)|does (?:this|the|your) {_HERE_NOUN} (?:have|hold|contain|include)|(?:are )?{_HERE}))*"
_ABOUT = r"(?:about|on|regarding|concerning|covering|related to|relating to|dealing with|on the (?:topic|subject) of)"
_VERB = r"(?:(?:is|are) (?:about|on|related to|concerned with)|(?:deals?) with|stud(?:y|ies)|discuss(?:es)?|covers?|mentions?|address(?:es)?|concerns?)"
_SHOW = r"(?:(?:can you |could you |would you )?(?:please )?(?:list|show|find|give|name|search for|look for|get|display|enumerate)(?: me| us)?(?: out)?)"
_SOME = r"(?:(?:all|any|some|the|every|all (?:of )?the|a few|(?P<limit>\d{1,3})) )*"
_WRITTEN = r"(?P<written>english|chinese)"
_TOPIC = r"(?P<about>\S.*)"

_ZP = r"(?:论文|摘要|文章|文献|文档|记录|paper)"
_ZLIB = r"(?:这个?|本|你的?|整个|你们的)?(?:(?:文献|论文|摘要|资料)(?:库|集合|集)|数据库|语料库|集合|库)"
_ZHERE = rf"(?:(?:这里|{_ZLIB}|[你您]|现在|目前)(?:里面|里|中|内)?(?:现在|目前)?)"
_ZHAVE = r"(?:有|收录了?|包含了?|收了|索引了?|读了|包括|收集了?)"
_ZMANY = r"(?:多少|几)[篇条个份]?"
_ZSUM = r"(?:一共|总共|共|总计|合计)?"
_ZASK = r"(?:请|麻烦|[你您]|能不能|可不可以|能|可以|帮我|给我)*+"
_ZSHOW = r"(?:列出|列举|列一下|列|查找|查一下|找一下|找出|找找|找|给出|显示|展示|搜索|检索|搜一下|推荐|看看)(?:来|一下)?"
_ZSOME = r"(?:所有|全部|一些|几篇|一下|库中|库里|这里|(?P<limit>\d{1,3})篇|的)*"
_ZON = r"(?:关于|有关|与|和|跟|涉及|研究|讨论|介绍|提到|涉及到)了?"
_ZREL = r"(?:有关|相关|方面|领域|主题|为主题)?"
_ZWRITTEN = r"(?P<written>中文|英文|汉语|英语)"
_ZTOPIC = r"(?P<about>\S.*?)"

_ASK: tuple[tuple[Ask, str], ...] = (
    ("count", rf"(?:and )?how many (?:{_WRITTEN} )?(?:(?:different|distinct|unique) )?{_PAPERS}{_TAIL_HAVE}(?: (?:are )?(?:written )?in {_WRITTEN.replace('written', 'written2')})?"),
    ("count", rf"(?:what is )?the (?:total )?number of {_PAPERS}{_TAIL}"),
    ("count", rf"how (?:big|large) is (?:the|this|your) {_HERE_NOUN}"),
    ("count", rf"how many (?:duplicates?|duplicate {_PAPERS}|copies)(?: (?:are|were) (?:there|removed|folded|found)|{_TAIL_HAVE})"),
    ("count", rf"(?:which|what) languages? (?:are|is) (?:the|these|those|your) {_PAPERS}(?: written)? in"),
    ("count", rf"how many {_PAPERS} {_VERB} {_TOPIC}"),
    ("count", rf"how many {_PAPERS} (?:are there|do you have) {_ABOUT} {_TOPIC}"),
    ("files", rf"how many files{_TAIL_HAVE}|(?:which|what) files (?:are there|{_HERE}|are {_HERE}|did you read|have you read|have you indexed)|{_SHOW} {_SOME}files{_TAIL}"),
    ("about", rf"what(?: is|'s) (?:this|the|your) {_HERE_NOUN}(?: all)? about|what(?: is|'s) (?:in|inside) (?:this|the|your) {_HERE_NOUN}|what (?:does|do) (?:this|the|your) {_HERE_NOUN} (?:contain|cover|hold|include|have|deal with)"),
    ("about", rf"(?:what|which) (?:main |kinds? of )?(?:topics?|subjects?|fields?|areas?|themes?)(?: of research)? (?:are|is|do|does)(?: (?:there|covered|the|this|your|these|{_PAPERS}|{_HERE_NOUN}|you|cover|about|include|have|know|deal with|represented|{_HERE}))+"),
    ("about", rf"what are (?:the|these|your|all these) {_PAPERS}{_TAIL} about|what do (?:the|these|your) {_PAPERS}{_TAIL} (?:cover|deal with)"),
    ("about", rf"(?:(?:please )?(?:summari[sz]e|describe|introduce)|(?:give|show)(?: me)? an? (?:overview|summary) of|tell me about|an? (?:overview|summary) of) (?:this|the|your|the whole) {_HERE_NOUN}"),
    ("list", rf"{_SHOW} {_SOME}(?:{_WRITTEN} )?{_PAPERS}{_TAIL}(?: (?:written )?in {_WRITTEN.replace('written', 'written2')})?"),
    ("list", rf"(?:which|what) (?:{_WRITTEN} )?{_PAPERS}(?: do you have| are (?:there|{_HERE})| {_HERE})"),
    ("list", rf"(?:which|what)(?: of the)? {_PAPERS} (?:are|is)(?: written)? in {_WRITTEN}|(?:which|what)(?: of the)? {_PAPERS} (?:are|is) {_WRITTEN.replace('written', 'written2')}"),
    ("list", rf"{_SHOW} {_SOME}(?:{_WRITTEN} )?{_PAPERS}(?: {_HERE})? (?:that (?:are )?)?{_ABOUT} {_TOPIC}"),
    ("list", rf"{_SHOW} {_SOME}{_PAPERS} (?:that|which) {_VERB} {_TOPIC}"),
    ("list", rf"(?:which|what)(?: of (?:the|these))? {_PAPERS}(?: {_HERE})? {_VERB} {_TOPIC}"),
    ("list", rf"(?:which|what) {_PAPERS} (?:do you have|are there|have you got)(?: {_HERE})? {_ABOUT} {_TOPIC}"),
    ("list", rf"(?:(?:do you|does (?:this|the|your) {_HERE_NOUN}) (?:have|know(?: of)?|contain|hold|include)|(?:is|are) there) (?:(?:any|an?|some|other) )*{_PAPERS}(?: {_HERE})? {_ABOUT} {_TOPIC}"),
    ("list", rf"(?:all |any |(?P<limit>\d{{1,3}}) )?{_PAPERS} {_ABOUT} {_TOPIC}"),
    ("origin", rf"(?:which|what) files? (?:does|do|did) (?:the )?{_PAPERS} (?:about|on) {_TOPIC} come from"),
    ("origin", rf"(?:which|what) files? (?:does|do|did) (?:the )?{_TOPIC} {_PAPERS} come from|(?:which|what) files? (?:is|are) (?:the )?(?P<about2>\S.*) {_PAPERS} in"),
    ("origin", rf"(?:which|what) files? (?:contains?|holds?|has|have) (?:the )?{_PAPERS} (?:about|on) {_TOPIC}"),
    ("count", rf"{_ZHERE}?{_ZSUM}{_ZHAVE}{_ZSUM}{_ZMANY}(?:{_ZWRITTEN}的?)?(?:不同的)?{_ZP}(?:是(?P<written2>中文|英文)的)?"),
    ("count", rf"{_ZHERE}?的?(?:{_ZWRITTEN})?{_ZP}{_ZSUM}有?{_ZMANY}|{_ZMANY}{_ZP}(?:是{_ZWRITTEN.replace('written', 'written2')}的?)?|{_ZP}(?:总数|数量|数目)(?:是(?:多少|几))?"),
    ("count", rf"{_ZHERE}?有?多大规模|{_ZHERE}有多大|{_ZHERE}?(?:有|去掉了|合并了)?{_ZMANY}重复的?(?:{_ZP})?|(?:这些)?{_ZP}(?:都)?是(?:用)?(?:什么|哪些|哪种)语言(?:写)?的?"),
    ("count", rf"{_ZHERE}?{_ZSUM}有?{_ZMANY}{_ZP}是?{_ZON}{_ZTOPIC}{_ZREL}的?|{_ZHERE}?{_ZSUM}有{_ZSUM}{_ZMANY}(?:关于|有关|涉及|研究)(?P<about2>\S.*?){_ZREL}的?{_ZP}"),
    ("files", rf"{_ZHERE}?{_ZSUM}{_ZHAVE}{_ZSUM}{_ZMANY}文件|{_ZHERE}?{_ZHAVE}(?:哪些|什么)文件|{_ZASK}{_ZSHOW}{_ZSOME}文件"),
    ("about", rf"(?:{_ZHERE}|这些{_ZP}|{_ZP})(?:都|主要)*(?:是|讲|关于|涉及|涵盖|研究|包含|有|包括|讨论)+了?(?:些)?(?:什么|哪些|哪方面|哪几个|啥)(?:样的)?(?:研究)?(?:内容|主题|领域|方面|话题|方向|东西)?的?[呢啊]?"),
    ("about", rf"(?:{_ZHERE}|这些{_ZP})?{_ZHAVE}(?:哪些|什么)(?:研究)?(?:主题|领域|话题|方向|内容)|(?:{_ZHERE}|这些{_ZP})的?(?:研究)?(?:主题|领域|内容)(?:是什么|有哪些)|{_ZASK}(?:概括|介绍|总结|概述|描述|说说)一?下?(?:{_ZLIB}|这些{_ZP})(?:的内容)?|[你您](?:都)?知道(?:些)?什么"),
    ("list", rf"{_ZASK}{_ZSHOW}{_ZSOME}{_ZWRITTEN}?的?{_ZP}(?:清单|列表)?|{_ZHERE}?{_ZHAVE}(?:哪些|什么)(?P<written2>中文|英文)?的?{_ZP}|(?:哪些|哪几篇|哪篇){_ZP}是(?P<written3>中文|英文|汉语|英语)(?:写)?的?"),
    ("list", rf"{_ZASK}{_ZSHOW}{_ZSOME}{_ZON}{_ZTOPIC}{_ZREL}的?(?:所有|全部)?{_ZP}"),
    ("list", rf"{_ZASK}(?:{_ZSHOW})?{_ZSOME}(?P<about2>\S.*?)(?:有关|相关|方面|领域|主题)的?{_ZP}(?:有哪些|有吗)?"),
    ("list", rf"{_ZHERE}?(?:里|中)?(?:有没有|是否有|有无|有哪些|有什么|有)(?:哪些|什么)?(?:关于|有关|与|和|跟|涉及|研究|讨论|提到)了?{_ZTOPIC}{_ZREL}的?{_ZP}[吗呢]?"),
    ("list", rf"{_ZHERE}?(?:哪些|哪几篇|哪篇|什么){_ZP}(?:是|主要)*(?:{_ZON}|讲){_ZTOPIC}{_ZREL}的?"),
    ("list", rf"(?:关于|有关|涉及){_ZTOPIC}{_ZREL}的?{_ZP}(?:有(?:哪些|哪几篇|吗|没有))?|与(?P<about2>\S.*?)(?:有关|相关)的?{_ZP}(?:有(?:哪些|哪几篇|吗|没有))?"),
    ("origin", rf"(?:关于|有关)?{_ZTOPIC}(?:的|这篇|那篇)+{_ZP}(?:来自|出自|在|是从)(?:哪个|哪些|什么)文件(?:里|中)?(?:来的|读的)?|(?:哪个|哪些)文件(?:里|中)?(?:有|包含)(?:关于|有关)(?P<about2>\S.*?)的{_ZP}"),
)  # fmt: skip

_RULES = tuple((ask, re.compile(pattern)) for ask, pattern in _ASK)
_CHAT_RULES = {chat: re.compile(pattern) for chat, pattern in _CHAT.items()}
_CLAUSE = re.compile(r"\s*[,，.。!！?？;；~～\n]+\s*|\s*$")
_END = re.compile(r"[\s.。!！?？~～…]+$")
_POLITE = re.compile(r"^(?:please|kindly|so|well|ok so|请问|请教一下|那么)[\s,，]+|^请问|[\s,，]+please$")

# No message of this kind is longer.
_LONGEST = 200
# A topic is a phrase. What asks for more (a second question, a condition, a number reached) is a question of science.
_TOPIC_WORDS = 6
_TOPIC_HAN = 16
_MORE = re.compile(
    r"[,;:?!，；：？！。、]"
    r"|\b(?:what|how|why|which|who|whom|whose|when|where|whether|that|does|did|is|are|was|were|has|have|do|compare"
    r"|explain|tell|describe|summari[sz]e|each|respectively|more than|less than|at least|better|best|most|it|its|they"
    r"|them|their|this|these|those|published|written|reports?|reporting|achiev\w*|reach\w*|outperform\w*|show|shows|find"
    r"|finds|say|says|use|uses|used|propose\w*|between|by)\b"
    r"|什么|为何|为什么|多少|几|哪|谁|怎|如何|是否|吗|呢|并且?|以及|分别|各自|各有|结果|发现|最|超过|高于|低于|达到|提出|使用|采用|它|其中|这[个些篇]|那[个些篇]|发表"
)
# What an earlier answer may have spoken of: papers, or a paper's own corpus.
_OF_THE_TURN_BEFORE = re.compile(r"\b(?:these|those|corpus|database|archive)\b|[这那]些|语料库|数据库")
# Verbs that papers do to a subject: what follows is only a topic when it is a short name of one.
_SUBJECT_WORDS = 3
_LOOSE = re.compile(
    rf"{_PAPERS}\b.*?\b(?:stud(?:y|ies)|discuss(?:es)?|covers?|mentions?|address(?:es)?|concerns?) "
)


def recognise(question: str, *, followed: bool = False) -> Talk | None:
    """Return what a message asks beside science, None where it is a question to the abstracts.

    With `followed`, when there are earlier turns, "these papers" and "the corpus" are taken for what those spoke of.
    """
    if len(question) > _LONGEST:
        return None
    language = detect_language(question)
    text = _normal(question)
    chats, rest = _take_chat(text)
    if not rest:
        chat = next((chat for chat in _PRECEDENCE if chat in chats), None)
        return Talk(language, chat=chat) if chat else None
    if followed and _OF_THE_TURN_BEFORE.search(rest):
        return None
    for ask, rule in _RULES:
        match = rule.fullmatch(rest)
        if match and (talk := _talk(language, ask, match)):
            return talk
    return None


def _talk(language: Language, ask: Ask, match: re.Match[str]) -> Talk | None:
    named = {name.rstrip("123"): value for name, value in match.groupdict().items() if value}
    about = named.get("about")
    if about is not None and not _is_topic(about, match[0]):
        return None
    written: Language | None = None
    if "written" in named:
        written = "zh" if named["written"] in {"chinese", "中文", "汉语"} else "en"
    limit = int(named["limit"]) if "limit" in named else None
    return Talk(language, ask=ask, about=about, written=written, limit=limit or None)


def _is_topic(about: str, question: str) -> bool:
    longest = _SUBJECT_WORDS if _LOOSE.search(question) else _TOPIC_WORDS
    han = sum(not char.isascii() for char in about)
    return not _MORE.search(about) and len(about.split()) <= longest and han <= _TOPIC_HAN


def _normal(question: str) -> str:
    """Return a question in small letters and Simplified characters, without politeness, emoji and end marks."""
    text = to_simplified(unicodedata.normalize("NFKC", question)).casefold().replace("’", "'")
    text = "".join(" " if unicodedata.category(char) in {"So", "Sk", "Cf"} else char for char in text)
    text = _END.sub("", re.sub(r"[^\S\n]+", " ", text).strip())
    text = re.sub(r"(?<=[^\x00-\x7f]) (?=[^\x00-\x7f])", "", text)
    return _POLITE.sub("", _POLITE.sub("", text)).strip()


def _take_chat(text: str) -> tuple[set[Chat], str]:
    """Take small talk off the head of a message, clause by clause; return its kinds, and what is left."""
    chats: set[Chat] = set()
    while text:
        clause = _CLAUSE.search(text)
        head = text[: clause.start()] if clause else text
        found = next(
            (chat for chat, rule in _CHAT_RULES.items() if rule.fullmatch(_POLITE.sub("", head))), None
        )
        if found is None or clause is None:
            break
        chats.add(found)
        text = text[clause.end() :]
    return chats, _POLITE.sub("", text)
