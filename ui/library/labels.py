"""The words of the Library tab."""

from __future__ import annotations

from ui.words import Label, Part

# Views
VIEW_LIST = Label("List", "列表")
VIEW_MAP = Label("Map", "地图")
VIEW_ADD = Label("Add papers", "添加论文")

# Search and order
FIND = Label("Find in the library", "在文库中查找")
FIND_HINT = Label("Words, an author, a venue, a keyword or a DOI", "关键词、作者、期刊、DOI")
SEARCH = Label("Find", "查找")
ORDER = Label("Order:", "排序：")
ORDERS = {
    "relevance": Label("best match", "相关度"),
    "year": Label("newest", "年份"),
    "title": Label("title", "标题"),
    "added": Label("last added", "最近添加"),
}
YEARS = Label("Years", "年份")
YEARS_HINT = Label("Years: 2018-2020", "年份：2018-2020")
WRONG_YEARS = Label("Write years as 2020, 2018-2020 or 2018-.", "年份请写作 2020、2018-2020 或 2018-。")
FILTERS = Label("Filters", "筛选")
FIELDS = {
    "language": Label("Language", "语言"),
    "year": Label("Year", "年份"),
    "venue": Label("Journal or conference", "期刊或会议"),
    "author": Label("Author", "作者"),
    "keyword": Label("Keyword", "关键词"),
    "source": Label("File", "文件"),
}
SHOW_FILTERS = Label("Filters", "筛选条件")
MORE = Label("Show {n} more", "再显示 {n} 项")  # there may be more than are listed
WITHOUT = Label("Clear the filters", "清除筛选")
WITHOUT_ONE = Label("Take off the filter {name}", "取消筛选 {name}")

# The list
FOUND = Label("{n} abstract{s}", "{n} 篇摘要")
NEAREST = Label(
    "No abstract has all these words. These are the nearest in meaning:",
    "没有摘要含有全部这些词。以下是语义上最接近的：",
)
NOTHING = Label("No abstract passes the filters.", "没有摘要符合筛选条件。")
EMPTY = Label("The library is empty.", "文库是空的。")
EMPTY_INVITES = Label(
    "Add abstracts to begin: exports of Zotero, PubMed, CNKI and others, or plain text.",
    "请先添加摘要：Zotero、PubMed、知网等导出的文件，或纯文本。",
)
EMPTY_WAITS = Label(
    "Whoever runs this server can add abstracts with the command `rag add`.",
    "运行本服务器的人可用命令 `rag add` 添加摘要。",
)
CHOOSE = Label("Choose: {title}", "选择：{title}")
CHOOSE_ALL = Label("Choose all {n}", "全选 {n} 篇")
PREVIOUS = Label("Previous", "上一页")
NEXT = Label("Next", "下一页")
PAGE = Label("{first} to {last} of {n}", "第 {first} 至 {last} 篇，共 {n} 篇")

# What is chosen
CHOSEN = Label("{n} chosen", "已选 {n} 篇")
ASK_THESE = Label("Ask about these", "就所选提问")
CHOOSE_NONE = Label("Choose none", "取消选择")
SCOPE = Label("Asking {n} chosen abstract{s} only", "只就所选 {n} 篇摘要提问")
ASK_ALL = Label("Ask the whole library", "就全部文库提问")

# One work
AUTHORS = Label("Authors", "作者")
VENUE = Label("Published in", "发表于")
YEAR = Label("Year", "年份")
KEYWORDS = Label("Keywords", "关键词")
FOUND_IN = Label("Found in", "见于")
LANGUAGE_NAMES = {"en": Label("English", "英文"), "zh": Label("Chinese", "中文")}
TWO_TEXTS = Label(
    "One work in two languages: an abstract and its translation.", "同一篇论文的两种语言：摘要及其译文。"
)
GONE = Label("This abstract is no longer in the library.", "该摘要已不在文库中。")
LOADING = Label("Loading…", "正在载入…")
FOLDED = Label("{n} repeat{s} folded into this", "已并入 {n} 条重复记录")
REASONS = {
    "exact": Label("the same text", "文本相同"),
    "near": Label("nearly the same abstract", "摘要几乎相同"),
    "doi": Label("the same DOI", "DOI 相同"),
    "identifier": Label("the same arXiv id or PMID", "arXiv 编号或 PMID 相同"),
    "metadata": Label("the same title, authors and year", "标题、作者和年份相同"),
    "by hand": Label("joined by hand", "手动合并"),
}
LIKE = Label("{n} % alike", "相似度 {n}%")
SPLIT = Label("Not the same work", "不是同一篇")
SPLIT_DONE = Label("The two records are two works from now on.", "这两条记录今后视为两篇。")
JOIN = Label("Undo", "撤销")
JOIN_DONE = Label("The two records are one work again.", "这两条记录又合并为一篇。")

