"""Where the parts of a build run: in this process, or on a Ray cluster.

An engine maps a function over items. Whatever the engine, the index is the same: files are read one by one,
records that share no blocking key never influence each other's fold, and passages are embedded in the same
batches.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol, TypeVar

from rag.errors import SettingsError

Item = TypeVar("Item")
Result = TypeVar("Result")
State = TypeVar("State")


class Engine(Protocol):
    """Runs a function on many items."""

    remote: bool  # whether functions and items travel to other processes

    def map(self, function: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
        """Yield the result for each item, in order."""

    def map_with(
        self, make: Callable[[], State], function: Callable[[State, Item], Result], items: Sequence[Item]
    ) -> Iterator[Result]:
        """Do as `map`, with what `make` returns, once in each process, as the first argument."""


class Here:
    """Runs everything in this process, one item after the other."""

    remote = False

    def map(self, function: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
        """Yield the result for each item, in order."""
        return map(function, items)

    def map_with(
        self, make: Callable[[], State], function: Callable[[State, Item], Result], items: Sequence[Item]
    ) -> Iterator[Result]:
        """Do as `map`, with what `make` returns as the first argument."""
        state = make()
        return (function(state, item) for item in items)


HERE = Here()


class RayEngine:
    """Runs on the Ray cluster of RAY_ADDRESS, else on one that is started on this machine.

    citefold and the models have to be installed on every node; files are read where the cluster sees them
    under the same path. Ray's usage reports are off.
    """

    remote = True

    def __init__(self, workers: int | None = None) -> None:
        """Connect, with at most `workers` tasks at once (default: the CPUs of the cluster).

        Raises:
            SettingsError: Ray is not installed, or the cluster does not answer.
        """
        import logging
        import os

        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        try:
            import ray
        except ImportError as error:
            raise SettingsError("Ray is not installed; run `pip install citefold[ray]`.") from error
        try:
            if not ray.is_initialized():
                ray.init(
                    num_cpus=None if os.environ.get("RAY_ADDRESS") else workers,
                    include_dashboard=False,
                    log_to_driver=False,
                    logging_level=logging.ERROR,
                )
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise SettingsError(
                f"The Ray cluster does not answer ({error}); correct RAY_ADDRESS, or leave it out to use "
                "this machine."
            ) from error
        self._ray: Any = ray
        self.workers = workers or int(self._ray.cluster_resources().get("CPU", 1))

    def map(self, function: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
        """Yield the result for each item, in order, with a few tasks more than workers in flight."""

        def run(item: Item) -> Result:  # Ray takes functions only
            return function(item)

        return self._ordered([self._ray.remote(run).remote], items)

    def map_with(
        self, make: Callable[[], State], function: Callable[[State, Item], Result], items: Sequence[Item]
    ) -> Iterator[Result]:
        """Do as `map`; each of the workers makes its own state once."""
        actor = self._ray.remote(_Worker)
        workers = [actor.remote(make, function) for _ in range(min(self.workers, len(items)))]
        return self._ordered([worker.run.remote for worker in workers], items)

    def _ordered(self, submit: Sequence[Callable[[Any], Any]], items: Sequence[Any]) -> Iterator[Any]:
        """Submit the items in turn, with two a worker in flight, and yield the results in order."""
        running: deque[Any] = deque()
        for number, item in enumerate(items):
            running.append(submit[number % len(submit)](item))
            if len(running) >= 2 * self.workers:
                yield self._ray.get(running.popleft())
        while running:
            yield self._ray.get(running.popleft())


class _Worker:
    """Holds a state in a process of a cluster."""

    def __init__(self, make: Callable[[], Any], function: Callable[[Any, Any], Any]) -> None:
        self._state = make()
        self._function = function

    def run(self, item: Any) -> Any:
        return self._function(self._state, item)


def engine_named(name: str) -> Engine:
    """Return the engine of `--engine NAME`.

    Raises:
        SettingsError: there is none of that name, or Ray cannot be used.
    """
    if name not in ENGINES:
        raise SettingsError(f"There is no engine {name!r}; use {' or '.join(ENGINES)}.")
    return RayEngine() if name == "ray" else Here()


ENGINES = ("here", "ray")
