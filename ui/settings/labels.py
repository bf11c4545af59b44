"""The words of the Settings tab."""

from __future__ import annotations

from ui.words import Label, Part

# Answer model
MODEL = Label("Answer model", "回答模型")
MODEL_ABOUT = Label(
    "The model that words the answers. A change holds from the next question on; answers in progress end "
    "with the old model.",
    "负责撰写回答的模型。更改从下一个问题起生效；正在写的回答仍由原来的模型完成。",
)
IN_USE = Label("In use", "使用中")
HERE = Label("on this machine", "在本机运行")
AT = Label("at {host}", "位于 {host}")
KIND = Label("Kind of model", "模型类型")
PACKAGED = Label("Packaged", "随附模型")
GGUF = Label("GGUF file", "GGUF 文件")
ENDPOINT = Label("Endpoint", "接口服务")
WHICH = Label("Packaged model", "随附模型")
FILE = Label("Path of the GGUF file", "GGUF 文件路径")
ADDRESS = Label("Address", "地址")
NAME = Label("Model", "模型名称")
KEY = Label("Key, if it needs one", "密钥（如需要）")
KEEP_KEY = Label("Keep the key in the settings file", "将密钥保存在设置文件中")
KEY_ABOUT = Label(
    "The key goes to this address only and is never shown again. Unless you keep it, it is forgotten when "
    "citefold stops.",
    "密钥只发送到该地址，且不再显示。若不保存，citefold 停止后即被遗忘。",
)
LEAVES = Label(
    "With an endpoint on another machine, your questions and the abstracts found for them are sent there.",
    "若接口服务在别的机器上，你的问题和检索到的摘要会发送到那里。",
)
TEST = Label("Test", "测试")
USE = Label("Use this model", "使用此模型")
TESTING = Label("Asking the model for one word…", "正在请模型回答一个词…")
WORKS = Label("{name} answers; first word after {seconds} s.", "{name} 可用；{seconds} 秒后出首字。")
WORKS_HERE = Label("It runs on this machine; no text leaves it.", "它在本机运行，文本不会离开本机。")
WORKS_AWAY = Label("Text would be sent to {host}.", "文本将发送到 {host}。")
MISSING = Label("Write the {what} first.", "请先填写{what}。")
MISSING_FILE = Label("path of the file", "文件路径")
MISSING_ADDRESS = Label("address", "地址")
MISSING_NAME = Label("name of the model", "模型名称")
PER_CHAT = Label("How it reads the sources", "阅读来源的方式")
PER_CHAT_OPTIONS = {
    "auto": Label("As suits its size", "按模型大小决定"),
    "one": Label("One after the other", "逐篇阅读"),
    "all": Label("All at once", "一次读完"),
}

# When to answer
ANSWERING = Label("When to answer", "何时作答")
REFUSAL = Label("If it is not sure that the abstracts answer", "不能确定摘要是否有答案时")
STRICT = Label("Strict: refuse unless they probably do", "严格：多半有答案才作答")
LENIENT = Label("Lenient: answer if they may", "宽松：可能有答案就作答")
REFUSAL_ABOUT = Label(
    "Every sentence is held against its abstract in both. Measured on development questions with the default "
    "model (docs/decisions.md); other models decide by themselves.",
    "两种方式都逐句核对摘要。下表为默认模型在开发用问题上的测量结果（docs/decisions.md）；其他模型自行判断。",
)
NO_ANSWER = Label("No abstract answers: refused", "摘要没有答案：已拒答")
HAS_ANSWER = Label("An abstract answers: wrongly refused", "摘要有答案：误拒答")
OF = Label("{part} of {whole}", "{part}/{whole}")
STRICT_SHORT = Label("Strict", "严格")
LENIENT_SHORT = Label("Lenient", "宽松")
SOURCES = Label("Sources for an answer (1 to 20)", "每个回答的来源数（1 至 20）")
COUNT = Label("Write a whole number from 1 to 20.", "请填写 1 到 20 之间的整数。")
SOURCES_ABOUT = Label(
    "More sources find more and take longer: the packaged model reads one after the other.",
    "来源越多，找到的越多，也越慢：随附模型逐篇阅读。",
)

# Language
LANGUAGE = Label("Language of the page", "页面语言")
LANGUAGE_ABOUT = Label("Answers are written in the language of the question.", "回答使用提问时的语言。")

# What is prepared, and where it lies
PREPARED = Label("Prepared abstracts", "已预读的摘要")
PREPARED_ABOUT = Label(
    "The packaged model reads abstracts beforehand, while nobody asks, so that answers about them start "
    "sooner: some 4 s and 7 MB an abstract.",
    "随附模型会在空闲时预读摘要，使相关回答更快开始：每篇约 4 秒、7 MB。",
)
NOT_NEEDED = Label("This model needs nothing prepared.", "该模型无需预读。")
SHARE = Label("{done} of {total} prepared", "已预读 {done} / {total} 篇")
PREPARE = Label("Prepare now", "立即预读")
STOP = Label("Stop", "停止")
DISK = Label("On disk", "磁盘占用")
EMBEDDING = Label("Finds abstracts", "检索摘要")
WORDING = Label("Words answers", "撰写回答")
RERANKING = Label("Orders what was found", "重排检索结果")
INDEX = Label("Index with prepared abstracts", "索引（含预读摘要）")
WHERE = Label("Settings file", "设置文件")

# What happened
SAVED = Label("Changed and saved.", "已更改并保存。")
OVERRULED = Label(
    "At the next start {names} of the environment wins over it.", "下次启动时，环境变量 {names} 优先。"
)
CLOSED = Label(
    "Settings can be changed only where the page is served to this machine alone; here they come from the "
    "settings file.",
    "只有仅供本机使用的页面才能更改设置；这里的设置来自设置文件。",
)

_KINDS = (PACKAGED, GGUF, ENDPOINT)
_REFUSALS = (STRICT, LENIENT)


def _options(name: str, labels: tuple[Label, ...]) -> list[Part]:
    return [(f"#{name} label:nth-of-type({place}) span", "", label) for place, label in enumerate(labels, 1)]


PARTS: list[Part] = [
    ("#set-kind [data-testid='block-info']", "", KIND),
    *_options("set-kind", _KINDS),
    ("#set-packaged [data-testid='block-info']", "", WHICH),
    ("#set-file [data-testid='block-info']", "", FILE),
    ("#set-address [data-testid='block-info']", "", ADDRESS),
    ("#set-name [data-testid='block-info']", "", NAME),
    ("#set-key [data-testid='block-info']", "", KEY),
    ("#set-keep span", "", KEEP_KEY),
    ("#set-test", "", TEST),
    ("#set-use", "", USE),
    ("#set-reads [data-testid='block-info']", "", PER_CHAT),
    *_options("set-reads", tuple(PER_CHAT_OPTIONS.values())),
    ("#set-refusal [data-testid='block-info']", "", REFUSAL),
    *_options("set-refusal", _REFUSALS),
    ("#set-sources [data-testid='block-info']", "", SOURCES),
    ("#set-sources input", "aria-label", SOURCES),
    ("#set-prepare", "", PREPARE),
    ("#set-halt", "", STOP),
]
