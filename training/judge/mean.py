"""Write the mean of the weights of two training runs, of which the second went on from the first.

    python -m training.judge.mean OUTPUT FURTHER MEAN

The mean keeps most of what further training gains on pairs like those that were trained on, and loses little
on others (docs/judge.md).
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor


def mean_of(first: Mapping[str, Tensor], second: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the mean of each weight in 16 bits; raise ValueError if the runs trained other weights."""
    if first.keys() != second.keys():
        raise ValueError("the two runs trained other weights.")
    return {name: ((value.float() + second[name].float()) / 2).half() for name, value in first.items()}


def main() -> None:
    """Write MEAN/weights.pt."""
    command = argparse.ArgumentParser(description=__doc__)
    command.add_argument("first", type=Path, help="folder of a training run")
    command.add_argument("second", type=Path, help="folder of the run that went on from it")
    command.add_argument("mean", type=Path, help="folder to write")
    options = command.parse_args()
    first, second = (torch.load(folder / "weights.pt") for folder in (options.first, options.second))
    options.mean.mkdir(parents=True, exist_ok=True)
    torch.save(mean_of(first, second), options.mean / "weights.pt")


if __name__ == "__main__":
    main()
