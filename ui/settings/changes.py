"""What the reader chose on the Settings tab, as changes of settings; keys are kept only if asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rag import save_settings
from ui.engine import Library
from ui.settings import labels
from ui.words import Label


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """The answer model as it stands in the form; `kind` is "packaged", "gguf" or "endpoint"."""

    kind: str
    packaged: str | None
    file: str
    address: str
    name: str
    key: str
    keep_key: bool

    def missing(self) -> Label | None:
        """Return what has to be written first."""
        needed = {
            "packaged": [],
            "gguf": [(self.file, labels.MISSING_FILE)],
            "endpoint": [(self.address, labels.MISSING_ADDRESS), (self.name, labels.MISSING_NAME)],
        }[self.kind]
        for value, what in needed:
            if not value.strip():
                return Label(labels.MISSING.en.format(what=what.en), labels.MISSING.zh.format(what=what.zh))
        return None

    def changes(self) -> dict[str, Any]:
        """Return the settings that choose this model; an empty key leaves the one that is set."""
        if self.kind == "endpoint":
            key = {"llm_api_key": self.key.strip()} if self.key.strip() else {}
            return {"llm_base_url": self.address.strip(), "llm_model": self.name.strip()} | key
        model = self.file.strip() if self.kind == "gguf" else self.packaged
        return {"llm_base_url": None, "llm_model": model}


def apply(library: Library, changes: dict[str, Any], *, keep_key: bool = False) -> tuple[str, ...]:
    """Use the changes from now on and save them; return the variables that win at the next start.

    A key is saved if `keep_key`. A saved key of another address is taken out of the file.

    Raises:
        SettingsError, ModelError: a value cannot be used, or the file cannot be written.
    """
    before = library.settings.llm_base_url
    library.use(**changes)
    saved = dict(changes)
    if "llm_api_key" in changes or changes.get("llm_base_url", before) != before:
        saved["llm_api_key"] = changes.get("llm_api_key") if keep_key else None
    return save_settings(saved).overruled_by
