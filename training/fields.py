"""Fit the models that read questions about fields: `python -m training.fields [--write] [--leave-out]`.

The examples of `benchmarks/data/fields/wordings.txt` are filled with authors, venues, titles and topics of
made-up libraries, whose papers have the titles and authors of arXiv and of CSL. Half of the science questions
of `benchmarks.fields --false-hits` are examples of "none"; the other half tests. `--leave-out` fits without
the wordings of each writer in turn and asks that writer's questions. CRFsuite
(python-crfsuite) fits them. `--write` writes rag/data/fields.json.
"""

from __future__ import annotations

import json
import random
import re
import tempfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from unicodedata import normalize

import pycrfsuite

import rag
from benchmarks import fields as benchmark
from benchmarks.common import parser
from rag.answering.fields.tokens import Tokens, tokenize
from rag.answering.fields.wording import (
    WordingModel,
    ask_features,
    gate_features,
    pairs_of,
    read_model,
    tag_features,
)
from rag.text.language import to_simplified
from training.fields_values import SimulatedLibrary, simulated_libraries

EXAMPLES = benchmark.FIELDS / "wordings.txt"
OUTPUT = Path(rag.__file__).parent / "data" / "fields.json"
WRITERS = ("dev", "dev2", "dev3", "unseen", "dev4", "dev5")
FILLED = 5  # times that each example is filled
POLITE = 0.25  # share with words before, and with words after
TAGS_C1, TAGS_C2 = 0.1, 0.01  # L1 and L2 penalty; L1 keeps the file small
ASK_C1, ASK_C2 = 0.05, 0.02
GATE_C1, GATE_C2 = 0.3, 0.1
LEAST_SEEN = 3  # filled questions in which a feature must occur
LEAST_WEIGHT = 0.02


@dataclass(frozen=True)
class Example:
    """A wording with slots, who wrote it, and what it asks."""

    writer: str
    asked: str
    order: str
    one: bool
    text: str


@dataclass(frozen=True)
class Filled:
    """An example with values in its slots, in tokens with their tags."""

    example: Example
    tokens: Tokens
    tags: list[str]


@dataclass
class Grammar:
    """The examples, what a macro stands for, and what may stand before and after a question."""

    examples: list[Example]
    macros: dict[str, list[str]]
    around: dict[str, list[str]]


def main() -> None:
    """Fit, and report or write."""
    command = parser(__doc__)
    command.add_argument("--write", action="store_true", help=f"write {OUTPUT.name}")
    command.add_argument("--leave-out", action="store_true", help="ask each writer's questions")
    command.add_argument("--fill", type=int, default=FILLED, help="times that each example is filled")
    command.add_argument(
        "--each", type=int, default=1, metavar="N", help="take every Nth question of science"
    )
    arguments = command.parse_args()
    grammar = read_grammar(EXAMPLES.read_text("utf-8"))
    libraries = simulated_libraries()
    filled = list(fill_all(grammar, libraries, arguments.fill))
    science = list(islice(science_tokens(libraries[-1]), None, None, arguments.each))
    print(f"{len(grammar.examples)} examples, {len(filled)} filled, {len(science)} questions of science")
    if arguments.leave_out:
        totals = Counter[str]()
        for writer in WRITERS:
            model = fit([each for each in filled if each.example.writer != writer], science)
            figures = benchmark.asked(writer, model)
            totals += Counter({key: figures[key] for key in ("right", "questions")})
        print(
            f"all: {totals['right']} of {totals['questions']} = {totals['right'] / totals['questions']:.3f}"
        )
    if arguments.write:
        model = fit(filled, science)
        OUTPUT.write_text(as_json(model), encoding="utf-8")
        print(f"{OUTPUT}: {OUTPUT.stat().st_size / 1e3:.0f} kB")


def read_grammar(text: str) -> Grammar:
    """Read the file of examples."""
    grammar = Grammar([], {}, {})
    section, writer, label = "", "", ""
    for line in text.splitlines():
        if line.startswith("## "):
            section = line[3:]
            if section.startswith("examples "):
                writer, section = section.removeprefix("examples "), ""
            label = section.replace("_", " ")
        elif line.startswith("#") or not line.strip():
            continue
        elif section == "macros":
            name, _, values = line.partition(": ")
            grammar.macros[name] = [word.strip() for word in values.split(",")]
        elif section.startswith(("before", "after")):
            grammar.around[section] = [part.strip() for part in line.split("|")]
        else:
            wording_, _, said = line.partition(" | ")
            words = said.split()
            order = next((word for word in words if word != "one"), "none")
            grammar.examples.append(Example(writer, label, order, "one" in words, wording_.strip()))
    return grammar


