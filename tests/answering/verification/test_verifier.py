"""A sentence is held against its evidence: numbers, names and negations decide; the rest is likeness."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.answering.verification.facts import missing_names, missing_numbers, missing_proper_nouns
from rag.answering.verification.features import FEATURES, VerificationFeatures, best_matches, match_score
from rag.answering.verification.verifier import (
    Limits,
    Verdict,
    Verifier,
    VerifierModel,
    read_model,
    shipped_model,
    verifier_for,
)
from rag.embedding.alignment import Alignment, shipped_alignment
from rag.embedding.base import Embedder, Vectors
from rag.factory import configured_embedder
from rag.models import defaults as models
from rag.settings import load_settings
from rag.text.analyzer import analyze
from rag.text.language import detect_language
from rag.text.numbers import number_values
from tests.conftest import HashEmbedder
from training.verification_fit import model_json

MUSE = ("Muse is a text-to-image Transformer.", "It reaches an FID of 6.06 on CC3M with 900M parameters.")
SNOW = ("本文提出SnowNet用于雪深预测。", "它在高原数据上的误差为2.5厘米。")


Verify = Callable[..., Verdict]


def shipped(name: str) -> VerifierModel:
    model = shipped_model(name)
    assert model is not None
    return model


SHIPPED = shipped("embeddinggemma-300m")


def verify_with(embedder: Embedder, alignment: Alignment) -> Verify:
    """Return a function that embeds a sentence and its evidence, and verifies the sentence."""

    def embed(texts: Sequence[str]) -> Vectors:
        raw = embedder.embed_passages(texts)
        return alignment.apply(raw, detect_language(" ".join(texts)), "passage")

    def verify(sentence: str, evidence: Sequence[str], known: str = "") -> Verdict:
        own, rows = embed([sentence])[0], embed(evidence)
        verifier = Verifier(embedder, alignment, SHIPPED)
        return verifier.verify(sentence, evidence, vector=own, vectors=rows, known=known)

    return verify


@pytest.fixture
def verify(embedder: HashEmbedder) -> Verify:
    return verify_with(embedder, Alignment())


# --- numbers and names


@pytest.mark.parametrize(
    ("sentence", "missing"),
    [
        ("Bees were counted by the University of Ghent, Belgium.", ("University", "Ghent", "Belgium")),
        ("Paris has hives.", ()),  # how a sentence begins is no sign
        ("Hives near Roads and in Asian cities lose bees. Roads do that.", ()),
        ("It says: Counting Bees near roads.", ()),
        ("No, Bees do not.", ()),
    ],
)
def test_proper_nouns_that_are_not_in_the_evidence_are_found(sentence: str, missing: tuple[str, ...]) -> None:
    assert (
        missing_proper_nouns(sentence, ["Counts of bees in hives near roads.", "In Asia's cities."])
        == missing
    )


@pytest.mark.parametrize(
    ("sentence", "evidence", "missing"),
    [
        ("Muse reaches 6.06 with 900 million parameters.", MUSE, ()),
        ("Muse reaches 6.60.", MUSE, ("6.60",)),
        ("SnowNet errs by 2.5 cm.", SNOW, ()),
        ("SnowNet的误差为25厘米。", SNOW, ("25",)),
        ("ResNet-50 wins.", ("ResNet-500 wins.",), ()),
        ("Zero-shot depth is three-dimensional.", ("深度",), ()),
        ("Three of them grew.", ("3 grew",), ()),
        ("It tunes 10 parameters.", ("It tunes the UR10e.",), ("10",)),
        ("A MEK 1/2 inhibitor.", ("MEK1/2 is inhibited.",), ()),
    ],
)
def test_numbers_are_compared_by_value(
    sentence: str, evidence: Sequence[str], missing: tuple[str, ...]
) -> None:
    assert missing_numbers(sentence, evidence) == missing


@pytest.mark.parametrize(
    ("sentence", "evidence", "missing"),
    [
        ("T(H)2 and Th2 cells respond to IL-2.", ("Th2 responses rose with IL2.",), ()),
        ("ResNet-50 wins.", ("ResNet-500 wins.",), ("ResNet-50",)),
        ("LLMs and multi-LoRA tuning", ("An LLM with LoRA.",), ()),
        ("Muse使用GPT-4。", MUSE, ("GPT-4",)),
        ("Muse is a vision-language model.", MUSE, ()),
        ("GPT-3 won.", ("GPT-3.5 won.",), ("GPT-3",)),
        ("GPT-3.5 won.", ("GPT-3.5-turbo won.",), ()),
        ("It reaches an IoU on COCO.", ("It reaches mIoU on MSCOCO.",), ()),
        ("SAM segments.", ("The same segments.",), ("SAM",)),
        ("EO-2 won.", ("We test video 2.",), ("EO-2",)),
        ("SD v1.4 won at CVPR.", ("SD v1.4 在CVPR 2024挑战赛中获胜。",), ()),
        ("LLMs and CNNs", ("大型语言模型和卷积神经网络",), ()),
        ("LLMs and CNNs", ("卷积神经网络",), ("LLMs",)),
        ("该方法用VLM和GNN。", ("It uses vision-language models and a graph neural network.",), ()),
        ("X-Diffusion and a U-Net", ("MotionTrans uses a UNet.",), ("X-Diffusion",)),
        ("X-Diffusion优于Q-Former。", ("X-Diffusion 优于基线。",), ("Q-Former",)),
        ("该方法用VLM。", ("It uses language models.",), ("VLM",)),
        ("Students in the US", ("High schools of the United States",), ()),
        ("Students in the US", ("They united states",), ("US",)),
        ("What AI does", ("An Improved Method",), ("AI",)),
    ],
)
def test_names_are_compared_by_their_letters(
    sentence: str, evidence: Sequence[str], missing: tuple[str, ...]
) -> None:
    assert missing_names(sentence, evidence) == missing


@pytest.mark.parametrize(
    ("sentence", "evidence", "missing"),
    [
        ("EMO-5M reaches 78.4.", ["EMO-1M/2M/5M reach 71.5, 75.1 and 78.4."], ()),
        ("RevCol-XL reaches 88.2.", ["We train RevCol-L and RevCol-XL."], ()),
        ("ConvNeXt-XL reaches 88.2.", ["RevCol-XL obtains 88.2."], ("ConvNeXt",)),
        ("GPT-4 wrote it.", ["GPT-3 wrote 4 of them."], ("GPT-4",)),
    ],
)
def test_a_name_in_parts_is_there_when_all_that_say_something_are(
    sentence: str, evidence: list[str], missing: tuple[str, ...]
) -> None:
    assert missing_names(sentence, evidence) == missing


@given(st.integers(min_value=100, max_value=10**7), st.sampled_from([MUSE, SNOW]))
def test_a_number_that_the_evidence_lacks_is_never_supported(number: int, evidence: tuple[str, ...]) -> None:
    sentence = evidence[1].replace("6.06", str(number)).replace("2.5", str(number))
    verdict = verify_with(HashEmbedder(), Alignment())(sentence, evidence)
    if Decimal(number) not in number_values(" ".join(evidence), identifiers=True):
        assert verdict.missing
        assert verdict.support == "unsupported"


def test_a_repetition_is_shown_and_its_denial_is_not(verify: Verify) -> None:
    for evidence in (MUSE, SNOW):
        assert verify(evidence[1], evidence).support != "unsupported"
    denied = verify("It does not reach an FID of 6.06 on CC3M with 900M parameters.", MUSE)
    assert denied.support == "unsupported"
    assert verify("它在高原数据上的误差不是2.5厘米。", SNOW).support == "unsupported"


def test_without_evidence_nothing_is_supported(embedder: HashEmbedder) -> None:
    verifier, rows = Verifier(embedder, Alignment(), SHIPPED), embedder.embed_passages(MUSE)
    unsupported = Verdict("unsupported", 0.0)
    assert verifier.verify("Muse wins.", [], vector=rows[0], vectors=rows[:0]) == unsupported
    assert verifier.verify("  ", MUSE, vector=rows[0], vectors=rows) == unsupported


def test_numbers_and_names_of_title_and_question_count_as_stated(verify: Verify) -> None:
    sentence = "MUSE-2 reaches an FID of 6.06 on CC3M with 900M parameters in 2023."
    assert verify(sentence, MUSE).missing == ("2023", "MUSE-2")
    assert verify(sentence, MUSE, known="MUSE-2: what did it reach in 2023?").missing == ()


def test_one_text_is_embedded_at_most(embedder: HashEmbedder) -> None:
    rows = embedder.embed_passages(MUSE)
    embedder.embedded.clear()
    Verifier(embedder, Alignment(), SHIPPED).verify(MUSE[1], MUSE, vector=rows[1], vectors=rows)
    assert len(embedder.embedded) <= 1


def test_evidence_is_what_shares_numbers_and_terms() -> None:
    terms, numbers = frozenset(analyze("Bees fly 30 km.")), frozenset([Decimal(30)])
    candidates = ["Bees fly.", "Bees fly 30 km.", "Code is online.", "Wasps sleep.", "Hives are warm."]
    scores = [
        match_score(0.5, terms, set(analyze(text)), numbers, number_values(text).keys())
        for text in candidates
    ]
    assert best_matches(scores)[:2] == [1, 0]
    assert len(best_matches(scores)) == 3
    assert best_matches([]) == []


# --- the fitted model


def findings(**changes: object) -> VerificationFeatures:
    return replace(VerificationFeatures(np.zeros(len(FEATURES)), (), (), False, False), **changes)


def test_the_shipped_model_is_plain_json_that_reads_back_the_same() -> None:
    written = model_json(SHIPPED)
    assert model_json(read_model(json.loads(json.dumps(written)))) == written
    with pytest.raises(ValueError, match="version"):
        read_model(written | {"version": 99})


@given(st.lists(st.floats(-3, 3) | st.just(float("nan")), min_size=len(FEATURES), max_size=len(FEATURES)))
def test_any_features_give_a_share_and_a_rule_always_wins(values: list[float]) -> None:
    model, row = SHIPPED, np.array(values)
    for cross in (False, True):
        plain = model.judge(findings(features=row, cross=cross))
        assert 0 <= plain.score <= 1
        for change in ({"numbers": ("7",)}, {"reversed": True}):
            refuted = model.judge(findings(features=row, cross=cross, **change))
            assert refuted.support == "unsupported"
            assert refuted.score <= plain.score


def test_limits_name_the_verdict() -> None:
    limits = Limits(supported=0.8, weak=0.3)
    given_ = [limits.judge(score, findings()) for score in (0.1, 0.3, 0.8)]
    assert given_ == ["unsupported", "weak", "supported"]
    assert limits.judge(1.0, findings(numbers=("7",))) == "unsupported"
    assert limits.judge(1.0, findings(names=("GPT-4",))) == "weak"


# --- with the default embedder


@pytest.fixture(scope="module")
def real() -> Verify:
    embedder = configured_embedder(load_settings(), fetch=True)
    return verify_with(embedder, shipped_alignment(embedder.name))


REVCOL = (
    "We propose RevCol, a network of several copies of one subnetwork with reversible connections between"
    " them.",
    "RevCol reaches 88.2% top-1 accuracy on ImageNet-1K after pre-training on ImageNet-22K.",
    "It does not lose information as it goes forward, in contrast to conventional networks.",
)
QUAKES = (
    "本文提出一种用于地震预警的图神经网络。",
    "与传统方法相比,该模型将误报率降低了35%,并且无需人工标注的到时。",
    "在12个台站的数据上,模型可以在4秒内发出警报。",
)


@pytest.mark.models
@pytest.mark.parametrize(
    ("sentence", "evidence"),
    [
        ("RevCol reaches a top-1 accuracy of 88.2% on ImageNet-1K.", REVCOL),
        ("RevCol does not lose information as it goes forward.", REVCOL),
        ("RevCol在ImageNet-1K上的top-1准确率达到88.2%。", REVCOL),
        ("该模型将误报率降低了35%。", QUAKES),
        ("在12个台站上,模型可以在4秒内发出警报。", QUAKES),
        ("The model lowers the false alarm rate by 35% compared with traditional methods.", QUAKES),
    ],
)
def test_a_true_sentence_is_shown(real: Verify, sentence: str, evidence: Sequence[str]) -> None:
    assert real(sentence, evidence).support != "unsupported"


@pytest.mark.models
@pytest.mark.parametrize(
    ("sentence", "evidence"),
    [
        ("RevCol reaches a top-1 accuracy of 82.8% on ImageNet-1K.", REVCOL),
        ("RevCol loses information as it goes forward.", REVCOL),
        ("RevCol does not reach 88.2% top-1 accuracy on ImageNet-1K.", REVCOL),
        ("RevCol在ImageNet-1K上的top-1准确率达到82.8%。", REVCOL),
        ("该模型将误报率降低了53%。", QUAKES),
        ("该模型将误报率提高了35%。", QUAKES),
        ("在12个台站上,模型不能在4秒内发出警报。", QUAKES),
        ("The model lowers the false alarm rate by 53% compared with traditional methods.", QUAKES),
    ],
)
def test_a_changed_number_or_negation_is_not_shown(
    real: Verify, sentence: str, evidence: Sequence[str]
) -> None:
    assert real(sentence, evidence).support == "unsupported"


@pytest.mark.models
def test_another_subject_is_not_shown(real: Verify) -> None:
    assert real("Transformers are pre-trained on large text corpora.", QUAKES).support == "unsupported"
    assert real("蜜蜂在农田中的数量减少。", REVCOL).support == "unsupported"


def test_another_embedding_model_is_held_to_the_rules_alone(embedder: HashEmbedder) -> None:
    for name in models.names("embedder"):
        assert isinstance(verifier_for(name, embedder, Alignment()), Verifier)
    by_rule = verifier_for("another-model", embedder, Alignment())
    rows = embedder.embed_passages(MUSE)
    for sentence, support in (("It reaches 6.06.", "weak"), ("It reaches 6.60.", "unsupported")):
        verdict = by_rule.verify(sentence, MUSE, vector=embedder.embed_query(sentence)[0], vectors=rows)
        assert verdict.support == support
    known = by_rule.verify("It has 12 layers.", MUSE, vector=rows[0], vectors=rows, known="12 layers")
    assert known.support == "weak"
