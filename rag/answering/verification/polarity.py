"""Polarity: negations and directions (up, down) in a text, and the same sentence negated.

The lists are wider than those of `rag.indexing.dedup.contrast`, because a sentence and its evidence use more
different words than near-duplicates.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache

# Verbs, up/down; the forms in -s, -ed and -ing are derived.
_VERBS = """
increase/decrease improve/worsen enhance/impair promote/inhibit raise/lower activate/inactivate induce/prevent
upregulate/downregulate accelerate/slow strengthen/weaken expand/contract outperform/underperform exceed/trail
facilitate/hinder stimulate/suppress boost/reduce maximize/minimize stabilize/destabilize favor/disfavor
elevate/attenuate amplify/diminish support/contradict benefit/harm succeed/fail surpass/trail
contribute/counteract augment/degrade encourage/discourage trigger/block enable/disable retain/abolish
restore/disrupt simplify/complicate cause/protect mitigate/aggravate alleviate/exacerbate accumulate/deplete
gain/decline excel/struggle advance/delay
"""
_WORDS = """
higher/lower high/low highest/lowest greater/smaller larger/smaller more/less most/least more/fewer
better/worse best/worst faster/slower stronger/weaker above/below longer/shorter superior/inferior
positive/negative positively/negatively activation/inactivation presence/absence sufficient/insufficient
efficient/inefficient effective/ineffective effectively/ineffectively possible/impossible stable/unstable
stability/instability significant/insignificant significantly/insignificantly sensitive/insensitive
related/unrelated involved/uninvolved resistance/susceptibility resistant/susceptible easy/difficult
easily/hardly rich/poor good/poor growth/decline gain/loss gains/losses improvement/deterioration
enhancement/impairment promotion/inhibition stimulation/suppression increase/reduction
up-regulation/down-regulation upregulation/downregulation up-regulated/down-regulated proliferation/apoptosis
rise/fall rises/falls rose/fell rising/falling grow/shrink grows/shrinks grew/shrank growing/shrinking
win/lose wins/loses won/lost winning/losing robust/fragile accurate/inaccurate always/rarely increase/drop
increases/drops increased/dropped overexpression/deficiency more/reduced induction/depletion
necessary/unnecessary strong/weak success/failure fast/slow successful/unsuccessful abundant/scarce
consistent/inconsistent consistency/inconsistency safe/unsafe correct/incorrect maximal/minimal
improvement/degradation reliable/unreliable mitigation/aggravation
"""
_HAN = """
提高/降低 提升/降低 增加/减少 增强/减弱 上升/下降 改善/恶化 改进/恶化 高于/低于 优于/劣于 大于/小于 多于/少于
快于/慢于 更高/更低 更大/更小 更快/更慢 更好/更差 更多/更少 更强/更弱 更优/更差 更长/更短 扩大/缩小 加快/减慢
加速/减速 促进/抑制 有效/无效 支持/反对 成功/失败 最大/最小 最高/最低 最好/最差 最优/最差 超过/不及 超越/不如
胜过/不如 激活/抑制 容易/困难 充足/不足 增长/衰减 增大/减小 延长/缩短 缓解/加剧 增加/削减 强于/弱于 领先/落后
保留/丢失 稳定/失稳 较高/较低 较大/较小 较好/较差 较强/较弱 较多/较少 增益/损失 准确/不准确 稳定/不稳定
可靠/不可靠 一致/不一致 导致/防止 推动/阻碍 减轻/加重 改善/退化 易于/难以 良好/糟糕 高效/低效 丰富/匮乏
"""
# Words with a sign of denial that deny nothing. See docs/decisions.md#words-of-denial.
_PLAIN = (
    "不同|不仅|不断|不但|不过|不管|不论|不久|不变|不可(?!以)|而不是|除非|是否|否则|(?<!并)非(?!但)|未(?!能|被)"
    "|不(?:确定|规则|平衡|均衡|完[整全美]|对称|连续|合理|切实际|透明|匹配|明确|相交|适定|理想|良|利|当|佳)"
    "|无(?!法|需|明显|显著|差异|效)|[Nn]ot (?:only|just)(?![a-z])"
)
_NOT_HAN = (
    "没有|毫无|无法|不能|不会|不是|并非|并不|从未|尚未|并未|未能|无需|缺乏|无(?:明显|显著|差异|效)|不|没|未"
)
_NOT = """
no not nor none never neither without cannot unable lack lacks lacked lacking absent hardly rarely nothing
nobody undetectable
"""
_AUXILIARY = re.compile(
    r"\b(is|are|was|were|can|could|may|might|will|would|has|have|had|should|must)\b", re.I
)
_AUXILIARY_HAN = re.compile(
    r"(?P<no>可以|可能|能够|能(?!力|量|源)|是(?!否)|会(?!议)|需要)"
    r"|具有|实现|达到|采用|使用|包含|包括|存在|表明|显示|展示|证明|引入|提供"
)
_SAYS = """
regulate link play provide affect require lead result interact show demonstrate achieve use allow encode
predict bind control mediate modulate influence correlate participate depend occur exhibit propose present
introduce develop find offer yield produce express contain involve form target reach need help make take
generate associate determine appear study evaluate investigate address consist combine employ utilize leverage
learn train
"""
_SAYING = re.compile(rf"\b(?<!to )({'|'.join(_SAYS.split())})((?:e?s)?)\b(?! of\b)")
_UNDONE: tuple[tuple[str, str], ...] = (
    (r"\b(?:do|does|did) not |\b(?:don|doesn|didn)['’]t ", ""),
    (r"\bcannot\b|\bcan['’]t\b", "can"),
    (r"\bwithout\b", "with"),
    (r"\bn['’]t\b|\s\bnot\b|\bno\s(?!longer)|\bnever\s", ""),
    (r"\bneither\b", "both"),
    (r"\bnor\b", "and"),
    (r"\blacks\b", "has"),
    (r"\black\b", "have"),
    (r"\blacking\b|\bin the absence of\b", "with"),
    (r"没有|毫无", "有"),
    (r"无法", "可以"),
    (r"不是|并非", "是"),
    (r"不能|未能|不会|并不|从未|尚未|无需", ""),
)


def _inflected(base: str) -> tuple[str, str, str, str]:
    stem = base[:-1] if base.endswith("e") else base
    ending = "es" if base.endswith(("s", "x", "z", "ch", "sh")) else "s"
    return base, base + ending, stem + "ed", stem + "ing"


@cache
def _opposites() -> tuple[dict[str, str], dict[str, int]]:
    """Return each word's opposite, the first listed, and its sign, 1 or -1."""
    rows = [row.split("/") for row in (_WORDS + _HAN).split()]
    for row in _VERBS.split():
        up, down = map(_inflected, row.split("/"))
        rows += [list(pair) for pair in zip(up, down, strict=True)]
    opposites: dict[str, str] = {}
    signs: dict[str, int] = {}
    for up_word, down_word in rows:
        for word, other, sign in ((up_word, down_word, 1), (down_word, up_word, -1)):
            opposites.setdefault(word, other)
            signs.setdefault(word, sign)
    return opposites, signs


