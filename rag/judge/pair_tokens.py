"""How a pair of texts becomes the token ids that the judge reads, in training and in use."""

from __future__ import annotations

from pathlib import Path

# Tokens of the longest sentence or question, and of the longest pair.
SENTENCE_TOKENS, PAIR_TOKENS = 96, 288


class PairTokens:
    """Writes pairs as `<s> first </s></s> second </s>`."""

    def __init__(self, tokenizer: Path) -> None:
        """Read a tokenizer.json of XLM-RoBERTa's vocabulary."""
        from tokenizers import Tokenizer

        self._tokenizer = Tokenizer.from_file(str(tokenizer))
        self._tokenizer.no_truncation()
        ids: dict[str, int] = self._tokenizer.get_vocab()
        self._start, self.padding, self._end = ids["<s>"], ids["<pad>"], ids["</s>"]

    def ids(self, first: str, second: str) -> list[int]:
        """Return the ids of one pair; what is too long loses its end, the second text first."""
        ending = self._encoded(second)[:SENTENCE_TOKENS]
        beginning = self._encoded(first)[: PAIR_TOKENS - 4 - len(ending)]
        return [self._start, *beginning, self._end, self._end, *ending, self._end]

    def count(self, text: str) -> int:
        """Return the number of tokens of a text."""
        return len(self._encoded(text))

    def _encoded(self, text: str) -> list[int]:
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return ids
