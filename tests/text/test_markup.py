import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.text.cleaning import clean_text

MATH = '<mml:math xmlns:mml="http://www.w3.org/1998/Math/MathML">{}</mml:math>'
POWER = "<mml:msup><mml:mn>10</mml:mn><mml:mn>7</mml:mn></mml:msup>"


@pytest.mark.parametrize(
    ("dirty", "clean"),
    [
        ("10<sup>7</sup> cells", "10^7 cells"),
        ("10<sup>-3</sup>M", "10^-3M"),
        ("2<sup>3</sup>7 is no 2<sup>37</sup>", "2^3 7 is no 2^37"),
        ("H<sub>2</sub>SO<sub>4</sub> and Ca(OH)<sub>2</sub>", "H2SO4 and Ca(OH)2"),
        ("PM<sub>2.5</sub>, IC<sub>50</sub>", "PM2.5, IC50"),
        ("log<sub>2</sub>8, y<sub>i</sub>, t<sub>1/2</sub>", "log_2 8, y_i, t_(1/2)"),
        ("<jats:p>Leaves <jats:italic>wilt</jats:italic>.</jats:p><jats:p>Roots do not.</jats:p>", "Leaves wilt. Roots do not."),
        ("<jats:title>Abstract</jats:title><jats:p>Leaves wilt.</jats:p>", "Leaves wilt."),
        ("<h4>Aim</h4>To wilt.<h4>Results:</h4>Wilted.", "Aim: To wilt. Results: Wilted."),
        ("<ul><li>red leaves</li><li>blue leaves</li></ul>end", "red leaves; blue leaves end"),
        ("a<br/>b<p>c", "a b c"),
        ("&lt;p&gt;twice &amp;lt;i&amp;gt;escaped&amp;lt;/i&amp;gt;&lt;/p&gt;", "twice escaped"),
        ('<a href="http://x.example/?a=1">Leaf</a> <span class="x">bed</span>', "Leaf bed"),
        ('<named-content content-type="species">Acer</named-content> wilts', "Acer wilts"),
        ("wilts <!-- not yet --> soon", "wilts soon"),
    ],
)  # fmt: skip
def test_markup_is_read(dirty: str, clean: str) -> None:
    assert clean_text(dirty) == clean


@pytest.mark.parametrize(
    "text",
    [
        *[
            "if p<0.05 and q>3",
            "a<b>c",
            "the <mask> token",
            "between <s> and </s>",
            "x < y > z",
            "vector<int> of ints",
        ],
        *["<think>wait</think>", "1<i>2"],
    ],
)
def test_what_is_no_markup_stays(text: str) -> None:
    assert clean_text(text) == text


@pytest.mark.parametrize(
    ("inner", "clean"),
    [
        (POWER, "10^7"),
        (f"<mml:semantics>{POWER}<mml:annotation encoding='application/x-tex'>10^7</mml:annotation></mml:semantics>", "10^7"),
        ("<mml:mn>6.1</mml:mn><mml:mo>wt%</mml:mo>", "6.1 wt%"),
        ("<mml:mi>p</mml:mi><mml:mo>=</mml:mo><mml:mn>0.03</mml:mn>", "p = 0.03"),
        ("<mml:msub><mml:mi>x</mml:mi><mml:mi>i</mml:mi></mml:msub>", "x_i"),
        ("<mml:msubsup><mml:mi>x</mml:mi><mml:mn>1</mml:mn><mml:mn>2</mml:mn></mml:msubsup>", "x_1^2"),
        ("<mml:mfrac><mml:mn>3</mml:mn><mml:mrow><mml:mi>a</mml:mi><mml:mo>+</mml:mo><mml:mi>b</mml:mi></mml:mrow></mml:mfrac>", "3/(a + b)"),
        ("<mml:msqrt><mml:mn>2</mml:mn></mml:msqrt>", "√2"),
        (f"\n  <mml:mrow>\n  {POWER}\n  </mml:mrow>\n", "10^7"),
    ],
)  # fmt: skip
def test_a_formula_is_read_once(inner: str, clean: str) -> None:
    assert clean_text(f"at {MATH.format(inner)} there") == f"at {clean} there"
    assert clean_text(f"at {MATH.format(inner).replace('mml:', '')} there") == f"at {clean} there"


def test_a_formula_in_two_forms_is_read_once() -> None:
    both = "<jats:inline-formula><jats:alternatives><jats:tex-math>$$10^{{7}}$$</jats:tex-math>{}</jats:alternatives></jats:inline-formula>"
    assert clean_text(f"n is {both.format(MATH.format(POWER))}.") == "n is 10^7."
    document = r"n is \documentclass[12pt]{minimal} \usepackage{amsmath} \begin{document}$$10^{7}$$\end{document} large"
    assert clean_text(document) == "n is $$10^{7}$$ large"


@pytest.mark.parametrize(
    ("dirty", "clean"),
    [
        (r"G\"odel, Mari\'c, Erd\H{o}s, Ho\v{r}ava, Poincar{\'e}, na\"{\i}ve", "Gödel, Marić, Erdős, Hořava, Poincaré, naïve"),
        (r"M{\o}ller, \L{}ojasiewicz, \AA ngstr\"om, Stra{\ss}e, {\aa}r", "Møller, Łojasiewicz, Ångström, Straße, år"),
        (r"rose by 7.5\% in R\&D", "rose by 7.5% in R&D"),
        (r"of 1.7~GB at $p=0.1$, 5~10 \% of Fig.~3", "of 1.7 GB at $p=0.1$, 5~10 % of Fig. 3"),
        (r"H$_2$O, CO$_{2}$, 10$^{7}$ cm$^{-2}$", "H2O, CO2, 10^7 cm^-2"),
        (r"the rate $\frac{\'a}{b} \% x_{10}$ and \emph{it}", r"the rate $\frac{\'a}{b} \% x_{10}$ and \emph{it}"),
        (r"costs $5 and $7", "costs $5 and $7"),
    ],
)  # fmt: skip
def test_tex_accents_and_escapes_outside_formulas(dirty: str, clean: str) -> None:
    assert clean_text(dirty) == clean


TAGS = [
    "sup",
    "sub",
    "p",
    "b",
    "i",
    "li",
    "ul",
    "h4",
    "mml:math",
    "mml:msup",
    "mml:mfrac",
    "mml:mn",
    "jats:title",
    "alternatives",
    "annotation",
    "a",
    "br/",
]
PIECES = st.sampled_from(
    [f"<{tag}>" for tag in TAGS]
    + [f"</{tag}>" for tag in TAGS]
    + ["10", "2", "x", " ", "<", ">", "&lt;", "$", "\\'", "^", "_", "{", "}", "\\", "e"]
)


@given(st.lists(PIECES, max_size=30).map("".join))
def test_reading_markup_is_idempotent_and_leaves_no_sure_tag(text: str) -> None:
    clean = clean_text(text)
    assert clean_text(clean) == clean
    assert not re.search(r"</?(?:sup|sub|p|li|ul|h4|\w+:\w+)>", clean)


@pytest.mark.parametrize(
    "piece", ["<!--", "<sup>", "<p a a a ", "<b>", "\\(", "\\$", "$\\$", "\\documentclass\\begin{document}", "{\\'", "&lt;", "<i><b>", "\\\"", "$ "]
)  # fmt: skip
def test_hostile_repetition_takes_linear_time(piece: str) -> None:
    start = time.perf_counter()
    clean_text(piece * (60_000 // len(piece)))
    assert time.perf_counter() - start < 20
