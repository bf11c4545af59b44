"""The words of questions about fields, as classes, and the shapes in which a topic stands among them.

A question about fields is made of nothing but these words, values that the library knows (which stand here
as one character each), and at most one topic. Any other word leaves it to the abstracts.
See docs/decisions.md#questions-about-fields
"""

from __future__ import annotations

import re

# What stands for a value in the text of a question.
AUTHOR, YEARS, VENUE, TITLE, QUOTED = "\ue001", "\ue002", "\ue003", "\ue004", "\ue005"

# The first class that fits is taken; several rows of one class are one.
_TABLE = r"""
author_slot (?:(?:by|from|of|with) (?:the authors? )?)?\ue001(?:'s|’s)?|(?:由|是|为|叫)?\ue001(?:等人|等|教授|博士|老师|他们)?
year_slot (?:(?:in|from|of|for|with|dated)? ?(?:the )?(?:publication )?year |dated )?[(（]?\ue002[)）]?
venue_slot (?:(?:in|from|by|at|of|on) (?:the )?(?:journals?|conferences?|venues?|magazines?|proceedings)?(?: of| called| named)? ?)?(?:the )?\ue003(?: journals?| conferences?)?|(?:发表|刊登|刊载)?[在于]?\ue003(?:期刊|杂志|会议)?(?:上|里|中)?(?:面)?
title_slot (?:the )?(?:paper|article|study|abstract|work|record)? ?(?:titled|entitled|called|named|with (?:the )?title)? ?\ue004|(?:题为|名为|标题为|题目为|题目是)?\ue004(?:这|那)?一?篇?
written_en in english|english|英文|英语
written_zh in (?:chinese|mandarin)|chinese|中文|汉语
doi      digital object identifiers?|doi(?:s| ?numbers?| ?links?|编?号码?)?
arxiv    arxiv ?(?:ids?|identifiers?|numbers?|编?号码?)
pmid     pmid(?:s|编?号码?)?|pubmed ?(?:ids?|identifiers?|numbers?|编?号码?)
link     links?|urls?|web ?address|web ?page|链接|网址|地址
keywords key ?words?|index terms|关键词|关键字
most     (?:the )?most (?:papers|articles|publications|often|frequent(?:ly)?|prolific|productive)|more than anyone(?: else)?|最多(?:的)?(?:论文|文章|文献)?|最高产|最常
per_year   (?:per|for each|for every|in each|each|every|by|grouped by|sorted by|broken down by) (?:single )?(?:publication )?years?|(?:每一?|各|按|逐)年份?(?:度)?(?:的|统计|分别|各|来)*
per_author (?:per|for each|for every|each|every|by|grouped by|sorted by|broken down by) authors?|(?:每一?|各|按)(?:[个位名]?)作者(?:的|统计|分别|各|来)*
per_venue  (?:per|for each|for every|in each|each|every|by|grouped by|sorted by|broken down by) (?:journal|venue|conference)s?|(?:每一?|各|按)(?:[个本种家]?)(?:期刊|会议|刊物|杂志|学报)(?:的|上|统计|分别|各|来)*
who      by whom|who(?:m|se)?|(?:which|what) (?:people|persons?|scholars|team|group)|who all|谁|哪[位些个几](?:作者|学者|研究者|研究人员|人|科学家)|何人|什么人
author   (?:the )?(?:names? of )?(?:the )?(?:(?:co-?|lead |first |senior |main |corresponding )?authors?|co-?authorship|authorship|author ?list|author names?)|writers?|researchers?|scientists?|scholars?|collaborators?|(?:第一|通讯|共同|合)?作者(?:名单|姓名|名字|列表)?|署名|合作者|学者|研究者|研究人员
when     when|(?:what|which) (?:publication )?(?:years?|dates?)|publication (?:years?|dates?)|(?:years?|dates?) of publication|years?|how (?:old|recent|new)|哪一?[几些个]?年(?:份|度)?|何时|何年|什么时[候间]|什么年份|几几年|多久(?:以)?前|(?:发表|出版|刊登)(?:的)?(?:年份|时间|日期|年代)|年份|年代
where    where|哪里|哪儿|何处
venue    (?:journal|conference|venue|magazine|proceedings|periodical|outlet)s?|哪[一]?[个本份家种]?(?:刊物?|期刊|杂志|学报|会议|刊)|(?:期刊|杂志|学报|会议|刊物)(?:名称?|名字)?
latest   (?:the )?(?:very )?(?:latest|newest|most recent(?:ly)?|recent(?:ly)?|newly|new)|最新(?:近)?|最近|最晚|近期|新近
oldest   (?:the )?(?:very )?(?:oldest|earliest)|最早|最老|最先|最久远
many     how (?:many|much|often|frequently|productive)|how many times|(?:the )?(?:total )?(?:number|count) of|count|多少|几(?=[篇项个条本份])|数量|总数|篇数|多不多
works    worked|working|works?(?= on|$)|research(?:ed|es|ing)|investigate[sd]?|studied|contribut(?:ed?|es|ions?)(?: to)?|研究(?:了|过)?(?=什么|哪)|做(?:了|过)?
wrote    behind|responsible for|wrote|writt?en|write|writes|writing|(?:co-?)?author(?:ed)?|penned|写|撰写?|著有?|合著|合写|所著|署名|参与|合作|完成
issued   publish(?:e[sd]|ing)?|releas(?:ed?|es)|carried(?! out| by)|featured|c[oa]mes? out|appear(?:ed|s)?|put out|issued|printed|presented|dates?|dated|发表|刊登|出版|刊发|见刊|登(?=在|于|过|了)|刊载|登载|问世|公开|出来|出(?=的|了|$)|发(?=[的了过在])
papers   (?:abstract|paper|article|publication|preprint|manuscript|review|survey|title|reference|item)s?(?= in the (?:collection|library|index|corpus|database))|(?:abstract|paper|article|publication|preprint|manuscript|review|survey|title|reference)s|(?<=[几少])篇(?![论文章摘])|studies|entries|works?|research|stuff|things?|anything|something|everything|nothing|things|output|oeuvre|bibliography|论文|摘要|文章|文献|研究(?:成果|工作|论文)?|成果|著作|作品|东西
paper    [那这]一?篇(?:论文|文章|文献|研究)?|abstract|paper|article|publication|study|preprint|manuscript|review|survey|title
show     list|show|find|give|name|tell|display|search|look(?:ing)?(?: up| for)?|get|fetch|see|read|want|need|pull up|remind|mention|point|check|wonder(?:ing)?|know|列出|显示|展示|搜索|查找|查询|[找查搜]一下|[找查搜]下?[出找]?|告诉|知道|推荐|列举|看看|看|列
have     (?:have|has|got|hold|holds|contains?|include[sd]?|exists?|available|indexed|stored|covered|represented)|有没有|是否有|有|收录|收|包含|存在
here     (?:in|of|from|on|among|within) (?:this|the|your|our|my) (?:whole |entire )?(?:collection|corpus|library|database|index|archive|shelf|pile|set)|(?:this|the|your|our|my) (?:collection|corpus|library|database|archive)|here|on file|on record|in stock|(?:这个?|本)?(?:文献|论文|数据|语料|摘要)?库[里中内]?|这里|其中有?
which    which|what(?:'s|’s)?|哪[些几个种篇项位]?|什么|啥
number   \d{1,3}|one|two|three|four|five|six|ten|[一两二三四五六七八九十]+(?=[篇个项条])
verb     is|are|was|were|do|does|did|be|been|has|have|had|being|that|which|it
filler   you|your|me|us|i(?:'m|’m|'d|’d| am)?|we|my|can|could|would|will|should|and|so|very|much|all|any|some|total|for|from|by|to|like|let|both|also|only|just|else|ever|already|yet|than|not|altogether|overall|in total
filler   people|persons?|folks|team|names?|together|jointly|alone|often|always|usually|still|even|ever|though|anyway|maybe|perhaps|possibly|really|actually|exactly|simply|quickly|roughly|approximately|about how|get|gets|got|gotten|receive[sd]?|take[ns]?|made|make[s]?|keep|kept|put|use[d]? to|go|went|such|same|own|other|others|another|each other|further|more(?! than)|additional|entire|whole|complete|full|single|various|several|few|many of|most of|kinds?|sorts?|types?|sets?|pieces?|parts?|bits?|copies|copy|ones?|please|pls|hey|hi|hello|thanks|thank you|a lot|an?|the|these|those|of|in|on|with|again|there|today|now|currently|'s|at|as|or|if|out|up|this|according to (?:the|this|your) (?:collection|library|database|records?)|in the world|exactly
filler   一起|共同|合起来|之中|当中|自己|单独|独自|一些|若干|各种|任何|每[篇个]|尤其|特别|大概|大约|究竟|到底|其实|具体|完整|谢谢|帮我|给出|说说|讲讲|说一下|讲一下|有谁|请教|好像|应该|最终|最后|第一|首次|先后|至今|迄今|期间|时期|这几|那几|请问?|您好|你好|麻烦|帮忙|[帮给][我忙]?|想要?|要|能不?能?|可以|可否|能否|一下|[你您我]们?|[这那]些?|一?[共总]+|一[下些]|目前|现在|主要|所有|全部|全|都|[来出]自|曾经?|已经?|有过|分别|其他|还|另外|相关|有关|方面|领域|方向|以及|的话
filler   [是的了过里中内些个篇项条位本上在于用为由被呢吗吧啊呀嘛哦地得和与及并又、]|[\s\W]
"""
# Not inside a Latin word or a number, nor beside a hyphen in one.
_EDGE = r"(?!(?<=[A-Za-z0-9])-?[A-Za-z0-9])(?!(?<=[A-Za-z0-9]-)[A-Za-z0-9])"
_ROWS = [row.split(None, 1) for row in _TABLE.strip().splitlines()]
_NAMES = list(dict.fromkeys(name for name, _ in _ROWS))
_CLASS = {name: "|".join(pattern for other, pattern in _ROWS if other == name) for name in _NAMES}
WORD = re.compile("|".join(f"(?P<{name}>{_EDGE}(?:{_CLASS[name]}){_EDGE})" for name in _NAMES), re.IGNORECASE)
_KNOWN = f"(?:{'|'.join(f'{_EDGE}(?:{rows}){_EDGE}' for rows in _CLASS.values())})"

