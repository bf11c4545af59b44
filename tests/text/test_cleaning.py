import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.text.cleaning import NORMALISATION_VERSION, clean_text, normalise, paper_id

PIECES = [
    *[
        "&",
        "amp;",
        "&lt;",
        "& lt ;",
        "<",
        "<sup>",
        "</sup>",
        "<p>",
        "</p>",
        "Ã©",
        "â€™",
        "\xa0",
        "\u200b",
        "视",
    ],
    *[
        "\n",
        " ",
        "\\alpha",
        "$",
        "&#",
        "39;",
        "ﬁ",
        "\u0301",
        "\x80",
        "\ufeff",
        "，",
        "１",
        "\x00",
        "\ud800",
        "R¸",
    ],
]
messy = st.text() | st.lists(st.sampled_from(PIECES)).map("".join)


@pytest.mark.parametrize(
    ("dirty", "clean"),
    [
        ("caf\u00c3\u00a9", "café"),
        ("cafe\u0301", "café"),
        ("p &lt; 0.05 &amp;amp; q & gt ; 1", "p < 0.05 & q > 1"),
        ("R&D at AT&T", "R&D at AT&T"),
        ("10<sup>6</sup> of CO<sub>2</sub>, a<b>c", "10^6 of CO2, a<b>c"),
        ("zero\u200bwidth\ufeff soft\u00adhyphen", "zerowidth softhyphen"),
        ("bell\x07 and null\x00", "bell and null"),
        ("a  b\r\n\tc\u00a0d", "a b c d"),
        ("视觉\n识别", "视觉识别"),
        ("“数据”，１２", "“数据”，１２"),
        (r"$\alpha & \beta \\ x<y$, \textit{S}\&P", r"$\alpha & \beta \\ x<y$, \textit{S}&P"),
        ("eﬃcient", "efficient"),
        ("bad \ud800 surrogate", "bad \ufffd surrogate"),
        ("x\x1b[31mred\x1b[0m", "xred"),
    ],
)
def test_repairs(dirty: str, clean: str) -> None:
    assert clean_text(dirty) == clean


@given(messy)
def test_cleaning_is_idempotent_and_one_line(text: str) -> None:
    clean = clean_text(text)
    assert clean_text(clean) == clean
    assert clean == clean.strip()
    assert "\n" not in clean
    clean.encode()


LATIN_HAN_GREEK = (
    st.characters(max_codepoint=0x7E, exclude_characters="<&\x1b")
    | st.characters(min_codepoint=0x391, max_codepoint=0x3C9, categories=["L"])
    | st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF)
)


# The letters of the corpus's two languages and of their formulas; ftfy may take a row of accented Latin
# letters ("Łµ") for mis-decoded text.
@given(st.text(LATIN_HAN_GREEK))
def test_english_chinese_and_greek_survive(text: str) -> None:
    assert normalise(clean_text(text)) == normalise(text)


@given(messy)
def test_normalising_is_idempotent(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Deep  Learning", "deep\nlearning"),
        ("ＡＢＣ，１２", "abc,12"),
        ("视觉 识别", "视觉识别"),
        ("state–of–the–art", "state-of-the-art"),
        ("“x” isn’t", '"x" isn\'t'),
        ("zero\u200bwidth", "zerowidth"),
        ("Straße", "STRASSE"),
        ("5 %", "5%"),
        ("10⁻⁶ m²", "10^-6 m^2"),
        ("CO₂", "CO_2"),
    ],
)
def test_same_identity(first: str, second: str) -> None:
    assert paper_id(first) == paper_id(second)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("rises by 3.2%", "rises by 3.4%"),
        ("1 2", "12"),
        ("now here", "nowhere"),
        ("x", "y"),
        ("10⁶ samples", "106 samples"),
        ("2ⁿ steps", "2n steps"),
        ("log₂8", "log28"),
        ("10⁻⁶", "10-6"),
    ],
)
def test_other_identity(first: str, second: str) -> None:
    assert paper_id(first) != paper_id(second)


def test_pinned_ids() -> None:
    """Indexes and citations hold these: a change here needs a new NORMALISATION_VERSION and a migration."""
    assert NORMALISATION_VERSION == 1
    assert paper_id("") == "e3b0c44298fc1c14"
    assert paper_id("We present Muse, a text-to-image Transformer model.") == "a986b79ce82904ef"
    assert paper_id("尖峰神经网络（SNN）是第三代人工神经网络，１００ %。") == "1711cc4691864c96"
    assert paper_id("Straße “café” — x\u0301 ≤ 3·10⁻⁴") == "844640ae51c564ed"


def test_ids_do_not_depend_on_hash_seed_or_locale() -> None:
    code = "from rag.text.cleaning import paper_id; print(paper_id('视觉 A–b'))"
    ids = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "LC_ALL": "C"},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert ids == {f"{paper_id('视觉 A–b')}\n".encode()}
