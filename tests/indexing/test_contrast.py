import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.indexing.dedup.boilerplate import strip_boilerplate
from rag.indexing.dedup.contrast import contrast_tokens, find_contrast, number_sequence

BODY = "We show that copper surfaces kill bacteria on wards."


@pytest.mark.parametrize(
    ("first", "second", "kind"),
    [
        ("accuracy rises by 3.2% on X", "accuracy rises by 3.4% on X", "number"),
        ("从 3 到 5", "从 5 到 3", "number"),
        ("有一千人", "有两千人", "number"),
        ("Part I of the study", "Part II of the study", "number"),
        ("tested on CIFAR-10", "tested on CIFAR-100", "number"),
        ("It does improve accuracy", "It does not improve accuracy", "negation"),
        ("this is good", "this isn't good", "negation"),
        ("A fails while B does not fail", "A does not fail while B fails", "negation"),
        ("supervised", "unsupervised", "negation"),
        ("significant", "insignificant", "negation"),
        ("方法有效", "方法无效", "negation"),
        ("网络能收敛", "网络不能收敛", "negation"),
        ("It increases speed", "It decreases speed", "direction"),
        ("a higher value", "a lower value", "direction"),
        ("该方法提高了准确率", "该方法降低了准确率", "direction"),
        ("误差高于基线", "误差低于基线", "direction"),
        ("patients with hypertension", "patients with hypotension", "direction"),
        ("samples taken before exercise", "samples taken after exercise", "direction"),
        ("infection of the left lung", "infection of the right lung", "direction"),
        ("研究了男性患者", "研究了女性患者", "direction"),
        ("乙型肝炎病毒", "丙型肝炎病毒", "direction"),
        ("We trained it on Kinetics and tested it.", "We trained it on Charades and tested it.", "name"),
        ("mutations in the NRAS gene", "mutations in the HRAS gene", "name"),
        ("children given warfarin slept", "children given melatonin slept", "name"),
        ("a survey of farms in Kenya", "a survey of farms in Ghana", "name"),
        ("hepatitis B in newborns", "hepatitis E in newborns", "name"),
        ("本文在MNIST上验证", "本文在Omniglot上验证", "name"),
        ("对成都市居民的调查", "对哈尔滨市居民的调查", "name"),
        (
            "Mice got warfarin. We then saw that warfarin was safe in all of them.",
            "Mice got melatonin. We saw at once that melatonin was safe in them.",
            "name",
        ),
    ],
)
def test_contrasts(first: str, second: str, kind: str) -> None:
    assert find_contrast(first, second) == kind
    assert find_contrast(second, first) == kind


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("有1.2万个样本", "有12000个样本"),
        ("twelve thousand mice", "12,000 mice"),
        ("It increases speed", "It incresaes speed"),
        ("It increases speed", "It improves speed"),
        ("cm² and CO₂", "cm2 and CO2"),
        ("we study it", "we studied it"),
        ("该方法不同于其他", "该方法异于其他"),
        ("a large data set of tumours", "a large dataset of tumors"),
        ("the α-synuclein of 5 μmol", "the alpha-synuclein of 5 micromol"),
        ("a farm near Zürich", "a farm near Zurich"),
        ("We showed, in brief, that it works on cats", "We demonstrated that it works well on cats"),
        ("WE TESTED COPPER SURFACES ON WARDS", "We tested copper surfaces on wards"),
        ("坚固的方法", "牢固的方法"),
        ("two LSTMs were trained", "two LSTM were trained"),
    ],
)
def test_no_contrast(first: str, second: str) -> None:
    assert find_contrast(first, second) is None


@given(st.text(max_size=80), st.text(max_size=80))
def test_contrast_is_reflexive_and_numbers_are_those_of_the_tokens(first: str, second: str) -> None:
    assert find_contrast(first, first) is None
    assert number_sequence(first) == tuple(token for token in contrast_tokens(first) if token.startswith("#"))
    if number_sequence(first) != number_sequence(second):
        assert find_contrast(first, second) is not None


@pytest.mark.parametrize(
    "text",
    [
        f"{BODY} © 2012 Elsevier Ltd. All rights reserved.",
        f"{BODY} Copyright © 2015 Association for Infection Control, Inc. Published by Elsevier Inc.",
        f"{BODY} (C) 2017 The Authors.",
        f"© 2017 Elsevier Inc. {BODY}",
        f"Background: {BODY}",
        f"{BODY} translated by 谷歌翻译",
        f"{BODY} All rights reserved.",
        BODY,
    ],
)
def test_boilerplate_goes_and_the_text_stays(text: str) -> None:
    assert strip_boilerplate(text) == BODY


@pytest.mark.parametrize(
    "text", ["(a) x, (b) y and (c) z.", "© 2012 Elsevier.", "The results: 3 of 5 agreed.", ""]
)
def test_what_is_no_boilerplate_stays(text: str) -> None:
    assert strip_boilerplate(text) == text


def test_chinese_headings_go() -> None:
    assert strip_boilerplate("目的：研究铜表面。方法：做了试验。") == "研究铜表面。 做了试验。"
