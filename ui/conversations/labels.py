"""The words of the conversations panel, in both languages."""

from __future__ import annotations

from ui.words import Label

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

# The panel
PANEL = Label("Conversations", "对话记录")
NEW = Label("New conversation", "新对话")
SEARCH = Label("Search conversations", "搜索对话")
CLOSE = Label("Close", "关闭")
TODAY = Label("Today", "今天")
YESTERDAY = Label("Yesterday", "昨天")
EMPTY = Label("Conversations are saved here as you ask.", "提问后，对话会自动保存在这里。")
NO_READER = Label(
    "Conversations are not saved: this browser keeps no cookie; allow cookies for this page.",
    "对话未保存：浏览器未接受 Cookie，请允许本页使用 Cookie。",
)
NONE_FOUND = Label("No conversation holds these words.", "没有包含这些词的对话。")
FOUND = Label("{n} conversation{s} found", "找到 {n} 个对话")
OLDER = Label("Show older", "显示更早的")
RENAME_ONE = Label("Rename “{title}”", "重命名“{title}”")
TITLE = Label("Title", "标题")
SAVE = Label("Save", "保存")
CANCEL = Label("Cancel", "取消")
DELETE = Label("Delete", "删除")
DELETE_ONE = Label("Delete “{title}”", "删除“{title}”")
DELETE_SURE = Label("Delete this conversation for good?", "永久删除这个对话？")
DELETE_ALL = Label("Delete all…", "全部删除…")
DELETE_ALL_SURE = Label("Delete all conversations for good?", "永久删除全部对话？")
KEEP = Label("Keep", "保留")
DELETED = Label("Deleted.", "已删除。")
DELETED_ALL = Label("{n} conversation{s} deleted.", "已删除 {n} 个对话。")
RENAMED = Label("Renamed.", "已重命名。")
GONE = Label(
    "This conversation is not there any more; it may have been deleted.", "这个对话已不存在，可能已被删除。"
)
SHARED = Label(
    "You are reading a shared conversation. What you ask here goes on in a copy of your own.",
    "这是他人分享的对话。您在此提问后，会在您自己的副本中继续。",
)

# Below an answer
BROKE_OFF = Label(
    "This answer broke off before its end. Retry, or reload the page if another window still writes it.",
    "回答中途中断。可以重试；若另一窗口仍在生成，请刷新页面。",
)
AGAIN = Label("Retry", "重试")
AGAIN_WITH = Label("Retry with the model", "重试所用模型")
IN_USE = Label("in use", "使用中")
EDIT = Label("Edit question", "修改问题")
EDITED = Label("Question, edited", "修改后的问题")
RESEND = Label("Ask", "提问")
EDIT_NOTE = Label(
    "The edited question begins a new conversation; this one stays as it is.",
    "修改后的问题会开始一个新对话，原对话保持不变。",
)
RATE = Label("Rate this answer", "评价这个回答")
UP = Label("Good answer", "回答得好")
DOWN = Label("Bad answer", "回答得不好")
REMARK_HINT = Label("Remark: what was good, or wrong?", "备注：哪里好，或哪里不对？")
RATING_SAVED = Label("Saved on this machine.", "已保存在本机。")

# Sources of an older turn
NOT_THERE = Label("no longer in the library", "已不在文献库中")
KEPT_AS = Label("now kept as “{title}”", "现已并入“{title}”")
KEPT_UNTITLED = Label("now kept as another abstract with the same content", "现已并入另一篇内容相同的摘要")
