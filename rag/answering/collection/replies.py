"""Fixed replies to small talk, and sentences about the collection; strings only."""

from __future__ import annotations

from collections.abc import Mapping

from rag.schema import Language

CHAT: dict[str, dict[Language, str]] = {
    "greeting": {
        "en": "Hello! Ask me about the abstracts in this collection, in English or Chinese.",
        "zh": "你好！可以用中文或英文向我提问，我会依据收录的摘要回答。",
    },
    "thanks": {"en": "You are welcome. Ask on whenever you like.", "zh": "不客气，欢迎继续提问。"},
    "fine": {"en": "Good. Ask on whenever you like.", "zh": "好的，欢迎继续提问。"},
    "bye": {"en": "Goodbye!", "zh": "再见！"},
    "help": {
        "en": "I answer questions from the abstracts in this collection, in English or Chinese, and cite the "
        "abstract behind each sentence; when they do not answer, I say so. You can also ask how many "
        "abstracts there are, what the collection is about, or for a list, such as “list papers about …”.",
        "zh": "我用中文或英文回答问题，只依据收录的摘要，逐句注明出处；摘要没有答案时会直接说明。"
        "也可以问我收录了多少篇摘要、这个库是关于什么的，或者让我“列出关于……的论文”。",
    },
}

NAMES: dict[Language, dict[Language, str]] = {
    "en": {"en": "English", "zh": "Chinese"},
    "zh": {"en": "英文", "zh": "中文"},
}

# Sentences about the collection by name. `{s}` is the plural s that belongs to `{n}`.
COLLECTION: dict[str, dict[Language, str]] = {
    "count": {
        "en": "The collection holds {n:,} distinct abstract{s}{languages}.",
        "zh": "共收录{n}篇不同的摘要{languages}。",
    },
    "read": {
        "en": "Records read: {records:,}, from {files:,} file{s}, with {repeats:,} "
        "of them folded as repeats.",
        "zh": "它们读自{files}个文件中的{records}条记录，其中{repeats}条重复已合并。",
    },
    "written": {
        "en": "Abstracts in {language}: {n:,} of {total:,}.",
        "zh": "{total}篇摘要中有{n}篇是{language}的。",
    },
    "nothing": {"en": "No abstract passes the filters.", "zh": "没有摘要符合筛选条件。"},
    "files": {
        "en": "The collection was read from {n:,} file{s}: {names}.",
        "zh": "收录内容读自{n}个文件：{names}。",
    },
    "about": {
        "en": "These papers stand for the most others; in brackets, how many abstracts are nearest to each:",
        "zh": "以下论文最能代表其余论文，括号内是与其最接近的摘要数：",
    },
    "list": {"en": "{n:,} abstract{s} in the collection:", "zh": "收录的{n}篇摘要："},
    "list_written": {"en": "{n:,} abstract{s} in {language}:", "zh": "{n}篇{language}摘要："},
    "named": {"en": "{n:,} abstract{s} with the words “{topic}”:", "zh": "{n}篇摘要写到“{topic}”："},
    "possible": {
        "en": "Judged by meaning, these may be on “{topic}” too:",
        "zh": "按语义判断，以下摘要可能也与“{topic}”有关：",
    },
    "only possible": {
        "en": "No abstract has the words “{topic}”. Judged by meaning, these may be on it:",
        "zh": "没有摘要写到“{topic}”。按语义判断，以下摘要可能与之有关：",
    },
    "none": {"en": "I found no abstract plainly on “{topic}”.", "zh": "没有找到明确与“{topic}”有关的摘要。"},
    "more": {"en": "… and {n:,} more.", "zh": "……另有{n}篇。"},
    "origin": {"en": "“{title}” was read from {names}.", "zh": "“{title}”读自{names}。"},
    "place": {"en": "{file} (record {position})", "zh": "{file}（第{position}条）"},
}


def format_message(
    name: str,
    language: Language,
    texts: Mapping[str, Mapping[Language, str]] = COLLECTION,
    /,
    **values: object,
) -> str:
    """Return the sentence of this name; `{s}`, `{es}`, `{have}` and `{they}` agree with `{n}`."""
    one = values.get("n") == 1
    words = (
        {"s": "", "es": "s", "have": "has", "they": "it"}
        if one
        else {"s": "s", "es": "", "have": "have", "they": "they"}
    )
    return texts[name][language].format(**words | values)
