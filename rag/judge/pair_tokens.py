"""How a pair of texts becomes the token ids that the judge reads, in training and in use."""

from __future__ import annotations

from pathlib import Path

# Tokens of the longest sentence, of the longest question before it, and of the longest pair.
SENTENCE_TOKENS, QUESTION_TOKENS, PAIR_TOKENS = 96, 56, 400


class PairTokens:
    """Writes pairs as `<s> first </s></s> second </s>`, or with `question </s></s>` before the second."""

    def __init__(self, tokenizer: Path) -> None:
        """Read a tokenizer.json of XLM-RoBERTa's vocabulary."""
        from tokenizers import Tokenizer

        self._tokenizer = Tokenizer.from_file(str(tokenizer))
        self._tokenizer.no_truncation()
        ids: dict[str, int] = self._tokenizer.get_vocab()
        self.start, self.padding, self.end = ids["<s>"], ids["<pad>"], ids["</s>"]

    def ids(self, first: str, second: str, question: str = "") -> list[int]:
        """Return the ids of one pair; of a text that is too long its end is cut off."""
        ending = self.encoded(second)[:SENTENCE_TOKENS]
        if question:
            ending = [*self.encoded(question)[:QUESTION_TOKENS], self.end, self.end, *ending]
        beginning = self.encoded(first)[: PAIR_TOKENS - 4 - len(ending)]
        return [self.start, *beginning, self.end, self.end, *ending, self.end]

    def count(self, text: str) -> int:
        """Return the number of tokens of a text."""
        return len(self.encoded(text))

    def encoded(self, text: str) -> list[int]:
        """Return the ids of a text alone."""
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return ids
