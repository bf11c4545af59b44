"""Judge whether evidence supports a sentence, and whether an abstract answers a question.

The judge is a cross-encoder on the weights of multilingual-e5-small, trained for both tasks in English and
Chinese and across them (`training/judge`). It runs on onnxruntime in 8 bits, without torch. It is used by
itself or in LlamaIndex; `RAG.ask` does not use it, and docs/judge.md says why.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from rag.errors import ModelError
from rag.judge.pair_tokens import PairTokens
from rag.models import defaults as models
from rag.models.e5.judge import GRAPH, TOKENIZER
from rag.models.registry import JUDGE
from rag.models.session import load_session
from rag.text.language import to_simplified
from rag.text.sentences import sentence_texts

if TYPE_CHECKING:
    from rag.models.session import InferenceSession

Logits = NDArray[np.float32]
Relation = Literal["supported", "not told", "contradicted"]
RELATIONS: tuple[Relation, ...] = ("supported", "not told", "contradicted")
# Sentences of evidence that are read at once, as in training, and tokens of a passage that may answer.
EVIDENCE_SENTENCES = 3
PASSAGE_TOKENS = 110
_FULL_STOPS = ("。", "！", "？", "；")


@dataclass(frozen=True, slots=True)
class SupportScore:
    """The probabilities that evidence supports a sentence, does not tell it, and contradicts it."""

    supported: float
    not_told: float
    contradicted: float

    @property
    def relation(self) -> Relation:
        """Return the most probable of the three."""
        values = (self.supported, self.not_told, self.contradicted)
        return RELATIONS[values.index(max(values))]


class Judge:
    """Scores pairs of text by one ONNX graph `ids` (1, n) -> `logits` (1, 4); safe to use from threads.

    >>> judge = Judge.default()
    >>> judge.support("We trained on 500 abstracts.", "The model saw 900 abstracts.").relation
    'contradicted'
    >>> judge.answers("We trained on 500 abstracts.", "用了多少篇摘要？") > 0.5
    True
    """

    def __init__(
        self, tokens: PairTokens, logits: Callable[[Sequence[int]], Logits], threads: int = 1
    ) -> None:
        """Judge by `logits`, which maps the token ids of a pair to four numbers; see `load`."""
        self._tokens = tokens
        self._run = logits
        self._threads = threads

    @classmethod
    def default(cls, threads: int | None = None) -> Judge:
        """Load the judge that is shipped; what it is made from is fetched if need be.

        `threads` pairs are read side by side; None: as many as the machine has cores.

        Raises:
            ModelError: it cannot be fetched or stored, or its files are damaged.
        """
        folder = models.ensure(JUDGE.name)
        try:
            return cls.load(folder, threads)
        except ModelError as error:
            raise ModelError(
                f"The judge in {folder} cannot be loaded; delete that folder and run "
                f"`rag models pull {JUDGE.name}`."
            ) from error

    @classmethod
    def load(cls, folder: Path, threads: int | None = None) -> Judge:
        """Load the judge from the folder that `rag.models.e5.judge.convert_judge` writes.

        Raises:
            ModelError: the folder holds no judge.
        """
        unusable = f"{folder} holds no usable judge; write one with `python -m training.judge.export`."
        if not (folder / GRAPH).is_file() or not (folder / TOKENIZER).is_file():
            raise ModelError(unusable)
        try:
            tokens, session = PairTokens(folder / TOKENIZER), load_session(folder / GRAPH, 1)
        except (ValueError, OSError, KeyError) as error:
            raise ModelError(unusable) from error
        return cls(tokens, partial(_logits, session), threads or os.cpu_count() or 1)

    def support(self, evidence: str | Sequence[str], sentence: str, question: str = "") -> SupportScore:
        """Return whether `evidence`, of one paper, supports `sentence`; as an answer, if there is a question.

        Sentences are read together, as many as `EVIDENCE_SENTENCES` at once; a text is split into sentences.
        Of several readings the one counts that supports most, or contradicts most where none supports.
        """
        texts = sentence_texts(evidence) if isinstance(evidence, str) else list(evidence)
        if not texts or not sentence.strip():
            return SupportScore(0.0, 1.0, 0.0)
        scores = self.supports([(window, sentence) for window in _windows(texts)], question)
        best = max(scores, key=lambda score: score.supported)
        return best if best.supported >= 0.5 else max(scores, key=lambda score: score.contradicted)

    def supports(self, pairs: Sequence[tuple[str, str]], question: str = "") -> list[SupportScore]:
        """Return the score of each pair of evidence and sentence, each read whole as far as it fits."""
        rows = self._each([(first, second, question) for first, second in pairs])
        return [SupportScore(*map(float, _softmax(row[:3]))) for row in rows]

    def answers(self, abstract: str, question: str) -> float:
        """Return the probability that `abstract` answers `question`, of its best passage."""
        return self.each_answers([abstract], question)[0]

    def each_answers(self, abstracts: Sequence[str], question: str) -> list[float]:
        """Return for each abstract the probability that it answers `question`."""
        pairs, owners = [], []
        for owner, abstract in enumerate(abstracts):
            for passage in self._passages(abstract):
                pairs.append((passage, question, ""))
                owners.append(owner)
        best = [0.0] * len(abstracts)
        for owner, row in zip(owners, self._each(pairs), strict=True):
            best[owner] = max(best[owner], _sigmoid(float(row[3])))
        return best

    def _passages(self, abstract: str) -> list[str]:
        """Return runs of whole sentences of about PASSAGE_TOKENS, each beginning halfway through the last."""
        sentences = [part for text in sentence_texts(abstract) for part in self._parts(text)]
        sizes = [self._tokens.count(sentence) for sentence in sentences]
        passages: list[str] = []
        first = 0
        while first < len(sentences):
            last, size = first + 1, sizes[first]
            while last < len(sentences) and size + sizes[last] <= PASSAGE_TOKENS:
                size += sizes[last]
                last += 1
            passages.append(running_text(sentences[first:last]))
            if last == len(sentences):
                break
            first = max(first + 1, (first + last) // 2)
        return passages

    def _parts(self, sentence: str) -> list[str]:
        """Return the sentence, cut where it is longer than a passage, as a text without full stops is."""
        count = -(-self._tokens.count(sentence) // PASSAGE_TOKENS)
        if count < 2:
            return [sentence]
        cuts = [len(sentence) * i // count for i in range(count + 1)]
        return [sentence[start:end] for start, end in pairwise(cuts)]

    def _each(self, pairs: Sequence[tuple[str, str, str]]) -> list[Logits]:
        rows = [self._tokens.ids(*map(to_simplified, pair)) for pair in pairs]
        if len(rows) < 2:
            return [self._run(row) for row in rows]
        with ThreadPoolExecutor(self._threads, thread_name_prefix="judge") as pool:
            return list(pool.map(self._run, rows))


def _logits(session: InferenceSession, ids: Sequence[int]) -> Logits:
    row: Logits = session.run(None, {"ids": np.array([ids], dtype=np.int64)})[0][0]
    return row


def _windows(texts: Sequence[str]) -> list[str]:
    count = max(1, len(texts) - EVIDENCE_SENTENCES + 1)
    return [running_text(texts[first : first + EVIDENCE_SENTENCES]) for first in range(count)]


def running_text(sentences: Sequence[str]) -> str:
    """Return sentences as one text, with spaces except after Chinese ones."""
    return "".join(text if text.endswith(_FULL_STOPS) else f"{text} " for text in sentences).rstrip()


def _softmax(values: Logits) -> Logits:
    raised = np.exp(values - values.max())
    result: Logits = raised / raised.sum()
    return result


def _sigmoid(value: float) -> float:
    return float(1 / (1 + np.exp(-np.clip(value, -60, 60))))
