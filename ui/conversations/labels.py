"""The words of the conversations panel, in both languages."""

from __future__ import annotations

from ui.labels import Label

UNREADABLE = Label(
    "This turn was saved in a form that cannot be read; ask the question again.",
    "这一轮的保存内容无法读取，请重新提问。",
)

# The file
DAMAGED = Label(
    "The file of saved conversations was damaged; it is kept as {name}, and a new one begins.",
    "对话存档文件已损坏，原文件保留为 {name}，现已新建存档。",
)
NOT_KEPT = Label(
    "Conversations are not saved: {path} cannot be used ({why}); make it writable, or name another folder "
    "with RAG_CONVERSATIONS.",
    "对话未保存：{path} 无法使用（{why}），请设为可写，或用 RAG_CONVERSATIONS 指定其他文件夹。",
)
NEWER = Label(
    "Conversations are not saved: a newer version of citefold wrote {path}; install that version, or name "
    "another folder with RAG_CONVERSATIONS.",
    "对话未保存：{path} 由更新版本的 citefold 写入，请安装该版本，或用 RAG_CONVERSATIONS 指定其他文件夹。",
)
UNUSABLE = Label(
    "The saved conversations cannot be used now ({why}); free some space, or name another folder with "
    "RAG_CONVERSATIONS.",
    "对话存档暂时无法使用（{why}），请腾出磁盘空间，或用 RAG_CONVERSATIONS 指定其他文件夹。",
)

# Ratings
NOT_RATED = Label(
    "The rating cannot be saved in {path} ({why}); make it writable, or name another folder with "
    "RAG_CONVERSATIONS.",
    "评价无法保存到 {path}（{why}），请设为可写，或用 RAG_CONVERSATIONS 指定其他文件夹。",
)
