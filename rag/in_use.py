"""The settings and the language model in use: changed between two questions, without a restart."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any

from rag.factory import check_llm, configured_llm, plain_llm, same_llm
from rag.llm.base import LLM
from rag.llm.in_use import Lease, LLMInUse
from rag.llm.trial import Trial, try_llm
from rag.settings import Settings, changed_settings


class InUse:
    """What the next question is answered with; safe to use from several threads."""

    def __init__(
        self,
        settings: Settings,
        llm: LLM | None = None,
        open_llm: Callable[[Settings], LLM] = configured_llm,
    ) -> None:
        """Start with `llm`, or with the one that the settings name; later ones are opened by `open_llm`.

        Raises:
            SettingsError: an address, key or model name that cannot be used.
        """
        self.settings = settings
        self._lock = threading.Lock()
        self._open_llm = open_llm
        self._llm = LLMInUse(llm or open_llm(settings))

    @property
    def llm(self) -> LLM:
        """The language model that the next question gets."""
        return self._llm.llm

    @llm.setter
    def llm(self, llm: LLM) -> None:
        self._llm.exchange(llm)

    def lease(self, model: str | None = None) -> Lease:
        """Return the model in use for one question, or the embedded `model`, which is closed after it.

        Raises:
            SettingsError, ModelError: `model` is not here.
        """
        if model is None:
            return self._llm.lease()
        settings = changed_settings(self.settings, {"llm_model": model, "llm_base_url": None})
        if same_llm(settings, self.settings):
            return self._llm.lease()
        check_llm(settings)
        llm = self._open_llm(settings)
        return Lease(llm, llm.close)

    def use(self, changes: Mapping[str, Any]) -> None:
        """Change settings for the questions from now on; answers in progress end with the old model.

        Raises:
            SettingsError, ModelError: a value cannot be used; then nothing is changed.
        """
        with self._lock:
            settings = changed_settings(self.settings, changes)
            if not same_llm(settings, self.settings):
                check_llm(settings)
                self._llm.exchange(self._open_llm(settings))
            self.settings = settings

    def try_llm(self, changes: Mapping[str, Any]) -> Trial:
        """Ask the model that `use(changes)` would choose for one word.

        Raises:
            SettingsError, ModelError, LLMError: it cannot be used; the message says why.
        """
        settings = changed_settings(self.settings, changes)
        check_llm(settings)
        with closing(plain_llm(settings)) as llm:
            return try_llm(llm)

    def close(self) -> None:
        """Close the model, and those before it that still answer."""
        self._llm.close()
