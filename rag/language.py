"""Tell Chinese from English by script, for records and for short mixed questions."""

from __future__ import annotations

from rag.schema import Language

# A Han character carries about as much as half an English word, so a question such as
# "TinyMIM的mIoU" (two words of Latin script, one Han character) still reads as Chinese:
# any function-word Han character outside a quotation decides for Chinese.
_HAN_SHARE = 0.04


def is_han(char: str) -> bool:
    """Return whether a character is a Han ideograph (CJK unified, extensions A-H, compatibility)."""
    code = ord(char)
    return (
        0x4E00 <= code <= 0x9FFF
        or 0x3400 <= code <= 0x4DBF
        or 0xF900 <= code <= 0xFAFF
        or 0x20000 <= code <= 0x323AF
    )


def detect_language(text: str) -> Language:
    """Return "zh" when Han characters make up a real share of the letters of `text`, else "en".

    An English abstract that quotes one Chinese term stays English; a Chinese question about an English
    model name stays Chinese.
    """
    letters = sum(char.isalpha() for char in text)
    han = sum(map(is_han, text))
    return "zh" if letters and han / letters >= _HAN_SHARE else "en"
