"""Name what is recognised and not read (PDF, Word, ZIP, pictures, web pages), with what to do instead."""

from __future__ import annotations

import re

_EXPORT = (
    "export the citations with their abstracts as RIS, BibTeX or CSV, or save the abstract as plain text"
)
_UNPACK = "unpack it and give the folder"
_SAVE_CSV = "save the sheet as CSV"
_SAVE_TEXT = "save the abstracts as plain text"
# Beginnings that are text themselves, or that `filetype` does not know.
_BEGINNINGS: tuple[tuple[bytes, str, str], ...] = (
    (b"%PDF-", "a PDF file", _EXPORT),
    (b"{\\rtf", "a rich-text (RTF) file", _SAVE_TEXT),
    (b"%!PS", "a PostScript file", _EXPORT),
    (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        "a file of older Microsoft Office (.doc, .xls)",
        "save it as plain text or CSV",
    ),
    (b"SQLite format 3\x00", "an SQLite database", "export its table as CSV"),
    (b"PAR1", "a Parquet file", "convert it to JSONL or CSV"),
    (b"\x93NUMPY", "a NumPy array", _SAVE_TEXT),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file", "convert it to JSONL or CSV"),
    (b"ARROW1", "an Arrow file", "convert it to JSONL or CSV"),
    (b"AT&TFORM", "a DjVu file", _EXPORT),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive", "unpack it"),
    (b"CAJ\x00", "a CAJ file", _EXPORT),
    (b"HN\x00\x00", "a CAJ file", _EXPORT),
    (b"KDH ", "a KDH file", _EXPORT),
    (b"TEB\x00", "a TEB file", _EXPORT),
)
_KINDS = {
    "pdf": ("a PDF file", _EXPORT),
    **dict.fromkeys(("doc", "docx", "odt"), ("a Word document", _SAVE_TEXT)),
    **dict.fromkeys(("xls", "xlsx", "ods"), ("a spreadsheet", _SAVE_CSV)),
    **dict.fromkeys(("ppt", "pptx", "odp"), ("a presentation", _SAVE_TEXT)),
    "epub": ("an e-book", _SAVE_TEXT),
    "zip": ("a ZIP archive", _UNPACK),
    "tar": ("a tar archive", _UNPACK),
    **{
        name: (f"a {name} archive", _UNPACK)
        for name in ("rar", "7z", "bz2", "xz", "gz", "Z", "lz", "zst", "lzop")
    },
    "sqlite": ("an SQLite database", "export its table as CSV"),
}
_FAMILIES = {
    "image": "a picture",
    "audio": "a sound file",
    "video": "a video",
    "font": "a font",
    "application": "a program",
}
_ODF = re.compile(rb"mimetypeapplication/(?:vnd\.oasis\.opendocument\.(\w+)|epub)")
_OFFICE = ((b"word/", "docx"), (b"xl/", "xlsx"), (b"ppt/", "pptx"))
_HTML = re.compile(
    r"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body)\b",
    re.IGNORECASE | re.DOTALL,
)
_LATEX = re.compile(
    r"^\s*\\(?:documentclass|documentstyle|begin\{document\}|bibitem|begin\{thebibliography\})", re.MULTILINE
)


def binary_kind(data: bytes) -> str | None:
    """Return what a file that begins with `data` is, with the remedy, if it is known not to be text."""
    for beginning, name, remedy in _BEGINNINGS:
        if data.lstrip(b"\xef\xbb\xbf\r\n ").startswith(beginning):
            return refusal(name, remedy)
    return None


def unreadable(data: bytes) -> str:
    """Return what a binary file is, with the remedy."""
    import filetype

    if data.startswith(b"PK"):
        if found := _ODF.search(data[:200]):
            return refusal("an OpenDocument file or e-book", _SAVE_TEXT if found else _UNPACK)
        name = next((name for mark, name in _OFFICE if mark in data), "zip")
        return refusal(*_KINDS[name])
    kind = filetype.guess(data)
    if kind is not None:
        family = _FAMILIES.get(kind.mime.split("/")[0], "a file")
        return refusal(*_KINDS.get(kind.extension, (f"{family} ({kind.extension})", _SAVE_TEXT)))
    return "binary file, no text; save the abstracts as plain text in UTF-8"


def markup_kind(head: str) -> str | None:
    """Return what a text that begins with `head` is, with the remedy, if it is a page or a LaTeX source."""
    if _HTML.match(head):
        return refusal(
            "an HTML page", "save its abstracts as plain text, or export the citations from the site"
        )
    if _LATEX.search(head[:2000]):
        return refusal("a LaTeX source", "save its abstract as plain text")
    return None


def refusal(name: str, remedy: str) -> str:
    """Return the reason why a file of a named kind is not read."""
    return f"{name}, which is not read; {remedy}"
