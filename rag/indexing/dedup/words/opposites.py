"""Words that make the opposite statement when one stands for the other."""

from __future__ import annotations

# Prefixes of which one stands for another: hypotension, hypertension; intracellular, extracellular.
_PREFIXES = [
    group.split()
    for group in (
        "hypo hyper normo",
        "intra inter extra",
        "pre post peri",
        "pro anti",
        "over under",
        "macro micro nano",
        "mono bi tri poly multi",
        "homo hetero",
        "endo exo ecto",
        "up down",
        "in de",
        "in out",
        "agon antagon",
    )
]
_WORDS = [
    frozenset(group.split())
    for group in (
        "before after during",
        "early late",
        "left right",
        "men women",
        "boys girls",
        "male female",
        "males females",
        "maternal paternal",
        "young old",
        "younger older",
        "inner outer",
        "upper lower",
        "first last",
        "acute chronic",
        "anterior posterior",
        "proximal distal",
        "systolic diastolic",
        "hot cold",
        "with without",
        "north south east west",
        "northern southern eastern western",
    )
]
_HAN = (
    "东西南北 上下 左右 前后 内外 男女 雌雄 公母 早晚 大小 高低 长短 正负 阴阳 升降 增减 强弱 快慢 冷热 酸碱 "
    "甲乙丙丁戊己"
)
_HAN_GROUPS = [frozenset(group) for group in _HAN.split()]
_SHORTEST_REST = 3  # letters that two words must share after their prefixes


def are_opposites(word: str, other: str) -> bool:
    """Return whether two different words in lower case, or Han characters, are opposites by this table."""
    if any(word in group and other in group for group in (*_WORDS, *_HAN_GROUPS)):
        return True
    return any(
        word.startswith(one)
        and other.startswith(two)
        and word[len(one) :] == other[len(two) :]
        and len(word) - len(one) >= _SHORTEST_REST
        for group in _PREFIXES
        for one in group
        for two in group
        if one != two
    )