def fill_all(grammar: Grammar, libraries: Sequence[SimulatedLibrary], times: int) -> Iterator[Filled]:
    """Fill every example several times, each with another library."""
    chance = random.Random(1)
    for example in grammar.examples:
        for number in range(times):
            yield fill(example, grammar, libraries[number % len(libraries)], chance)


def fill(example: Example, grammar: Grammar, library: SimulatedLibrary, chance: random.Random) -> Filled:
    """Fill one example: macros, slots, polite words around, capitals and punctuation."""
    chinese = re.search(r"[\u3400-\u9fff]", example.text) is not None
    text = worded(example.text, grammar, chance)
    lower = not chinese and chance.random() < 0.35
    pieces: list[tuple[str, str]] = []
    for piece in re.split(r"(\{\w+\})", text):
        if piece.startswith("{"):
            pieces += library.value(piece.strip("{}"), chance, chinese=chinese, lower=lower)
        elif piece:
            pieces.append((piece, "wording"))
    if not chinese and not lower and pieces[0][1] == "wording" and chance.random() < 0.8:
        pieces[0] = (pieces[0][0][:1].upper() + pieces[0][0][1:], "wording")
    language = "zh" if chinese else "en"
    if chance.random() < POLITE:
        before = chance.choice(grammar.around[f"before {language}"])
        spoken = before if chinese else f"{before if lower else before.capitalize()} "
        pieces.insert(0, (spoken, "wording"))
    if chance.random() < POLITE:
        after = chance.choice(grammar.around[f"after {language}"])
        pieces.append((after if chinese or after.startswith(",") else f" {after}", "wording"))
    if chance.random() < 0.5 and text[-1] not in "?？。":
        pieces.append(("？" if chinese else "?", "wording"))
    return Filled(example, *aligned(pieces, library))


def worded(text: str, grammar: Grammar, chance: random.Random) -> str:
    """Return an example with its macros, options "[text]" and choices "[a|b]" replaced."""

    def taken(match: re.Match[str]) -> str:
        choices = match[1].split("|")
        return chance.choice(choices if len(choices) > 1 else ["", choices[0]])

    text = re.sub(r"\[([^\[\]]+)\]", taken, text)
    while "<" in text:
        text = re.sub(r"<(\w+)>", lambda match: chance.choice(grammar.macros[match[1]]), text)
    return re.sub(" {2,}", " ", text).strip()


def aligned(pieces: Iterable[tuple[str, str]], library: SimulatedLibrary) -> tuple[Tokens, list[str]]:
    """Return the tokens of a text given in pieces, and the tag of each."""
    text, tags = "", []
    for piece, tag in pieces:
        normal = normalize("NFKC", piece)
        text += normal
        tags += [tag] * len(normal)
    tokens = tokenize(text, library.library, benchmark.THIS_YEAR)
    found = []
    for token in tokens.tokens:
        inside = Counter(tags[token.start : token.end])
        values = [tag for tag, _ in inside.most_common() if tag != "wording"]
        found.append(values[0] if values and token.word not in ("<years>", "<title>") else "wording")
    return tokens, found


def science_tokens(library: SimulatedLibrary) -> Iterator[Tokens]:
    """Yield the half of the science questions that is for fitting."""
    for _, questions in benchmark.science():
        for question in questions:
            if is_for_fitting(question):
                text = to_simplified(normalize("NFKC", question)).replace("’", "'").strip()
                yield tokenize(text, library.library, benchmark.THIS_YEAR)


def is_for_fitting(question: str) -> bool:
    """Return whether a question is in the half that is for fitting."""
    return zlib.crc32(question.encode()) % 2 == 0


