"""Foreign text as HTML: formulas become MathML, prices stay, and nothing becomes markup of its own."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ui.text.clip import clipped, head, tail
from ui.text.typeset import mathml, typeset


def formulas(text: str) -> list[str]:
    return re.findall(r'alttext="([^"]*)"', typeset(text))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("model $\\mathcal{M}_i$ of $n$", ["\\mathcal{M}_i", "n"]),
        ("$$\\frac{a}{b}$$ and \\(x^2\\)", ["\\frac{a}{b}", "x^2"]),
        ("kernels of n $ \\ times $ n", ["\\times"]),  # a blank of machine translation
        ("accurate to $\\pm$0.3 at $(t, s, v)$", ["\\pm", "(t, s, v)"]),
    ],
)
def test_formulas_become_mathml_and_say_how_they_were_written(text: str, found: list[str]) -> None:
    assert formulas(text) == found
    assert typeset(text).count("<math") == len(found)


@pytest.mark.parametrize(
    "text",
    ["It costs $5 million and $6 million.", "from $5 to $10", "$x is 5 $ more", "a $\\unknown_1$", "$\\厚度$",
     "$\\newcommand{\\a}{\\a\\a}\\a$", "${{{{{{{{{{{{{{{{{{{{{{x}}}}}}}}}}}}}}}}}}}}}}$", "$\\frac{a}$", "$"],
)  # fmt: skip
def test_what_is_no_formula_stays_as_it_was_written(text: str) -> None:
    assert typeset(text) == text


@pytest.mark.parametrize(
    "tex",
    [r"\text{<img src=x onerror=alert(1)>}", r"\href{javascript:alert(1)}{x}", "<script>x</script>",
     r"\color{red;background:url(//x.example)}{x}", r"\text{\u003cimg src=x\u003e}", r"x&lt;img src=x&gt;"],
)  # fmt: skip
def test_a_formula_becomes_no_other_markup(tex: str) -> None:
    html = mathml(tex) or ""
    drawn = html.replace(re.findall(r'alttext="[^"]*"', html)[0], "") if html else ""
    assert set(re.findall(r"</?(\w+)", drawn)) <= {"math", "mrow", "mi", "mo", "mn", "mtext", "mstyle"}
    assert not re.search(r"<[^>]*(?:href|style=|url|on\w+=)", drawn)


@given(
    st.lists(st.sampled_from([*"{}^_&x1[]<>'\"%$", "\\frac", "\\sqrt", "\\left(", "\\begin{matrix}", "\\\\"]))
)
def test_no_formula_breaks_the_page(parts: list[str]) -> None:
    html = typeset(f"${''.join(parts)}$")
    assert not re.search(r"<(?!/?m)", html)


def test_characters_that_turn_the_direction_are_left_out() -> None:
    assert typeset("gpj\u202eexe.\u2066a") == "gpjexe.a"


def test_words_are_not_cut() -> None:
    assert clipped("alpha beta, gamma", 12) == "alpha beta…"
    assert clipped("  alpha\n beta ", 12) == "alpha beta"
    assert clipped("面向高原的雪深预测", 4) == "面向高原…"
    assert clipped("w" * 50, 10) == "w" * 10 + "…"
    assert head("alpha beta", 7) == "alpha "
    assert tail("alpha beta", 7) == " beta"
