"""Measure where the list of papers on a topic should end: `python -m benchmarks.topics`.

It uses 500 papers of ../shared/data/bilingual_arxiv/train, each in one language, and topics in both.
A paper is on a topic if a pattern matches its English title or abstract. For each pair of cuts it prints mean
precision, recall and F1 over topics, for all papers and for those in the other language. It also counts how
many absent topics list a paper.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.common import (
    ABSTRACTS,
    PAPERS,
    SEED,
    sample,
    stored_language,
)
from rag.embedding.alignment import shipped_alignment
from rag.embedding.base import Vectors
from rag.factory import configured_embedder
from rag.schema import LANGUAGES, Language
from rag.settings import load_settings
from rag.text.analyzer import analyze, analyze_document
from training.sentence_vectors import KeptVectors

TAKEN = 500
OWN_CUTS = (0.22, 0.25, 0.28, 0.30, 0.33, 0.36, 2.0)
OTHER_CUTS = (0.15, 0.18, 0.20, 0.22, 0.25, 0.28, 0.32)
Mask = NDArray[np.bool_]

TOPICS = """
quantization|量化|quanti[sz]
federated learning|联邦学习|federated
diffusion models|扩散模型|diffusion
graph neural networks|图神经网络|graph neural|\\bGNN
reinforcement learning|强化学习|reinforcement learning
speech recognition|语音识别|speech recognition|\\bASR\\b
object detection|目标检测|object detect
medical imaging|医学图像|medical imag|\\bMRI\\b|radiolog|x-ray
adversarial attacks|对抗攻击|adversarial (?:attack|example|robust|perturb)
recommender systems|推荐系统|recommend(?:er|ation)
continual learning|持续学习|continual learning|catastrophic forgetting|lifelong
autonomous driving|自动驾驶|autonomous (?:driving|vehic)|self-driving
time series forecasting|时间序列预测|time[- ]series
knowledge distillation|知识蒸馏|distill
contrastive learning|对比学习|contrastive
semantic segmentation|语义分割|segmentation
robot manipulation|机器人操作|manipulation|grasp
code generation|代码生成|code generation|program synthesis
hallucination|幻觉|hallucinat
privacy|隐私|privacy
fairness|公平性|fairness
causal inference|因果推断|causal
point clouds|点云|point cloud
video generation|视频生成|video generation|text-to-video|video diffusion
question answering|问答|question[- ]answering
spiking neural networks|脉冲神经网络|spiking
backdoor attacks|后门攻击|backdoor
proteins|蛋白质|protein
climate|气候|climat
sentiment analysis|情感分析|sentiment
vision transformers|视觉Transformer|vision transformer|\\bViT
optimal transport|最优传输|optimal transport|wasserstein
music|音乐|music
anomaly detection|异常检测|anomal
molecules|分子|molecul
retrieval-augmented generation|检索增强生成|retrieval[- ]augmented|\\bRAG\\b
education|教育|educat|student
""".strip().splitlines()
ABSENT = """
honey bees|蜜蜂
quantum gravity|量子引力
medieval history|中世纪历史
volcanoes|火山
gardening|园艺
tax law|税法
otters|水獭
monetary policy|货币政策
football|足球
pottery|陶瓷器
""".strip().splitlines()


@dataclass(frozen=True)
class TopicQuery:
    """One topic in one language, with one entry per paper in each array."""

    other: Mask
    cosines: Vectors
    has_terms: Mask
    truth: Mask

    def listed(self, own: float, other: float) -> Mask:
        """Return the papers that these cuts list."""
        result: Mask = self.has_terms | (self.cosines >= np.where(self.other, other, own))
        return result


def main() -> None:
    """Print a line for each pair of cuts."""
    embedder = configured_embedder(load_settings(), fetch=True)
    rows = sample("train", PAPERS, SEED)[:TAKEN]
    written: list[Language] = [stored_language(row) for row in range(TAKEN)]
    texts = [row[ABSTRACTS[la]] for row, la in zip(rows, written, strict=True)]
    raw = KeptVectors(embedder, "topics").embed_passages(texts)
    place = {la: [row for row in range(TAKEN) if written[row] == la] for la in LANGUAGES}
    alignment = shipped_alignment(embedder.name).for_corpus({la: raw[place[la]] for la in LANGUAGES})
    papers = alignment.apply_each(raw, written, "passage")
    terms = [set(analyze_document(row[ABSTRACTS[la]])) for row, la in zip(rows, written, strict=True)]

    def ask(topic: str, language: Language, truth: Mask) -> TopicQuery:
        vector = alignment.apply(embedder.embed_query(topic), language, "query")
        has_terms = np.array([set(analyze(topic)) <= found for found in terms])
        return TopicQuery(np.array([la != language for la in written]), papers @ vector[0], has_terms, truth)

    def questions() -> Iterator[TopicQuery]:
        for line in TOPICS:
            english, chinese, pattern = line.split("|", 2)
            texts = [f"{row['title']} {row['abstract_en']}" for row in rows]
            truth = np.array([bool(re.search(pattern, text, re.I)) for text in texts])
            yield from (ask(english, "en", truth), ask(chinese, "zh", truth))

    asked, nobody = list(questions()), np.zeros(TAKEN, dtype=bool)
    absent = [
        ask(topic, la, nobody)
        for line in ABSENT
        for la, topic in zip(LANGUAGES, line.split("|"), strict=True)
    ]
    print(f"{len(asked)} topics, {len(absent)} absent ones")
    for own in OWN_CUTS:
        for other in OTHER_CUTS:
            false = sum(bool(topic.listed(own, other).any()) for topic in absent)
            every, across = (means(asked, own, other, crossing) for crossing in (False, True))
            print(f"{own:.2f} {other:.2f}  all {every}  other language {across}  absent {false}")


def means(asked: list[TopicQuery], own: float, other: float, crossing: bool) -> str:
    """Return mean precision (over topics that list anything), recall and F1."""
    precisions, recalls, f1s = [], [], []
    for topic in asked:
        among = topic.other if crossing else np.ones_like(topic.other)
        truth, listed = topic.truth & among, topic.listed(own, other) & among
        if not truth.any():
            continue
        right = int((truth & listed).sum())
        if listed.any():
            precisions.append(right / int(listed.sum()))
        recalls.append(right / int(truth.sum()))
        f1s.append(2 * right / int(truth.sum() + listed.sum()))
    return " ".join(f"{np.mean(values):.3f}" for values in (precisions, recalls, f1s))


if __name__ == "__main__":
    main()
