"""The words of the Ask tab: composer, conversation, sources."""

from __future__ import annotations

from ui.words import Label, Part

# Composer
QUESTION = Label("Question", "问题")
PLACEHOLDER = Label("Ask about the abstracts", "就这些摘要提问")
ASK = Label("Ask", "提问")
STOP = Label("Stop", "停止")
CLEAR = Label("New conversation", "新对话")
ASKED_SOON = Label("Asked as soon as the page has loaded.", "页面加载完成后立即提问。")
HINT = Label("Enter to send · Shift+Enter for a new line", "Enter 发送 · Shift+Enter 换行")
TOO_LONG = Label(
    "The question has {n:,} characters; shorten it to at most {most}. It is still in the box.",
    "问题有 {n:,} 个字符，请缩短到 {most} 个以内；原文仍在输入框中。",
)
NOTHING_THERE = Label("That turn is not there any more; reload the page.", "这一轮已不存在，请刷新页面。")
NO_MODEL = Label("That model is not here any more; choose another one.", "该模型已不在本机，请选择其他模型。")
NO_QUESTION = Label("Write a question first.", "请先输入问题。")

# Conversation
CONVERSATION = Label("Conversation", "对话")
WELCOME = Label(
    "Ask in English or Chinese. The answer comes from the abstracts alone, and each sentence names the "
    "abstract "
    "it rests on; when they do not answer, the page says so.",
    "可用中文或英文提问。回答只依据已收录的摘要，逐句注明出处；摘要没有答案时会直接说明。",
)
ASKED = Label("Question: ", "问题：")
READ_AS = Label("Read as: ", "理解为：")
SEARCHING = Label("Searching the abstracts", "正在检索摘要")
READING = Label("Reading {n} abstract{s}", "正在阅读 {n} 篇摘要")
READING_ONE = Label("Reading the abstract", "正在阅读摘要")
READING_NUMBER = Label("Reading abstract {done} of {total}", "正在阅读第 {done} 篇摘要，共 {total} 篇")
LOADING_EMBEDDER = Label("Loading the search model", "正在加载检索模型")
NEXT_IN_LINE = Label("You are next", "下一个就是您")
IN_LINE = Label("Waiting in line, place {n}", "排队等候，第 {n} 位")
STAGES = {
    "loading": Label("Loading the language model", "正在加载语言模型"),
    "waiting": NEXT_IN_LINE,
    "interpreting": Label("Understanding the question", "正在理解问题"),
    "rewriting": Label("Understanding the follow-up", "正在理解追问"),
    "searching": SEARCHING,
    "translating": Label("Translating the answer", "正在翻译回答"),
}
PREPARED = Label("{done} of {n} abstract{s} prepared", "已预读 {done}/{n} 篇摘要")
WEAK = Label("only weakly supported", "依据较弱")
SOURCE = Label("Source {n}", "来源 {n}")
REFUSED = Label("No answer in the abstracts", "摘要中没有答案")
BROKE_OFF = Label(
    "The answer broke off because of a fault in citefold; the terminal that serves this page shows it.",
    "citefold 内部出错，回答中断；详情见运行本页面的终端。",
)

# An answer as a table
TABLE = Label("What each abstract says", "各篇摘要的说法")
COLUMN_PAPER = Label("Paper", "论文")
COLUMN_SAYS = Label("What it says", "说了什么")
COLUMN_WORDS = Label("Its words", "原文")

# The card of a citation
CARD = Label("Source {n}", "来源 {n}")
TO_SOURCE = Label("Show in the sources", "在来源中查看")
TRANSLATE = Label("Translate", "翻译")
TRANSLATING = Label("Translating", "正在翻译")
TRANSLATED = Label(
    "Translated by the language model; the quotation above counts.", "由语言模型翻译，以上方原文为准。"
)
NOT_TRANSLATED = Label(
    "The model's translation lost a number or a name, so it is not shown.",
    "模型的译文丢失了数字或名称，故不显示。",
)

# Below an answer
SOURCE_COUNT = Label("{n} source{s}", "{n} 个来源")
CUT_SHORT = Label("Stopped before the end", "未写完即停止")
BARE = Label("{n} sentence{s} without a source", "{n} 句没有来源")
WEAK_COUNT = Label("{n} sentence{s} only weakly supported", "{n} 句依据较弱")
DROPPED = Label("{n} sentence{s} left out: supported by no abstract", "略去 {n} 句：没有摘要支持")
UNKNOWN = Label("{n} marker{s} left out: no such source", "略去 {n} 个标记：没有对应来源")
FROM_INDEX = Label("from the index, {seconds} s", "由索引作答，{seconds} 秒")
FIRST_WORD = Label("first word {seconds} s", "首字 {seconds} 秒")
BY_MODEL = Label("answered by {name}", "由 {name} 作答")
AMONG = Label("asked of {n} chosen abstract{s} only", "只问了所选 {n} 篇摘要")
COMPLETE = Label("complete {seconds} s", "完成 {seconds} 秒")

# Status line
STATUS_ERROR = Label("The question could not be answered.", "未能回答这个问题。")
STATUS_STOPPED = Label("Stopped.", "已停止。")
STATUS_ANSWERED = Label("Answered.", "已回答。")
STATUS_LISTED = Label("Answered from the index, listing {n} abstract{s}.", "已由索引作答，列出 {n} 篇摘要。")
STATUS_REFUSED = Label("No answer in the abstracts.", "摘要中没有答案。")
STATUS_CITED = Label("Answered, citing {n} abstract{s}.", "已回答，引用 {n} 篇摘要。")
STATUS_SEARCHING = Label("Searching the abstracts…", "正在检索摘要…")
STATUS_FOUND = Label("{n} source{s} found; writing the answer…", "找到 {n} 个来源，正在作答…")

# Sources
SOURCES = Label("Sources", "来源")
SOURCES_EMPTY = Label(
    "The abstracts found for a question appear here before the answer begins.",
    "检索到的摘要会先于回答显示在这里。",
)
ABOUT = Label("for the question: ", "所答问题：")
SEARCHING_SOURCES = Label("Searching", "正在检索")
NONE_NEEDED = Label("No abstracts were needed", "无需查阅摘要")
RETRIEVED = Label("Retrieved", "检索到")
LISTED = Label("Listed", "已列出")
CITED = Label("Cited", "已引用")
ALSO_RETRIEVED = Label("Also retrieved", "其他检索结果")
NONE_CITED = Label("Retrieved, none cited", "检索到，均未引用")
CLOSEST = Label("Closest", "最接近")
NOT_ANSWERING = Label("Closest, not answering", "最接近，但未回答")

# Source cards
BADGE = Label("Source ", "来源 ")
LANGUAGES = {"en": Label("English", "英文"), "zh": Label("Chinese", "中文")}
AND_OTHERS = Label(" et al.", " 等")
LINK = Label("Link", "链接")
FILES = Label("in {n} file{s}", "见于 {n} 个文件")
RECORD = Label(": record {n}", "：第 {n} 条")
WHOLE = Label("Whole abstract", "摘要全文")
BACK = Label("Back to the answer", "回到回答")

PARTS: list[Part] = [
    ("#question label > span", "", QUESTION),
    ("#question textarea", "placeholder", PLACEHOLDER),
    ("#send", "", ASK),
    ("#stop", "", STOP),
    ("#clear", "", CLEAR),
    ("#chat", "aria-label", CONVERSATION),
    ("#sources", "aria-label", SOURCES),
]
