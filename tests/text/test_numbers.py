import gzip
import itertools
import json
import re
import time
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rag.schema import LANGUAGES, Language
from rag.text.numbers import find_numbers, localise_numbers, number_values

DATA = Path(__file__).parents[3] / "shared" / "data"
UNITS = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"
UNIT_WORDS = [*UNITS.split(), "sixteen", "seventeen", "eighteen", "nineteen"]
TENS_WORDS = ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]


def values(text: str) -> list[str]:
    return [f"{n.value.normalize():f}{n.unit}{'*' if n.identifier else ''}" for n in find_numbers(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rises by 3.2% to 1,000, 1 000 and 1，000", ["3.2%", "1000", "1000", "1000"]),
        ("1.2万 = 12,000 = twelve thousand = 1.2e4 = 1.2×10^4", ["12000"] * 5),
        ("4.7e-4, 4.7 x 10-4, 4.7×10⁻⁴, 4.7 \\times 10^{-4}", ["0.00047"] * 4),
        ("10⁶ 10^{-3} 10(6)", ["1000000", "0.001", "1000000"]),
        ("the 900M Muse, 3B and 10k", ["900000000", "3000000000", "10000"]),
        ("1.5 million, 2 hundred thousand", ["1500000", "200000"]),
        ("twenty-one, three hundred and twenty one thousand", ["21", "321000"]),
        ("between one hundred and two hundred", ["100", "200"]),
        ("two and three, a million, one of the best, millions", ["2", "3", "1000000"]),
        (
            "三百二十个,两个,三种,两千,一万二千三百,三千万,一千零五",
            ["320", "2", "3", "2000", "12300", "30000000", "1005"],
        ),
        ("二〇一九年,三点二,百分之三十,百分之3.5,12个百分点", ["2019", "3.2", "30%", "3.5%", "12%"]),
        ("3亿 1.2 万 3百 5千克 ３２．５％", ["300000000", "12000", "300", "5", "32.5%"]),
        ("四川的一些人十分努力,万一,三分之一,数百万", []),
        ("生成四种变体,以上三种方法,上百种,数十种", ["4", "3"]),
        ("CIFAR-10/100 ResNet-50 VGNetG-1.0MP GPT3 v2 3D", ["10*", "100*", "50*", "1*", "3*", "2*", "3*"]),
        ("https://a.b/123 10.1186/s13756-018 CO₂ R^2", ["123*", "10.1186*", "13756*", "18*", "2*", "2*"]),
        ("3x3, 224×224, 50ms, 5MB", ["3", "3", "224", "224", "50", "5"]),
        ("1.4-2.8, -0.5, (−3.2), +4.2%, p<.05, 3·2%", ["1.4", "2.8", "-0.5", "-3.2", "4.2%", "0.05", "3.2%"]),
        ("in 2019 300 patients", ["2019", "300"]),
        ("TinyMIM达到79.6%提高了4.1", ["79.6%", "4.1"]),
        ("Forty‐four of 8‐year olds", ["44", "8"]),
        ("1e999999999", ["1*", "999999999*"]),
        ("$T=512\\pm38\\,\\mu$K, $\\sim12$ K, v\\_3", ["512", "38", "12", "3*"]),
        (
            "9.5kg/640m2, 1.2t/hm2, 30cm3; 640m25",
            ["9.5", "640", "2*", "1.2", "2*", "30", "3*", "640*", "25*"],
        ),
        ("有三大作用,两大原因,一大进步", ["3", "2"]),
    ],
)
def test_values(text: str, expected: list[str]) -> None:
    assert values(text) == expected


def test_identifiers_are_counted_on_request_only() -> None:
    text = "ResNet-50 gains 4.1 on CIFAR-10"
    assert number_values(text) == Counter({Decimal("4.1"): 1})
    assert number_values(text, identifiers=True) == Counter(map(Decimal, ("50", "4.1", "10")))


@given(st.integers(0, 10**15), st.sampled_from(["{}", "{:,}", "约{}个", "n={}.", "({})", "从{}到"]))
def test_integers_round_trip(value: int, form: str) -> None:
    assert number_values(form.format(value)) == Counter({Decimal(value): 1})


@given(st.decimals(-(10**6), 10**6, places=3))
def test_decimals_round_trip(value: Decimal) -> None:
    assert [n.value for n in find_numbers(f"is {value}%")] == [value]


@given(st.integers(2, 999_999_999))
def test_english_words_round_trip(value: int) -> None:
    assert number_values(f"exactly {english(value)} mice") == Counter({Decimal(value): 1})


