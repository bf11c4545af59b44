"""Classify questions by rules: yes or no, about several abstracts, or a follow-up that needs earlier turns.

A doubtful question counts as a follow-up. A complete question taken for one costs a call of the model; a
follow-up taken for a complete question loses its meaning.
"""

from __future__ import annotations

import re
import unicodedata

from rag.text.language import HAN, detect_language, to_simplified

_AUXILIARY = r"(?:is|are|was|were|do|does|did|can|could|has|have|had|should|will|would|may|might)(?:n['’]t)?"
# A clause that begins with an auxiliary, except "Can you …" and "May I …".
_YES_NO = re.compile(rf"(?:^|[.,;:?!]\s+)\W*{_AUXILIARY}\b(?!\s+(?:you|i)\b)", re.IGNORECASE | re.DOTALL)
_YES_NO_ZH = re.compile(r"吗|是否|能否|可否|有没有|是不是|会不会|能不能")
_WH = re.compile(r"\b(?:what|which|who|whom|whose|when|where|why|how)\b", re.IGNORECASE)
_WH_ZH = re.compile(r"什么|多少|哪|几[个种项类倍条次篇位]|如何|怎|为何|谁|多[大高快长久]")
_SENTENCE_END = re.compile(r"[.:?!]\s")

_PAPERS = r"papers|works|stud(?:ies|y and)|abstracts|articles|authors|publications"
_THINGS = r"approaches|methods|models|systems|frameworks|algorithms|networks"
# A verb between "what" and the noun asks about the things in general, not for a list of them.
_VERB = (
    r"(?:do|does|did|can|could|will|would|should|may|might"
    r"|lets?|makes?|causes?|keeps?|helps?|allows?|enables?)"
)
# The name of a method: a capital or digit after the first letter.
_NAME = r"(?=[A-Za-z][\w-]*[A-Z0-9])[A-Za-z][\w.+-]*"
_TWO_NAMES = re.compile(rf"(?<![\w-]){_NAME}\s*(?:\band\b|\bvs\.?|\bversus\b|[和与跟及、])\s*{_NAME}")
_BOTH = re.compile(r"\b(?:both|either|each)\b|都|均", re.IGNORECASE)
_SEVERAL = re.compile(
    r"\b(?:which|what|list|name|find|show|give|are there(?: any)?)\b"
    rf"(?:(?:\W+[\w-]+){{0,4}}?\W+(?:{_PAPERS})|(?!\W+{_VERB}\b)(?:\W+[\w-]+){{0,4}}?\W+(?:{_THINGS}))\b"
    r"(?!\W+(?:used|are used|is used|was used|were used|did|does|do the authors|reached?|outperformed"
    r"|beaten))|^\W*(?:compare|contrast)\b"
    r"|\bhow (?:do|does|did)\b.*\b(?:differ|compare)\b"
    r"|\bdifferences?\b.*\bbetween\b|\bin common\b"
    r"|\beach (?:of them|paper|work|study|method|one|do|does|propose|use)\b",
    re.IGNORECASE,
)
_SEVERAL_ZH = re.compile(
    r"(?:哪些|哪几[篇个种项]|有几[篇个种项]|几篇)[^,，。?？]{0,8}?"
    r"(?:论文|文章|研究|工作|摘要|方法|模型|框架|算法|网络)"
    r"|(?:论文|文章|研究|工作|摘要)[^,，。?？]{0,8}?有哪些"
    r"|^\W*(?:请)?(?:比较|对比)|(?:区别|不同之处|异同|差异|共同点|差别)(?:是|在|有|呢|$|[?？])"
    r"|有(?:什么|何)(?:区别|不同|差异|差别|异同)"
    r"|各自|各有|分别(?:是怎么|是如何|怎么|如何|提出|采用|用什么|做了)"
)


