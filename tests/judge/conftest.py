"""A tokenizer of a thousand words."""

from __future__ import annotations

import pytest

from rag.judge.pair_tokens import PairTokens
from tests.judge.test_judge import WORDS


@pytest.fixture(scope="session")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> PairTokens:
    from tokenizers import Tokenizer, models, pre_tokenizers

    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    path = tmp_path_factory.mktemp("tokens") / "tokenizer.json"
    tokenizer.save(str(path))
    return PairTokens(path)
