"""Made-up libraries with titles and authors of arXiv and CSL, and values of theirs for example questions."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.common import records
from benchmarks.fields import GIVEN
from rag.answering.fields.library import Library
from rag.schema import Paper, Source

SIZES = (60, 300, 1500, 5000)  # papers
SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡"
    "余杜叶程苏魏吕丁任沈姚卢姜崔钟"
)
MORE_GIVEN = (
    f"{GIVEN}建国文华晓雨志宇航子涵思佳欣俊梦琪博雅浩然天佑"
    "海波春梅永红玉兰少峰立新一三四五大小中国学生成文有作发上来可之"
)
UNKNOWN = 0.25  # share of authors and venues that no library has
_SMALL = frozenset(
    "a an the of for and in on with to by from at as is are its via using under over into or".split()
)
_ENGLISH_VENUES = (
    "Journal of {} {}|{} {} Letters|Annals of {}|{} {}|Proceedings of the {} Conference|{} Reports|"
    "Advances in {} {}|{} Notes|{}|Transactions on {}|{} Today|Acta {}"
).split("|")
_CHINESE_VENUES = (
    "{}学报",
    "{}科学",
    "{}研究",
    "{}通报",
    "{}杂志",
    "{}与{}",
    "中国{}",
    "{}",
    "{}进展",
    "{}技术",
    "{}{}",
)
_TOPIC_END = re.compile(r"[的了和与及在对基于中为一种之其以]$")

_CHINESE_YEARS = (
    "{first}年 {first}年 {first}年 {first}年以来 {first}年以后 {first}年之前 {first}年以前 {first}到{last}年 "
    "{first}年至{last}年 {first}年到{last}年之间 近三年 最近五年 去年 今年 {first}年后 在{first}年"
).split()
_ENGLISH_YEARS = (
    "in {first}|in {first}|from {first}|since {first}|after {first}|before {first}|"
    "between {first} and {last}|from {first} to {last}|{first}-{last}|"
    "until {first}|in the last five years|last year|in {first} or later|"
    "from {first} onwards|during {first}|{first}"
).split("|")

Pieces = list[tuple[str, str]]
"""The text of a value in pieces, each with its tag."""


@dataclass
class SimulatedLibrary:
    """A library, and where values that it lacks come from."""

    library: Library
    papers: Sequence[Paper]
    others: Sequence[Paper]

    def value(self, slot: str, chance: random.Random, *, chinese: bool, lower: bool) -> Pieces:
        """Return a value for a slot, as a question in this language would write it."""
        if slot == "years":
            return [(_years(chance, chinese=chinese), "wording")]
        if slot == "year":
            return [(f"{chance.randint(1990, 2026)}{'年' if chinese else ''}", "wording")]
        if slot == "n":
            return [
                (chance.choice("两三四五" if chinese else ["two", "three", "five", "3", "10"]), "wording")
            ]
        if slot == "lang":
            names = ["中文", "英文", "中文", "英语"] if chinese else ["Chinese", "English", "Mandarin"]
            return [(chance.choice(names), "wording")]
        if slot == "author":
            return self._author(chance, chinese=chinese, lower=lower)
        paper = self._paper(chance, self.papers, chinese)
        if slot == "title":
            return [(_quoted(paper.title or "", chance, chinese=chinese), "wording")]
        if slot == "venue":
            pool = self.others if chance.random() < UNKNOWN else self.papers
            venue = self._paper(chance, pool, chinese).venue or ""
            text = _quoted(venue, chance, chinese=chinese) if chinese and chance.random() < 0.4 else venue
            return [(text.lower() if lower else text, "venue")]
        pool = self.others if chance.random() < 0.3 else self.papers
        text = _topic(self._paper(chance, pool, chinese), chance, lower=lower)
        return [(_quoted(text, chance, chinese=chinese) if chance.random() < 0.05 else text, "topic")]

    def _paper(self, chance: random.Random, pool: Sequence[Paper], chinese: bool) -> Paper:
        language = "zh" if chinese != (chance.random() < 0.06) else "en"
        return chance.choice(
            [paper for paper in chance.sample(pool, min(60, len(pool))) if paper.language == language]
        )

    def _author(self, chance: random.Random, *, chinese: bool, lower: bool) -> Pieces:
        pool = self.others if chance.random() < UNKNOWN else self.papers
        name = chance.choice(self._paper(chance, pool, chinese).authors)
        if re.search(r"[\u3400-\u9fff]", name):
            after = chance.choice(["等人", "老师", "教授", "等", "博士"]) if chance.random() < 0.12 else ""
            return [(name, "author"), (after, "wording")]
        first, _, last = name.rpartition(" ")
        forms = (
            [name, last, last, last, f"{last}, {first}", f"{first[:1]}. {last}", f"{last} {first[:1]}"]
            if first
            else [name]
        )
        text = chance.choice(forms)
        if lower:
            return [(text.lower(), "author")]
        before = chance.choice(["Dr. ", "Prof. ", "Professor ", "Dr "]) if chance.random() < 0.06 else ""
        after = chance.choice([" et al.", " and colleagues"]) if chance.random() < 0.06 else ""
        return [(before, "wording"), (text, "author"), (after, "wording")]


def simulated_libraries() -> list[SimulatedLibrary]:
    """Return libraries of several sizes, each with as many papers that it lacks."""
    chance = random.Random(0)
    papers = list(_papers(chance))
    chance.shuffle(papers)
    found = []
    for size in SIZES:
        own, others = papers[:size], papers[size : size + max(size, 600)]
        found.append(SimulatedLibrary(Library(own), own, others))
        papers = papers[size + max(size, 600) :]
    return found


def _papers(chance: random.Random) -> list[Paper]:
    count = 2 * sum(max(size, 600) for size in SIZES) * 3 // 4
    found = []
    for number, row in zip(range(count), records("arxiv_50k"), strict=False):
        names = tuple(name.strip() for name in row["author_text"].split(","))
        source, year = (Source("arxiv", number),), int(row["created"][:4])
        found.append(
            Paper(
                f"a{number}",
                "",
                "en",
                source,
                row["title"],
                names,
                year,
                venue=_venue(chance, row["title"], "en"),
            )
        )
    for number, row in enumerate(records("csl_zh/papers")):
        chinese = tuple(_han_name(chance) for _ in range(3))
        source = (Source("csl", number),)
        found.append(
            Paper(
                f"c{number}",
                "",
                "zh",
                source,
                row["title"],
                chinese,
                2015,
                venue=_venue(chance, row["title"], "zh"),
            )
        )
    return found


def _han_name(chance: random.Random) -> str:
    double = chance.random() < 0.02
    surname = chance.choice(["欧阳", "司马", "上官", "诸葛"]) if double else chance.choice(SURNAMES)
    return surname + "".join(chance.sample(MORE_GIVEN, chance.choice((1, 2, 2))))


def _venue(chance: random.Random, title: str, language: str) -> str:
    if language == "zh":
        parts = re.findall(r"[\u4e00-\u9fff]{2,}", title) or ["科技"]
        pairs = [part[at] for part in parts for at in (slice(2), slice(-2, None))]
        form = chance.choice(_CHINESE_VENUES)
        return form.format(*(chance.choice(pairs) for _ in range(form.count("{}"))))
    words = [w.capitalize() for w in re.findall(r"[a-zA-Z]{4,}", title) if w.lower() not in _SMALL] or [
        "Science"
    ]
    form = chance.choice(_ENGLISH_VENUES)
    return form.format(*(chance.choice(words) for _ in range(form.count("{}"))))


def _topic(paper: Paper, chance: random.Random, *, lower: bool) -> str:
    """Return a part of a title that begins and ends with a word of content."""
    title = paper.title or ""
    if paper.language == "zh":
        runs = [run for run in re.split(r"[^\u4e00-\u9fffA-Za-z0-9]+", title) if len(run) > 1] or [title]
        run = chance.choice(runs)
        length = min(len(run), chance.choice((2, 2, 3, 4, 4, 5, 6, 8)))
        start = chance.randint(0, len(run) - length)
        return _TOPIC_END.sub("", run[start : start + length]) or run[:4]
    words = re.findall(r"[^\s:;,()?!\"$\\]+", title) or ["light"]
    for _ in range(20):
        length = chance.choice((1, 1, 2, 2, 2, 3, 3, 4, 5))
        start = chance.randrange(max(1, len(words) - length + 1))
        part = words[start : start + length]
        if not {part[0].lower(), part[-1].lower()} & _SMALL:
            break
    text = " ".join(part)
    article = "the " if chance.random() < 0.08 else ""
    return article + (text.lower() if lower or chance.random() < 0.8 else text)


def _quoted(text: str, chance: random.Random, *, chinese: bool) -> str:
    if chinese:
        return chance.choice([f"《{text}》", f"《{text}》", f"“{text}”", text])
    return chance.choice([f'"{text}"', f"“{text}”", text])


def _years(chance: random.Random, *, chinese: bool) -> str:
    first = chance.randint(1990, 2022)
    last = first + chance.randint(1, 4)
    forms = _CHINESE_YEARS if chinese else _ENGLISH_YEARS
    return chance.choice(forms).format(first=first, last=last)