# Map
MAP_WAITS = Label("Drawing the map…", "正在绘制地图…")
MAP_EMPTY = Label("The map needs at least three abstracts.", "至少要有三篇摘要才能绘制地图。")
MAP_SAYS = Label(
    "Abstracts of like meaning stand near each other. Draw around some, or press one, to choose them.",
    "语义相近的摘要彼此靠近。圈选或点击即可选择。",
)
MAP_EVERY = Label("Every {n}th abstract is drawn.", "每 {n} 篇绘制一篇。")
COLOUR = Label("Colour:", "着色：")
COLOURS = {"cluster": Label("cluster", "主题群"), "language": Label("language", "语言")}
CLUSTER = Label("cluster {n}", "群 {n}")

# Adding
ADD_SAYS = Label(
    "Exports of Zotero, EndNote, PubMed, Scopus, Web of Science, arXiv or CNKI, tables, JSON, Markdown or "
    "plain text; any encoding. Repeats are folded, nothing is lost.",
    "可添加 Zotero、EndNote、PubMed、Scopus、Web of Science、arXiv、知网等导出文件，"
    "以及表格、JSON、Markdown、纯文本，编码不限。重复的会合并，内容不会丢失。",
)
ADD_OFF = Label(
    "Papers can be added only on the machine that runs citefold, or after signing in.",
    "只有在运行 citefold 的机器上，或登录之后，才能添加论文。",
)
DROP = Label("Drop files here, or press to choose", "将文件拖到此处，或点击选择")
PASTE = Label("Or paste abstracts", "或粘贴摘要")
PASTE_HINT = Label("A blank line between two abstracts", "两篇摘要之间空一行")
PATH = Label("Or name a file or folder of this machine", "或填写本机的文件或文件夹")
ADD = Label("Add", "添加")
STOP = Label("Stop adding", "停止添加")
NOTHING_GIVEN = Label("Give files, text or a path first.", "请先给出文件、文本或路径。")
NO_PATHS = Label(
    "A path can be named only on the machine that runs citefold.",
    "只有在运行 citefold 的机器上才能填写路径。",
)
BUSY = Label("Papers are being added already; wait until that has finished.", "正在添加论文，请等待完成。")
STAGES = {
    "Reading": Label("Reading", "读取"),
    "Folding": Label("Finding repeats", "查找重复"),
    "Embedding": Label("Embedding", "计算向量"),
    "Storing": Label("Storing", "写入"),
}
STAGE_COUNT = Label("{done} of {total}", "{done} / {total}")
RATE = Label("{rate} a second", "每秒 {rate} 条")
LEFT = Label("about {time} left", "约剩 {time}")
STARTING = Label("Starting; the models may have to load", "正在开始，可能要先载入模型")
ADDED = Label("{n} abstract{s} added", "新增 {n} 篇摘要")
FOLDED_INTO = Label("{n} record{s} folded as repeats", "{n} 条重复记录已合并")
INTO = Label("into", "并入")
NOT_READ = Label("{n} record{s} or file{s} not read", "{n} 条记录或文件未读取")
NOTHING_NEW = Label("Nothing new: the library holds all of it already.", "没有新内容：文库中都已有。")
RECORD = Label("record {n}", "第 {n} 条")
AND_MORE = Label("and {n} more", "另有 {n} 条")
FAULT = Label(
    "Adding broke off because of a fault in citefold; the terminal that serves this page shows it.",
    "citefold 内部出错，添加中断；详情见运行本页面的终端。",
)

PARTS: list[Part] = [
    *[(f"#view-{name}-button", "", label) for name, label in
      (("list", VIEW_LIST), ("map", VIEW_MAP), ("add", VIEW_ADD))],
    *[(f"#views .visually-hidden button:nth-child({n})", "", label)
      for n, label in enumerate((VIEW_LIST, VIEW_MAP, VIEW_ADD), 1)],
    ("#find label > span", "", FIND),
    ("#find input", "placeholder", FIND_HINT),
    ("#find-go", "", SEARCH),
    ("#years label > span", "", YEARS),
    ("#years input", "placeholder", YEARS_HINT),
    ("#paste label > span", "", PASTE),
    ("#paste textarea", "placeholder", PASTE_HINT),
    ("#path label > span", "", PATH),
    ("#add-go", "", ADD),
    ("#add-stop", "", STOP),
]  # fmt: skip
