"""Fixtures that the tests of models share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.models.test_models import CopyDownload, tiny_file, write_wheels


@pytest.fixture
def download(tmp_path: Path) -> CopyDownload:
    write_wheels(tmp_path / "wheels", tiny_file())
    return CopyDownload(tmp_path / "wheels")