@cache
def _token() -> re.Pattern[str]:
    han = "|".join(sorted((w for w in _opposites()[0] if not w.isascii()), key=len, reverse=True))
    return re.compile(
        rf"(?P<plain>{_PLAIN})|(?P<way>{han})|(?P<not>{_NOT_HAN})"
        r"|(?P<word>[^\W\d_\u3400-\u9fff]+(?:[-'’][^\W\d_\u3400-\u9fff]+)*)"
        r"|(?P<han>[\u3400-\u9fff])|(?P<number>\d[\d.,]*)"
    )


@dataclass(frozen=True, slots=True)
class Token:
    """A word, number or Han character in lower case; mark 1 is up, -1 down, 0 a negation, None the rest."""

    text: str
    start: int
    mark: int | None


@lru_cache(maxsize=4096)
def read_tokens(text: str) -> tuple[Token, ...]:
    """Return the tokens of a text in reading order."""
    signs, denials = _opposites()[1], frozenset(_NOT.split())
    found = []
    for match in _token().finditer(text):
        word = match[0].lower()
        mark: int | None = None
        if match.lastgroup == "way":
            mark = signs[word]
        elif match.lastgroup == "not" or word in denials or word.endswith(("n't", "n’t")):
            mark = 0
        elif match.lastgroup == "word":
            # the last part of a compound may point ("APOE4-deficient"), or the whole ("up-regulated")
            mark = signs.get(word, signs.get(word.rpartition("-")[2]))
        found.append(Token(word, match.start(), mark))
    return tuple(found)


def negate(text: str) -> str | None:
    """Return `text` negated; None if no rule applies.

    A negation is removed, or else the first direction reversed, or else a negation inserted.
    """
    for pattern, plain in _UNDONE:
        negated = re.sub(pattern, plain, text, count=1, flags=re.I)
        if negated != text:
            return negated
    opposites = _opposites()[0]
    for token in _token().finditer(text):
        if token.lastgroup in ("way", "word") and (other := opposites.get(token[0].lower())):
            return text[: token.start()] + other + text[token.end() :]
    if match := _AUXILIARY.search(text):
        return f"{text[: match.end()]} not{text[match.end() :]}"
    if match := _SAYING.search(text):
        does = "does" if match[2] else "do"
        return f"{text[: match.start()]}{does} not {match[1]}{text[match.end() :]}"
    if match := _AUXILIARY_HAN.search(text):
        return f"{text[: match.start()]}{'不' if match['no'] else '没有'}{text[match.start() :]}"
    return None
