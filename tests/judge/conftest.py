"""A tokenizer of a thousand words."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag.judge.pair_tokens import PairTokens
from tests.judge.test_judge import WORDS


@pytest.fixture(scope="session")
def tokenizer_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tokenizers import Tokenizer, models, pre_tokenizers

    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    path = tmp_path_factory.mktemp("tokens") / "tokenizer.json"
    tokenizer.save(str(path))
    return path


@pytest.fixture(scope="session")
def tokens(tokenizer_file: Path) -> PairTokens:
    return PairTokens(tokenizer_file)
