"""One index of the default corpus for all these tests; embedding it takes half a minute."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import CORPUS
from tests.integration.test_cli import run


@pytest.fixture(scope="session")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The default corpus, indexed by the command line with the default embedding model."""
    directory = tmp_path_factory.mktemp("way") / "index"
    result = run("index", str(CORPUS), "--index", str(directory))
    assert result.returncode == 0, result.stderr
    assert "Read 50 records; folded 19 repeats; 31 abstracts (22 English, 9 Chinese)" in result.stdout
    return directory
