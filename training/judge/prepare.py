"""Write what training reads: the pairs as token ids, and the base model with the tokens that occur.

    python -m training.judge.prepare DATA

DATA/pairs.npz and DATA/base.npz are all that a machine with a GPU needs, beside this repository, numpy, torch
and transformers.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.common import parser, records
from rag.embedding.embedder import load_embedder
from rag.judge.pair_tokens import PairTokens
from rag.models import defaults as models
from rag.models.e5.packed import BLOCK, PackedE5, bert_names, read_e5
from rag.settings import SMALL_EMBEDDING_MODEL
from training.judge.asking import QuestionMaker
from training.judge.pairs import Pair, Paper
from training.judge.reading import SETS, reading_pairs
from training.judge.sources import (
    BILINGUAL,
    CHINESE,
    ENGLISH,
    SEED,
    chinese_papers,
    english_papers,
    made_pairs,
    neighbours,
    papers,
    published_pairs,
    summaries,
)

Arrays = dict[str, NDArray[Any]]
WORDS = "embeddings.word_embeddings.weight"


def training_pairs(folder: Path) -> list[Pair]:
    """Return all pairs in the order in which they are read."""
    embedder = load_embedder(SMALL_EMBEDDING_MODEL, folder, backend="onnx")
    both = papers("train", BILINGUAL, embedder)
    lines = {row["title"]: row["headline_zh"] for row in records("bilingual_arxiv/train")}
    pairs = made_pairs(both, 3, same=0.5) + list(summaries(both, lines)) + list(asked_pairs(both, 2))
    for found in (english_papers(ENGLISH), chinese_papers(CHINESE)):
        pairs += made_pairs(found, 2) + list(asked_pairs(found, 2))
    pairs += [pair for name in SETS for pair in reading_pairs(name, SEED)]
    pairs += published_pairs()
    random.Random(SEED).shuffle(pairs)
    return pairs


def asked_pairs(found: Sequence[Paper], count: int) -> Iterator[Pair]:
    """Yield the pairs with questions about `count` sentences of each paper."""
    maker = QuestionMaker(found, neighbours(found), SEED)
    for index in range(len(found)):
        yield from maker.pairs(index, count)


class Encoder:
    """Encodes pairs as positions in one table of texts, with the tokens numbered in order of occurrence."""

    def __init__(self, tokens: PairTokens) -> None:
        """Begin with the tokens that every pair has."""
        self._tokens = tokens
        self._texts: dict[str, int] = {"": 0}
        self._ids: list[list[int]] = [[]]
        self._numbers = {i: n for n, i in enumerate((tokens.padding, tokens.start, tokens.end))}

    def rows(self, pairs: Sequence[Pair]) -> NDArray[np.int32]:
        """Return (n, 5): evidence, sentence, question, label, and 1 for the head for answers."""
        rows = [
            (self._text(p.evidence), self._text(p.sentence), self._text(p.question), p.label,
             p.task == "answers")
            for p in pairs
        ]  # fmt: skip
        return np.array(rows, np.int32)

    def arrays(self) -> Arrays:
        """Return the ids of all texts in a row, where each ends, and the original id of each number."""
        flat = np.array([i for ids in self._ids for i in ids], np.int32)
        small = flat.astype(np.uint16) if len(self._numbers) < 1 << 16 else flat
        return {
            "ids": small,
            "ends": np.cumsum([len(ids) for ids in self._ids]).astype(np.int64),
            "vocabulary": np.array(list(self._numbers), np.int32),
        }

    def _text(self, text: str) -> int:
        if text not in self._texts:
            self._texts[text] = len(self._ids)
            ids = self._tokens.encoded(text)
            self._ids.append([self._numbers.setdefault(i, len(self._numbers)) for i in ids])
        return self._texts[text]


def base_arrays(base: PackedE5, vocabulary: NDArray[np.int32]) -> Arrays:
    """Return the weights of the base model as they are stored, of the words those in `vocabulary`."""
    arrays: Arrays = {}
    for name, (short, shape) in bert_names(base).items():
        if not base.tensors[short][0]:
            arrays[name] = base.tensor(short, *shape)
            continue
        codes, scales = base.blocks(short)
        if name == WORDS:
            rows = (vocabulary[:, None] * (shape[1] // BLOCK) + np.arange(shape[1] // BLOCK)).reshape(-1)
            codes, scales, shape = codes[rows], scales[rows], (len(vocabulary), shape[1])
        arrays[f"{name}.codes"], arrays[f"{name}.scales"] = codes, scales.astype(np.float16)
        arrays[f"{name}.shape"] = np.array(shape)
    sizes = [base.hidden, base.layers, base.heads, base.feed_forward, base.positions, base.token_types]
    return arrays | {"sizes": np.array(sizes), "epsilon": np.array(base.epsilon)}


def write(folder: Path, encoder: Encoder, rows: NDArray[np.int32], base: PackedE5) -> None:
    """Write both files; `rows` are the pairs as `encoder` gave them."""
    folder.mkdir(parents=True, exist_ok=True)
    arrays = encoder.arrays()
    np.savez(folder / "pairs.npz", allow_pickle=False, train=rows, **arrays)
    np.savez(folder / "base.npz", allow_pickle=False, **base_arrays(base, arrays["vocabulary"]))


def main() -> None:
    """Prepare."""
    command = parser(__doc__)
    command.add_argument("data", type=Path, help="folder to write")
    options = command.parse_args()
    folder = models.ensure(SMALL_EMBEDDING_MODEL)
    pairs = training_pairs(folder)
    encoder = Encoder(PairTokens(folder / "tokenizer.json"))
    write(options.data, encoder, encoder.rows(pairs), read_e5(folder.parent / "e5-small-q4.bin"))
    print(f"{len(pairs):,} pairs in {options.data}")


if __name__ == "__main__":
    main()