def is_yes_no_question(question: str) -> bool:
    """Return whether a question asks for yes or no: a clause begins with an auxiliary, or there is a 吗."""
    text = to_simplified(question)
    if _YES_NO_ZH.search(text):
        return not _WH_ZH.search(text)
    return any(
        not _WH.search(_SENTENCE_END.split(text[: match.end()])[-1]) for match in _YES_NO.finditer(text)
    )


def is_multi_document(question: str) -> bool:
    """Return whether the answer is likely to need several abstracts: a list, or a comparison."""
    text = to_simplified(question)
    if _SEVERAL.search(text) or _SEVERAL_ZH.search(text):
        return True
    two = _TWO_NAMES.search(text) is not None
    return two and (not is_yes_no_question(text) or _BOTH.search(text) is not None)


# Content words (Han characters) before a pronoun from which the question is complete without a name; higher
# takes more questions for follow-ups. The second is for a pronoun after "and" or a comma.
_WORDS_BEFORE_PRONOUN = 4
_WORDS_BEFORE_JOINED = 2
_HAN_BEFORE_PRONOUN = 8
# A question of at most so many words (characters) without a verb is a follow-up; higher takes more.
_ELLIPSIS_WORDS = 5
_ELLIPSIS_CHARS = 8
# In a question of at most so many words, a plural ("hives") does not pass for a verb.
_PLURAL_WORDS = 3

_EN_LEAD = re.compile(
    r"(?:and|but|or|so|then|also|what about|how about|what if|ok|okay|yes|no|thanks?|now)\b[\s,]*"
)
_EN_PRONOUN = re.compile(
    r"\b(?:it|its|itself|they|them|their|theirs|he|she|his|her|this|these|those|such|(?:the )?same"
    r"|the (?:former|latter|others?|(?:first|second|third|last)"
    r"(?! (?:stage|step|phase|layer|half|part|time))|previous|above)"
    r"(?: (?:one|paper|method|model|abstract|study))?"
    r"|that (?:one|paper|method|model|work|case|dataset|approach|number|result)"
    r"|another|ones?|the authors?(?! of))\b"
)
# Words that fit every paper; a question of nothing else is about one named before.
_EN_GENERIC = frozenset(
    """a about accuracy accuracies achieve achieved achieves all amount an and any approach are as at
    authors baseline baselines be been benchmark benchmarks best better by can code compared comparison
    could data dataset datasets did difference do does else error errors evaluated evaluation example
    examples experiments exactly fast faster find for framework from gain get give given goal had has
    have high higher how idea improve improvement in into is large larger latency limitation limitations
    lower many me metric metrics method methods model models more most motivation much number of on one
    or other out over paper papers parameter parameters percent perform performance proposed propose
    reach reached reaches report reported result results score scores say size slow small smaller so
    speed study task tasks tell test tested than that the them then there time to train trained training
    used use uses value want was way were what when where which who why will with work works would
    you""".split()
)
_FOLLOWUP_AUXILIARY = "is|are|was|were|be|do|does|did|has|have|had|can|could|will|would|should|may|might|must"
_EN_AUXILIARY = re.compile(rf"\b(?:{_FOLLOWUP_AUXILIARY})\b")
_EN_VERB = re.compile(rf"\b(?:{_FOLLOWUP_AUXILIARY}|[a-z]{{3,}}(?:s|ed))\b")
_EN_ORDERS = frozenset("compare define describe explain list show summarise summarize".split())
_EN_ASKS = frozenset("what which who whom whose when where why how".split())
_WORD = re.compile(r"[A-Za-z0-9][\w.+/-]*")

