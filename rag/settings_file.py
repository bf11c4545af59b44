"""Changed settings kept in the settings file, beside what its owner wrote there by hand."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from rag.errors import SettingsError
from rag.settings import CHANGEABLE, settings_file


@dataclass(frozen=True, slots=True)
class Saved:
    """Where settings were saved, and which variables of the environment win over them at the next start."""

    file: Path
    overruled_by: tuple[str, ...]


def save_settings(changes: Mapping[str, Any]) -> Saved:
    """Write fields of `CHANGEABLE` into the settings file, a None by taking the field out.

    Comments and other fields stay. Only the owner may read the file afterwards, since it may hold a key. It
    is replaced at once, so a crash leaves the old one.

    Raises:
        SettingsError: the file is not TOML, or cannot be written.
    """
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    file = settings_file().resolve()  # a link to the file stays one
    try:
        document = tomlkit.parse(file.read_text(encoding="utf-8")) if file.exists() else tomlkit.document()
        for name in sorted(CHANGEABLE & changes.keys()):
            value = changes[name]
            if value is None:
                document.pop(name, None)
            else:
                document[name] = value.get_secret_value() if isinstance(value, SecretStr) else value
        _replace(file, tomlkit.dumps(document))
    except (TOMLKitError, UnicodeDecodeError) as error:
        raise SettingsError(f"The settings file {file} is not valid TOML: {error}.") from error
    except OSError as error:
        raise SettingsError(
            f"The settings file {file} cannot be written ({error.strerror}); the change holds until "
            "citefold is stopped."
        ) from error
    variables = [f"RAG_{name.upper()}" for name in sorted(CHANGEABLE & changes.keys())]
    return Saved(file, tuple(name for name in variables if os.environ.get(name)))


def _replace(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        out.write(text)
        out.flush()
        os.fsync(descriptor)
    temporary.replace(file)
