"""What the wording of a question asks: linear models over its words, fitted on example questions.

A conditional random field says which tokens name an author, a venue or the topic. What is left, with each
value as one symbol, is the wording; maximum-entropy models say what it asks. `training/fields.py` fits them
all on `benchmarks/data/fields/wordings.txt`. See docs/decisions.md#questions-about-fields
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Literal

from rag.answering.fields.tokens import Token

Tag = Literal["author", "venue", "topic", "wording"]
TAGS: tuple[Tag, ...] = ("author", "venue", "topic", "wording")
Weights = Mapping[str, Mapping[str, float]]
"""The weight of each label, by feature."""

_UNKNOWN = "?"
_HAN = re.compile(r"[\u3400-\u9fff]")
_WINDOW = range(-3, 4)
_PRONOUN = frozenset(("i", "i'd", "i'm", "i've"))  # always with a capital
_ADVERBS = frozenset("还也都又曾就共")  # that follow an author's name and are in hardly any


@dataclass(frozen=True)
class WordingModel:
    """The fitted models.

    Attributes:
        vocabulary: words and Chinese characters of the examples' wording, and pairs of such characters; any
            other is as good as any topic.
        tags: state weights of the field; `moves` are those between tags, as "from to".
        heads: a maximum-entropy model for each thing that is asked: "asked", "order", "one", and "gate" for
            whether a question may be about fields at all.
    """

    vocabulary: frozenset[str]
    tags: Weights
    moves: Mapping[str, float]
    heads: Mapping[str, Weights]

    def tag(self, tokens: Sequence[Token]) -> list[Tag]:
        """Return the likeliest tags of tokens (Viterbi)."""
        best: list[dict[Tag, tuple[float, Tag | None]]] = []
        for features in tag_features(tokens, self.vocabulary):
            state = _sums(self.tags, features, TAGS)
            row: dict[Tag, tuple[float, Tag | None]] = {}
            for here in TAGS:
                came = [
                    (score + self.moves.get(f"{before} {here}", 0.0), before)
                    for before, (score, _) in (best[-1].items() if best else ())
                ]
                score, before = max(came, default=(0.0, None), key=lambda pair: pair[0])
                row[here] = score + state[here], before
            best.append(row)
        path: list[Tag] = []
        came_from: Tag | None = None
        for row in reversed(best):
            tag: Tag = came_from or _best_tag(row)
            path.append(tag)
            came_from = row[tag][1]
        return _without_short_names(tokens, path[::-1])

    def gate(self, tokens: Sequence[Token]) -> float:
        """Return the probability, by all words alone, that a question is about fields."""
        return self.ask("gate", gate_features(tokens)).get("fields", 0.0)

    def ask(self, head: str, features: Iterable[str]) -> dict[str, float]:
        """Return the probability of each label of a head."""
        weights = self.heads[head]
        labels = sorted({label for row in weights.values() for label in row})
        sums = _sums(weights, features, labels)
        most = max(sums.values())
        powers = {label: math.exp(value - most) for label, value in sums.items()}
        total = sum(powers.values())
        return {label: power / total for label, power in powers.items()}


@cache
def wording_model() -> WordingModel:
    """Return the models that are shipped."""
    return read_model((files("rag") / "data" / "fields.json").read_text("utf-8"))


def read_model(text: str) -> WordingModel:
    """Return the models that a JSON file holds."""
    held = json.loads(text)
    return WordingModel(frozenset(held["vocabulary"]), held["tags"], held["moves"], held["heads"])


def _best_tag(row: Mapping[Tag, tuple[float, Tag | None]]) -> Tag:
    return max(row, key=lambda tag: row[tag][0])


def _sums(weights: Weights, features: Iterable[str], labels: Sequence[str]) -> dict[str, float]:
    sums = dict.fromkeys(labels, 0.0)
    for feature in features:
        for label, weight in weights.get(feature, {}).items():
            sums[label] += weight
    return sums


def tag_features(tokens: Sequence[Token], vocabulary: frozenset[str]) -> list[list[str]]:
    """Return the features of each token: the words around it, and what the library knows of them."""
    words = [token.word if token.word in vocabulary else _UNKNOWN for token in tokens]
    # A writer who uses capitals writes names with them.
    cased = any(token.capital and token.word not in _PRONOUN for token in tokens)
    kinds = [_kind(token, cased=cased) for token in tokens]

    def word(i: int) -> str:
        return words[i] if 0 <= i < len(words) else "<end>"

    rows: list[list[str]] = []
    for i, token in enumerate(tokens):
        row = ["bias", f"kind {kinds[i]}"]
        row += [f"{d} {word(i + d)}" for d in _WINDOW]
        row += [f"{d} {word(i + d)} {word(i + d + 1)}" for d in range(-3, 3)]
        row += [f"{d} {word(i + d)} {word(i + d + 1)} {word(i + d + 2)}" for d in range(-3, 2)]
        row += [f"knows {known}" for known in token.known]
        row += [f"knows {known} {kinds[i]} {word(i - 1)}" for known in token.known]
        row += [f"knows {known} {word(i)}" for known in token.known]
        for d in (-2, -1, 1, 2):
            if 0 <= i + d < len(tokens):
                row.append(f"{d} kind {kinds[i + d]} {kinds[i]}")
                row += [f"{d} knows {known}" for known in tokens[i + d].known]
        rows.append(row)
    return rows


def _without_short_names(tokens: Sequence[Token], tags: list[Tag]) -> list[Tag]:
    """Return the tags; unknown authors of one Chinese character and adverbs after a name are wording."""
    for i, token in enumerate(tokens):
        alone = tags[i] == "author" and "author" not in (*tags[max(0, i - 1) : i], *tags[i + 1 : i + 2])
        after_name = i > 0 and "author ends" in tokens[i - 1].known and token.word in _ADVERBS
        if (alone and _HAN.fullmatch(token.word)) or (after_name and tags[i] == "author"):
            tags[i] = "wording"
    return tags


def _kind(token: Token, *, cased: bool) -> str:
    """Return the kind of a token by its form."""
    if token.word.startswith("<"):
        return token.word
    if _HAN.fullmatch(token.word):
        return "han"
    if token.word[0].isdigit():
        return f"digits {min(len(token.word), 4)}"
    if not token.word[0].isalpha():
        return "sign"
    return "capital" if token.capital else "small" if cased else "letters"


def wording(tokens: Sequence[Token], tags: Sequence[Tag]) -> list[str]:
    """Return the words of a question with each run of one value as one symbol."""
    words: list[str] = []
    for token, tag in zip(tokens, tags, strict=True):
        symbol = token.word if tag == "wording" else f"<{tag}>"
        if symbol.startswith("<") and words and words[-1] == symbol:
            continue
        if symbol[0].isalnum() or symbol[0] == "<" or _HAN.fullmatch(symbol):
            words.append(symbol)
    return words


def pairs_of(tokens: Sequence[Token], tags: Sequence[Tag]) -> list[str]:
    """Return the pairs of Chinese characters that stand side by side in the wording: its words, roughly."""
    own = [
        token.word if tag == "wording" and _HAN.fullmatch(token.word) else ""
        for token, tag in zip(tokens, tags, strict=True)
    ]
    return [one + other for one, other in pairwise(own) if one and other]


def gate_features(tokens: Sequence[Token]) -> list[str]:
    """Return the words and pairs of words of a question, each author and venue of the library as one symbol.

    Words that no example has count too: what is unknown to the examples is often known from science.
    """
    words: list[str] = []
    for token in tokens:
        kind = next(
            (k for k in ("author", "venue") if any(m.startswith(f"{k} long") for m in token.known)), None
        )
        short = "<name>" if token.capital and "author short begins" in token.known else token.word
        word = f"<{kind}>" if kind else short
        if not (kind and words and words[-1] == word):
            words.append(word)
    return sorted({*words, *(f"{one} {other}" for one, other in pairwise(words))})


def _known_author(tokens: Sequence[Token], tags: Sequence[Tag]) -> str:
    """Return whether the library has an author that a question names: in full, by one word, or not."""
    marks = {mark for token, tag in zip(tokens, tags, strict=True) if tag == "author" for mark in token.known}
    if not marks.isdisjoint(("author long begins", "author whole")):
        return "in full"
    return "by a word" if "author short begins" in marks else "unknown"


def ask_features(tokens: Sequence[Token], tags: Sequence[Tag], vocabulary: frozenset[str]) -> list[str]:
    """Return the features of a question: n-grams of its wording, its values, and the words of its topic."""
    words = wording(tokens, tags)
    padded = ["<begin>", *words, "<close>"]
    values = " ".join(sorted({word for word in words if word.startswith("<")}))
    features = {"bias", f"values {values}"}
    for n in (1, 2, 3, 4):
        features |= {" ".join(padded[i : i + n]) for i in range(len(padded) - n + 1)}
    plain = [word for word in words if not word.startswith("<")]
    features |= {f"{word} with {values}" for word in plain}
    features |= {f"{word[:4]}-" for word in plain if len(word) > 4 and word[0].isalpha()}
    bare = ["", *plain, ""]
    features |= {f"bare {' '.join(bare[i : i + 2])}" for i in range(len(bare) - 1)}
    features |= {f"first {' '.join(words[:n])}" for n in (1, 2)}
    strange = sum(word not in vocabulary for word in plain)
    known = _known_author(tokens, tags)
    titled = {"in title" in token.known for token, tag in zip(tokens, tags, strict=True) if tag == "topic"}
    features |= {
        f"author {known}",
        f"author {known} with {min(len(plain), 6)}",
        f"author {known} with {values} strange {min(strange, 4)}",
        f"titled {sorted(titled)} with {values}",
        f"plain {min(len(plain), 8)} with {values}",
    }
    topic = [token.word for token, tag in zip(tokens, tags, strict=True) if tag == "topic"]
    features |= {
        f"strange {min(strange, 4)}",
        f"long {min(len(topic), 12)}",
        f"runs {words.count('<topic>')}",
    }
    features |= {f"topic holds {word}" for word in topic if word in vocabulary}
    features |= {f"strange {min(strange, 4)} with {values}"}
    return sorted(features)