def fit(filled: Sequence[Filled], science: Sequence[Tokens]) -> WordingModel:
    """Fit the field of tags, then, on the tags it gives, what is asked."""
    vocabulary = vocabulary_of(filled)
    asking = [each for each in filled if each.example.asked != "none"]
    rows = [tag_features(each.tokens.tokens, vocabulary) for each in asking]
    state, moves = trained(rows, [each.tags for each in asking], TAGS_C1, TAGS_C2)
    model = WordingModel(vocabulary, state, moves, {})
    samples = [(features_of(model, each.tokens), each.example) for each in filled]
    none = Example("", "none", "none", False, "")
    samples += [(features_of(model, tokens), none) for tokens in science]
    heads = {}
    for head, labels in (
        ("asked", [(features, each.asked) for features, each in samples]),
        ("order", [(f, e.order) for f, e in samples if e.asked != "none"]),
        ("one", [(f, "one" if e.one else "several") for f, e in samples if e.asked != "none"]),
    ):
        heads[head] = trained([[f] for f, _ in labels], [[label] for _, label in labels], ASK_C1, ASK_C2)[0]
    heads["gate"] = fit_gate(filled, science)
    return read_model(as_json(WordingModel(vocabulary, state, moves, heads)))


def fit_gate(filled: Sequence[Filled], science: Sequence[Tokens]) -> dict[str, dict[str, float]]:
    """Fit what says by all words whether a question may be about fields."""
    rows = [(gate_features(each.tokens.tokens), each.example.asked != "none") for each in filled]
    rows += [(gate_features(tokens.tokens), False) for tokens in science]
    labels = [["fields" if about else "none"] for _, about in rows]
    return trained([[features] for features, _ in rows], labels, GATE_C1, GATE_C2)[0]


def features_of(model: WordingModel, tokens: Tokens) -> list[str]:
    """Return the features of a question as the model reads it."""
    return ask_features(tokens.tokens, model.tag(tokens.tokens), model.vocabulary)


def vocabulary_of(filled: Sequence[Filled]) -> frozenset[str]:
    """Return the words of the wordings of two examples or more."""
    found: dict[str, set[str]] = {}
    for each in filled:
        for pair in pairs_of(each.tokens.tokens, each.tags):
            found.setdefault(pair, set()).add(each.example.text)
        for token, tag in zip(each.tokens.tokens, each.tags, strict=True):
            if tag == "wording":
                found.setdefault(token.word, set()).add(each.example.text)
    marks = {"<years>", "<title>", "<quoted>"}
    return frozenset(word for word, texts in found.items() if len(texts) > 1) | marks


Trained = tuple[dict[str, dict[str, float]], dict[str, float]]


def trained(
    rows: Sequence[list[list[str]]], labels: Sequence[Sequence[str]], c1: float, c2: float
) -> Trained:
    """Return the weights that CRFsuite fits: of features, and of moves between labels."""
    seen = Counter(feature for row in rows for features in row for feature in features)
    trainer = pycrfsuite.Trainer(algorithm="lbfgs", verbose=False)
    for row, own in zip(rows, labels, strict=True):
        kept = [[feature for feature in features if seen[feature] >= LEAST_SEEN] for features in row]
        # CRFsuite parts attributes by colons only in text files; in lists they are plain strings.
        trainer.append(kept, list(own))
    trainer.set_params({"c1": c1, "c2": c2, "max_iterations": 80, "feature.possible_transitions": True})
    with tempfile.TemporaryDirectory() as folder:
        trainer.train(f"{folder}/model")
        tagger = pycrfsuite.Tagger()
        tagger.open(f"{folder}/model")
        held = tagger.info()
    weights: dict[str, dict[str, float]] = {}
    for (feature, label), weight in sorted(held.state_features.items()):
        if abs(weight) >= LEAST_WEIGHT:
            weights.setdefault(feature, {})[label] = round(weight, 2)
    return weights, {f"{a} {b}": round(weight, 2) for (a, b), weight in sorted(held.transitions.items())}


def as_json(model: WordingModel) -> str:
    """Return a model as it is shipped."""
    held = {
        "vocabulary": sorted(model.vocabulary),
        "tags": model.tags,
        "moves": model.moves,
        "heads": model.heads,
    }
    return json.dumps(held, ensure_ascii=False, separators=(",", ":")) + "\n"


if __name__ == "__main__":
    main()