_ZH_LEAD = re.compile(r"(?:那么?|但是?|还有|另外|然后|所以|可是|而且|好的?|谢谢|嗯)[,，\s]*")
_ZH_PRONOUN = re.compile(
    r"[它他她]们?|其(?![他它中实余次])|该|此(?!外)|这(?!样的话)|那(?!么)|前者|后者|上述|前面|上面|刚才|同样"
    r"|第[一二三四五两\d]+[个篇种项]?(?![阶层代次])|另一?[个篇种]|另外[一那几两]|作者|两者|二者"
)
_ZH_GENERIC = re.compile(
    r"准确率|精度|精确率|召回率|参数量?|数据集|数据|性能|结果|方法|模型|误差|速度|延迟|效果|得分|分数|指标|基线"
    r"|基准|提升|提高|降低|论文|文章|摘要|作者|实验|训练|测试|评估|任务|代码|局限性?|优点|缺点|优势|动机|目标"
    r"|原因|贡献|比较|对比|相比|大小|规模|多少|多大|多快|多高|什么|哪些?|几[个种篇次]?|如何|怎么样?|怎样|为什么"
    r"|为何|是否|谁|何时|是|有|在|上|中|里|用|使用|采用|做|进行|达到|得到|取得|可以|能|会|了|的|地|得|着|过|呢"
    r"|吗|吧|啊|和|与|跟|对|把|被|从|到|也|都|就|又|还|更|最|呀|请|问|说|一下|具体|主要|一共|总共|个|种|篇|次|些"
    r"|提出|报告|解决|应用|改进"
)
_HAN_RUN = re.compile(f"[{HAN}]")
_PUNCTUATION = re.compile(r"[\s,，.。?？!！;；:：、\"“”'‘’()（）]+")


def needs_context(question: str) -> bool:
    """Return whether a question needs earlier turns to be understood."""
    text = to_simplified(unicodedata.normalize("NFKC", question)).strip()
    return _chinese(text) if detect_language(text) == "zh" else _english(text)


def _english(text: str) -> bool:
    lead = _EN_LEAD.match(text.lower())
    body = text[lead.end() :] if lead else text
    words = _WORD.findall(body)
    content = [word for word in words if word.lower() not in _EN_GENERIC | _EN_ASKS]
    pronoun = _EN_PRONOUN.search(body.lower())
    if pronoun:
        before = [word for word in _WORD.findall(body[: pronoun.start()]) if word in content]
        joined = re.search(r"\band\b|,", body[: pronoun.start()])
        enough = _WORDS_BEFORE_JOINED if joined else _WORDS_BEFORE_PRONOUN
        named = any(char.isupper() or char.isdigit() for word in before for char in word)
        if not named and len(before) < enough:
            return True
    if not content:
        return True
    first = words[0].lower()
    if len(words) > _ELLIPSIS_WORDS or first in _EN_ORDERS:
        return False
    verb = _EN_VERB if len(words) > _PLURAL_WORDS else _EN_AUXILIARY
    return not (first in _EN_ASKS | _EN_GENERIC and verb.search(body.lower()))


def _chinese(text: str) -> bool:
    lead = _ZH_LEAD.match(text)
    body = text[lead.end() :] if lead else text
    pronoun = _ZH_PRONOUN.search(body)
    if pronoun and not _named_before(body[: pronoun.start()]):
        return True
    rest = _PUNCTUATION.sub("", _ZH_GENERIC.sub("", body))
    if not rest:
        return True
    elliptical = bool(re.search(r"呢[?？]*$", body)) or bool(lead)
    named = len(_HAN_RUN.findall(rest)) >= 2
    asks = re.search(r"什么|多少|哪|几|如何|怎|为何|是否|吗|谁|多[大快高长]", body)
    if asks:
        return elliptical and not (named or re.search(r"[A-Za-z]", rest))
    return elliptical or len(body) <= _ELLIPSIS_CHARS


def _named_before(head: str) -> bool:
    """Return whether the text before a pronoun can hold what the pronoun refers to."""
    rest = _ZH_GENERIC.sub("", head)
    return bool(re.search(r"[A-Za-z]", head)) or len(_HAN_RUN.findall(rest)) >= _HAN_BEFORE_PRONOUN
