"""Measure a trained judge on data that nothing was trained on.

    python -m training.judge.measure OUTPUT [--papers 150] [--written FILE]

- bilingual_arxiv/dev: sentences changed in known ways against their abstract; the share that is caught where
  5 % of the supported sentences are doubted, and the AUC, by direction.
- XQuAD and MLQA, paragraphs held out: is the question answered by the passage, and rightly by the sentence?
- PubMedQA: a question with its own abstract and with the abstract of the next question.
- SciFact (claims_dev): support against no evidence, and against contradiction.
- With `--written`, sentences that a language model wrote: those of right answers against those of wrong ones,
  in a file that `rag evaluate answers DATASET --json FILE` wrote.
"""

from __future__ import annotations

import json
import textwrap
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from benchmarks.common import parser, records
from rag.embedding.embedder import LocalEmbedder, load_embedder
from rag.judge.judge import running_text
from rag.judge.pair_tokens import PairTokens
from rag.models import defaults as models
from rag.models.e5.packed import read_e5
from rag.schema import Language
from rag.settings import SMALL_EMBEDDING_MODEL
from training.judge.model import JudgeNetwork, padded
from training.judge.pairs import ANSWERED, SUPPORTED, Pair, join, nearest
from training.judge.reading import reading_pairs
from training.judge.sources import PASSAGE, SEED, embedded, made_pairs, papers
from training.verification_data import scifact_pairs

Scores = NDArray[np.float64]
FALSE_ALARMS = 0.05
_BATCH = 32
_WAYS = ("en->en", "en->zh", "zh->en", "zh->zh")


class TorchJudge:
    """Scores pairs with the weights of a training run."""

    def __init__(self, output: Path) -> None:
        """Read OUTPUT/weights.pt."""
        folder = models.ensure(SMALL_EMBEDDING_MODEL)
        self.tokens = PairTokens(folder / "tokenizer.json")
        self.network = JudgeNetwork.of_model(read_e5(folder.parent / "e5-small-q4.bin"))
        self.network.load_trained(output / "weights.pt")
        self.network.eval()

    def scores(self, pairs: Sequence[Pair]) -> tuple[Scores, Scores]:
        """Return the probabilities of support (n, 3) and of an answer (n,)."""
        rows = [self.tokens.ids(pair.evidence, pair.sentence, pair.question) for pair in pairs]
        support, answers = np.zeros((len(rows), 3)), np.zeros(len(rows))
        order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
        with torch.inference_mode():
            for first in range(0, len(order), _BATCH):
                at = order[first : first + _BATCH]
                logits = self.network(*padded([rows[i] for i in at], self.tokens.padding))
                support[at] = torch.softmax(logits[0], -1).numpy()
                answers[at] = torch.sigmoid(logits[1]).numpy()
        return support, answers


def derived_table(judge: TorchJudge, embedder: LocalEmbedder, size: int) -> None:
    """Print what is caught of the changes in papers of bilingual_arxiv/dev."""
    pairs = made_pairs(papers("dev", size, embedder), 2)
    score = judge.scores(pairs)[0][:, SUPPORTED]
    by: dict[tuple[str, str], list[float]] = defaultdict(list)
    for pair, value in zip(pairs, score, strict=True):
        by[pair.kind, pair.way].append(value)
    for kind in sorted({kind for kind, _ in by} - {"own", "both"}):
        cells = []
        for way in _WAYS:
            own = np.array(by["own", way] + (by["both", way] if kind == "joined" else []))
            bad = np.array(by[kind, way])
            if len(bad) == 0:
                continue
            limit = np.quantile(own, FALSE_ALARMS)
            auc = auc_of(own, bad)
            cells.append(f"{way} {np.mean(bad < limit):.2f} ({auc:.2f}, n {len(bad)})")
        print(f"{kind:12} " + "  ".join(cells), flush=True)


def auc_of(positive: Scores, negative: Scores) -> float:
    """Return the area under the ROC curve."""
    labels = np.r_[np.ones(len(positive)), np.zeros(len(negative))]
    return float(roc_auc_score(labels, np.r_[positive, negative]))


def answers_table(judge: TorchJudge, size: int) -> None:
    """Print the AUC for held-out paragraphs of XQuAD and MLQA, both heads, and for PubMedQA."""
    for name in ("xquad/en_zh_all4", "mlqa/dev_en_zh_all4"):
        found = list(reading_pairs(name, SEED, held=True))[: 5 * size]
        for task, label in (("answers", ANSWERED), ("support", SUPPORTED)):
            pairs = [pair for pair in found if pair.task == task]
            support, answers = judge.scores(pairs)
            score = answers if task == "answers" else support[:, SUPPORTED]
            print(f"{name:24} {task:8} {ways_auc(pairs, score, label)}", flush=True)
    own, other = pubmedqa_scores(judge, 150)
    print(f"{'pubmedqa':24} en->en {auc_of(own, other):.3f} (n {len(own)}+{len(other)})", flush=True)