@given(st.integers(10, 99_999_999))
def test_chinese_numerals_round_trip(value: int) -> None:
    assert number_values(f"共有{chinese(value)}个样本") == Counter({Decimal(value): 1})


@given(
    st.integers(1, 9999), st.sampled_from([("万", 10**4), ("亿", 10**8), ("k", 1000), (" million", 10**6)])
)
def test_scaled_round_trip(value: int, scale: tuple[str, int]) -> None:
    assert number_values(f"有{value}{scale[0]}。") == Counter({Decimal(value * scale[1]): 1})


@given(
    st.text(
        st.sampled_from("0123456789.,-+eExX×10^{}()%万亿百千十一二两点零 kMBaandtwohundredthousand·⁰⁻第维")
    )
)
def test_spans_are_in_order_and_never_overlap(text: str) -> None:
    found = find_numbers(text)
    assert all(0 <= n.start < n.end <= len(text) for n in found)
    assert all(a.end <= b.start for a, b in itertools.pairwise(found))


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    find_numbers(text)


@pytest.mark.skipif(not (DATA / "arxiv_50k.jsonl.gz").is_file(), reason="../shared/data/arxiv_50k is absent")
def test_a_thousand_abstracts_take_under_two_seconds() -> None:
    with gzip.open(DATA / "arxiv_50k.jsonl.gz", "rt", encoding="utf-8") as lines:
        abstracts = [json.loads(line)["abstract"] for line in itertools.islice(lines, 1000)]
    started = time.process_time()
    for abstract in abstracts:
        find_numbers(abstract)
    assert time.process_time() - started < 2


def english(value: int) -> str:
    for scale, word in ((10**6, "million"), (1000, "thousand"), (100, "hundred")):
        if value >= scale:
            high, low = divmod(value, scale)
            return f"{english(high)} {word}" + (
                f" and {english(low)}" if 0 < low < 100 else f" {english(low)}" if low else ""
            )
    if value < 20:
        return UNIT_WORDS[value]
    return TENS_WORDS[value // 10] + (f"-{UNIT_WORDS[value % 10]}" if value % 10 else "")


def chinese(value: int) -> str:
    digits = "零一二三四五六七八九"
    if value >= 10**4:
        high, low = divmod(value, 10**4)
        gap = "零" if 0 < low < 1000 else ""
        return f"{chinese(high)}万{gap}{chinese(low) if low else ''}"
    text, gap = "", False
    for place, mark in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit, value = divmod(value, place)
        if digit:
            text += ("零" if gap and text else "") + digits[digit] + mark
        gap = not digit
    return text


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("超过1100万帧", "en", "超过11,000,000帧"),
        ("1.2亿参数和3万样本", "en", "120,000,000参数和30,000样本"),
        (
            "It has 1.5 billion parameters, 7,000 units.",
            "zh",
            "It has 15亿 parameters, 7,000 units.",
        ),
        ("three hundred thousand", "zh", "30万"),
        (
            "1亿2000万元, 2-3万样本, 3万5千条, 百分之三万",
            "en",
            "1亿2000万元, 2-3万样本, 3万5千条, 百分之三万",
        ),
        (
            "7, 13 and 70 billion parameters, 2 to 3 million",
            "zh",
            "7, 13 and 70 billion parameters, 2 to 3 million",
        ),
        (
            "the One Billion Word Benchmark, 2.5 million percent",
            "zh",
            "the One Billion Word Benchmark, 2.5 million percent",
        ),
        ("It has 1.5 billion parameters.", "en", "It has 1.5 billion parameters."),
        ("超过1100万帧", "zh", "超过1100万帧"),
    ],
)
def test_a_scale_of_the_other_language_is_written_in_this_ones(
    text: str, language: Language, expected: str
) -> None:
    assert localise_numbers(text, language) == expected


@given(st.text(), st.sampled_from(LANGUAGES))
def test_another_scale_changes_no_text_that_has_no_scale(text: str, language: Language) -> None:
    if not re.search("[万萬亿億]|thousand|[mbtr]illion", text, re.IGNORECASE):
        assert localise_numbers(text, language) == text


@given(
    st.lists(
        st.sampled_from(["1", "20", "万", "亿", " million", "-", " to ", "三", ",", "和", "%", " x"]),
        max_size=9,
    )
)
@example([" million", "三", "万"])
@example(["-", "三", "万"])
@example(["1", "万", ",", "1", "20"])
def test_another_scale_changes_no_value(pieces: list[str]) -> None:
    text = "".join(pieces)
    for language in LANGUAGES:
        assert number_values(localise_numbers(text, language)) == number_values(text)
