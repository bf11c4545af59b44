"""The words of copying and exporting."""

from __future__ import annotations

from ui.words import Label

COPY = Label("Copy", "复制")
COPIED = Label("Copied", "已复制")
NOT_COPIED = Label("Not copied: the browser forbids it", "未复制：浏览器不允许")
EXPORT = Label("Export", "导出")
EXPORT_ALL = Label("Export conversation", "导出对话")
ANSWER = Label("Answer", "回答")
CONVERSATION = Label("Conversation", "对话")
PAPERS = Label("Cited papers", "引用的论文")

FORMS = {
    "markdown": Label("Markdown"),
    "html": Label("HTML to print", "HTML（可打印）"),
    "json": Label("JSON with evidence", "JSON（含原文依据）"),
    "csv": Label("Table (CSV)", "表格（CSV）"),
    "bibtex": Label("BibTeX"),
    "ris": Label("RIS"),
    "csl": Label("CSL-JSON"),
}