def ways_auc(pairs: Sequence[Pair], score: Scores, label: int) -> str:
    """Return the AUC of pairs with this label against all others, for each direction."""
    cells = []
    for way in _WAYS:
        scored = [(p, s) for p, s in zip(pairs, score, strict=True) if p.way == way]
        own = np.array([s for p, s in scored if p.label == label])
        bad = np.array([s for p, s in scored if p.label != label])
        if len(own) and len(bad):
            cells.append(f"{way} {auc_of(own, bad):.3f} (n {len(own)}+{len(bad)})")
    return "  ".join(cells)


def pubmedqa_scores(judge: TorchJudge, size: int) -> tuple[Scores, Scores]:
    """Return the score of each question with its own abstract and with the next one's, the best passage's."""
    rows = list(records("pubmedqa/dev"))[:size]
    texts = [" ".join([*row["CONTEXTS"], row["LONG_ANSWER"]]) for row in rows]
    best = np.zeros((size, 2))
    for i, row in enumerate(rows):
        for column, text in enumerate((texts[i], texts[(i + 1) % size])):
            passages = textwrap.wrap(text, PASSAGE["en"])
            pairs = [Pair("answers", part, row["QUESTION"], 0, "pubmedqa", "en->en") for part in passages]
            best[i, column] = judge.scores(pairs)[1].max()
    return best[:, 0], best[:, 1]


def scifact_table(judge: TorchJudge, embedder: LocalEmbedder) -> None:
    """Print the AUC on claims_dev of SciFact, and of the mean of judge and likeness."""
    found = scifact_pairs()
    pairs, likeness = [], []
    for each in found:
        texts: list[tuple[str, dict[Language, list[str]]]] = [
            ("", {"en": list(each.abstract)}),
            ("", {"en": [each.sentence]}),
        ]
        paper, claim = embedded(texts, embedder)
        vector = claim.vectors["en"][0]
        likeness.append(float((paper.vectors["en"] @ vector).max()))
        evidence = join([paper.sentences["en"][i] for i in nearest(vector, paper, "en")], "en")
        pairs.append(Pair("support", evidence, each.sentence, 0, "scifact", "en->en"))
    kinds = [each.kind for each in found]
    score, kind, like = judge.scores(pairs)[0][:, SUPPORTED], np.array(kinds), np.array(likeness)
    both = ranks(score) + ranks(like)
    for other in ("NONE", "CONTRADICT"):
        cells = [auc_of(s[kind == "SUPPORT"], s[kind == other]) for s in (score, like, both)]
        print(f"scifact SUPPORT/{other}: judge {cells[0]:.3f}  likeness {cells[1]:.3f}  both {cells[2]:.3f}")


def written_table(judge: TorchJudge, file: Path) -> None:
    """Print how well the judge tells sentences of right answers from those of wrong ones."""
    rows = json.loads(file.read_text(encoding="utf-8"))["rows"]
    asked = [row for row in rows if row["answerable"] and not row["refused"] and not row["several"]]
    pairs, right = [], []
    for row in asked:
        for sentence in row["answer"]["sentences"]:
            evidence = running_text([item["quote"] for item in sentence["evidence"]])
            pairs.append(Pair("support", evidence, sentence["text"], int(row["right"]), "written", ""))
            right.append(row["right"])
    score = judge.scores(pairs)[0][:, SUPPORTED]
    labels = np.array(right, dtype=bool)
    auc = auc_of(score[labels], score[~labels])
    print(f"sentences of right answers / wrong ones: AUC {auc:.3f}, n {len(pairs)}", flush=True)


def ranks(values: Scores) -> Scores:
    """Return the rank of each value, from 0 to 1."""
    return np.argsort(np.argsort(values)) / len(values)


def main() -> None:
    """Measure."""
    command = parser(__doc__)
    command.add_argument("output", type=Path, help="folder of a training run")
    command.add_argument("--papers", type=int, default=150, help="papers of bilingual_arxiv/dev")
    command.add_argument("--written", type=Path, help="JSON of `rag evaluate answers`")
    options = command.parse_args()
    embedder = load_embedder(SMALL_EMBEDDING_MODEL, models.ensure(SMALL_EMBEDDING_MODEL), backend="onnx")
    judge = TorchJudge(options.output)
    if options.written:
        written_table(judge, options.written)
    derived_table(judge, embedder, options.papers)
    answers_table(judge, options.papers)
    scifact_table(judge, embedder)


if __name__ == "__main__":
    main()