_TOPIC = r"(?P<topic>(?!关于|有关|on |about |by |in |的)[^;:?!。；：？！\ue001-\ue004]{1,120}?)"
_ON = (
    r"(?:(?:that|which|who) )?(?:(?:is|are|was|were|has|have) )?(?:(?:only|mainly|mostly) )?"
    r"(?:about|on|regarding|concerning|dealing with|deals? with|related to|relating to|around|covering|discussing|studying|"
    r"addressing|discuss(?:es|ed)?|investigat(?:es?|ed|ing)|mention(?:s|ed|ing)?|cover(?:s|ed)?|looks? at|looked at|"
    r"looking at|examin(?:es?|ed|ing)|address(?:es|ed)?|into|(?<=that )stud(?:y|ies|ied)|(?<=who )stud(?:y|ies|ied)"
    r"|(?<=\ue001 )stud(?:y|ies|ied)|(?<=papers )of|(?<=studies )of|(?<=articles )of)"
    r"(?: the (?:topic|subject|theme|question) of)?"
)
_PAPER_WORD = rf"(?:{_CLASS['papers']}|{_CLASS['paper']})"
_ZH_ON = "(?:关于|有关(?!的)|涉及|讲(?![课座师台述])|针对|围绕|讨论|探讨|聚焦|提到|对(?=.+的研究)|就|研究(?=[^的]{1,40}的(?:论文|文章|文献|摘要)))(?:了|到|过)?"
_ZH_AFTER = "(?:这个?|这一)?(?:方面|领域|方向|主题|话题|问题)?(?:有关|相关)?"
# Words before a topic that has no word to announce it; a single character could begin the topic itself.
_ZH_ORDER = (
    "(?:请问?|您好|你好|[，,、]|帮我|给我|我想[要看找]?|能不能|可以|列出|列举|显示|[找查搜]一下|[找查搜]出?|查找|查询|搜索|推荐|看看|告诉我|"
    "有没有|是否有|[你您]们?有|库里有?|哪些|哪几?[篇个项]|多少篇?|几篇|一些|所有|全部|一共有?|总共有?|最新|最近|最早|近期|"
    "这篇|那篇|\\d{1,3}篇|[一两二三四五六七八九十]篇|谁是|谁写了?|谁发表了?|什么时候|何时|哪一?年|"
    "(?:(?:发表|刊登|刊载)[在于]|在|由)?[\ue001-\ue003](?:等人?|教授|博士|老师|期刊|杂志)?(?:上|里|中)?(?:都|一共|总共|曾经?)?(?:写|发表|发|撰写|出版|刊登|做)?(?:了|过)?(?:多少|几|哪些|什么)?篇?的?)"
)
SHAPES = tuple(
    (kind, re.compile(pattern, re.IGNORECASE | re.DOTALL))
    for kind, pattern in (
        ("none", rf"(?P<head>{_KNOWN}*+)"),
        ("quoted", rf"(?P<head>{_KNOWN}*+)(?:{_ON} |{_ZH_ON})?(?P<topic>\ue005){_ZH_AFTER}(?P<tail>{_KNOWN}*+)"),
        ("marked", rf"(?P<head>(?>{_KNOWN})*?) ?{_ON} {_TOPIC}(?P<tail>(?>[ ,.]*+{_KNOWN})*+)"),
        ("marked", rf"(?P<head>(?>{_KNOWN})*?){_ZH_ON}{_TOPIC}{_ZH_AFTER}的?(?P<tail>{_KNOWN}*+)"),
        ("after", rf"(?P<head>(?:{_ZH_ORDER}的?)*+)[跟和与同]?{_TOPIC}(?:这个?|这一)?(?:方面|领域|方向|有关|相关)+的?(?P<tail>{_KNOWN}*+)"),
        ("before", rf"(?P<head>{_KNOWN}*+){_TOPIC} (?P<tail>{_EDGE}{_PAPER_WORD}{_EDGE}{_KNOWN}*+)"),
        ("before", rf"(?P<head>(?:{_ZH_ORDER}的?)*+){_TOPIC}的?(?:一篇)?(?P<tail>{_PAPER_WORD}{_KNOWN}*+)"),
        ("title", rf"(?P<head>(?>{_KNOWN})*+){_TOPIC}(?P<tail>(?> {_KNOWN})*+)"),
        ("title", rf"(?P<head>(?:{_ZH_ORDER})*+){_TOPIC}(?P<tail>{_KNOWN}*+)"),
    )
)  # fmt: skip
# What is no topic: a clause that asks or states something.
NO_TOPIC = re.compile(
    r"\b(?:who|whom|what|which|how|why|when|where|whether|were|was|did|does|do|is|are|that|than|it|its|they|their|them)\b"
    r"|什么|哪|谁|怎|如何|多少|[几幾][篇个种]|吗|是否|为何|为什么|有没有|是不是",
    re.IGNORECASE,
)  # fmt: skip


def unknown_words(text: str) -> list[re.Match[str]]:
    """Return the Latin words of `text` that are of no class; one with a capital may be a name."""
    words = re.finditer(r"(?<![\w'-])[a-z][a-z'-]*(?![\w'-])", text)
    return [word for word in words if not WORD.fullmatch(word[0])]


def classes(text: str) -> set[str]:
    """Return the classes of the words of `text`; spaces and punctuation are "filler"."""
    return {str(match.lastgroup) for match in WORD.finditer(text)}
