"""Which messages are small talk or about the collection, and that no question of science is taken for one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.answering.router import recognise
from rag.text.language import detect_language

CHAT = """
greeting | Hi / hello! / Hello there / Good morning. / Hey, how are you? / 你好 / 您好！ / 你好啊 / 早上好 / 大家好
greeting | 嗨，在吗？ / 下午好！ / HELLO?? / hi 👋
thanks | Thanks! / Thank you very much for your help. / ok, thanks / Great, thank you! / That's helpful, thanks a lot 🙏
thanks | 谢谢 / 谢谢你的帮助！ / 非常感谢 / 好的，谢谢 / 多谢了 / 謝謝 / 辛苦了
fine | Got it. / OK / Makes sense. / 明白了 / 好的 / 太好了！ / 原来如此
bye | bye / Good bye! / Thanks, bye. / That's all for today. / 再见 / 拜拜 / 谢谢，再见！
help | What can you do? / Hi! What can you do for me? / Who are you? / help / How do I use this? / 你能做什么？
help | What kind of questions can I ask? / Do you speak Chinese? / Which languages do you understand? / 你是谁？
help | 你可以帮我做什么 / 你好，你会什么？ / 怎么用？ / 我可以问什么问题？ / 你能用中文回答吗？ / 你有什么功能？
"""
# What is asked | about what | in which language | questions
ASK = """
count | - | - | How many abstracts are there? / How many papers are in this collection? / how many papers do you have
count | - | - | How many articles are indexed? / Hi, how many papers are there? / How many duplicates were removed?
count | - | - | Which languages are the papers in? / How big is the collection? / 有多少篇摘要？ / 这里有多少篇论文？
count | - | - | 你有多少篇论文 / 一共有多少篇论文？ / 论文一共有多少篇？ / 这些论文是什么语言的？
count | - | zh | How many Chinese papers are there? / How many papers are in Chinese? / 库里收录了多少篇中文论文？ / 有多少篇论文是中文的？
count | - | en | How many abstracts are there in English? / 有几篇英文摘要？
count | quantization | - | How many papers are about quantization? / How many abstracts mention quantization?
count | 量化 | - | 有多少篇关于量化的论文？ / 多少篇论文涉及量化？
files | - | - | How many files are there? / Which files did you read? / List all files / 有多少个文件？ / 有哪些文件
about | - | - | What is this collection about? / What topics are covered? / What topics does this collection cover?
about | - | - | What are these papers about? / What's in this library? / Summarize this corpus / 这个文献库是关于什么的？
about | - | - | Give me an overview of the collection. / 这个库主要讲什么？ / 这些论文主要研究什么？ / 有哪些主题？ / 介绍一下这个文献库
list | - | - | list all papers / Please list all the abstracts / What papers do you have? / 请列出所有论文 / 有哪些论文？
list | - | zh | Which papers are in Chinese? / List the Chinese papers / 列出所有中文论文 / 哪些论文是中文的？
list | - | en | List the English abstracts / 有哪些英文论文
list | quantization | - | List papers about quantization / Which papers are about quantization? / papers on quantization
list | backdoor attacks | - | Which papers study backdoor attacks? / Do you have any papers on backdoor attacks?
list | vision transformers | - | Could you list papers about vision transformers, please? / Is there a paper about vision transformers?
list | 量化 | - | 列出关于量化的论文 / 哪些论文是关于量化的？ / 有没有关于量化的论文？ / 列出關於量化的論文 / 量化方面的论文
list | 推荐系统 | - | 找一下与推荐系统相关的论文 / 帮我找几篇关于推荐系统的文章 / 关于推荐系统的论文有哪些？ / 哪些论文研究推荐系统？
list | 大语言模型 | - | 你好，请列出关于大语言模型的论文。 / 有关于大语言模型的论文吗？
origin | muse | - | Which file does the paper about Muse come from? / Which file is the Muse paper in? / Muse的那篇论文来自哪个文件？
"""
SCIENCE = """
How many abstracts mention quantization and what do they find? / How many parameters does Muse have? / How many parameters
hello world program synthesis / thanks to which mechanism does the network converge? / Who made ImageNet?
Thanks to which mechanism does RevCol scale? / Which papers study backdoor attacks, and what does each attack?
Which papers report more than 90% accuracy on ImageNet? / Which paper proposes TinyMIM? / Which papers use ImageNet?
How many papers were used to train the summarizer? / How many documents are in the MS MARCO dataset?
How many papers does the survey review? / How many abstracts were annotated? / How many papers are reviewed?
How many files does the malware dataset contain? / What can you do to reduce hallucination? / And on ImageNet?
What can you tell me about quantization? / What do you know about LoRA? / What about the second one?
Thanks. And on ImageNet? / Hi, what FID does Muse reach on CC3M? / Hello, which dataset was used?
Good, but how many parameters does it have? / What topics are covered by the HAQ framework? / What is TinyMIM about?
What is this paper about? / What does the corpus of CAPTCHAs contain? / How large is the corpus of CAPTCHAs?
Summarize the papers about quantization / List papers about quantization that reach over 90% accuracy
List papers about quantization and explain how they differ / List the three mechanisms / List papers by Kaiming He
Which papers address the problem of catastrophic forgetting in class-incremental learning? / Find the FID of Muse
Is there a paper about quantization, and what bit width does it use? / goodbye to backpropagation?
help seeking behaviour in online courses / What languages does XLM-R cover? / How do I use LoRA?
Papers about quantization: what bit widths do they use? / What do the papers about quantization find?
Are there any papers about quantization which use 4 bits? / Which file formats are supported by the parser?
Nice results on which dataset? / OK Google detection accuracy / How many Chinese characters are in the dataset?
Compare the papers about quantization / How many records are in the EHR dataset? / How large is the dataset?
有多少参数？ / Muse有多少参数？ / 有多少篇论文提到量化，它们发现了什么？ / 哪些论文研究后门攻击，各自攻击什么？
哪些论文研究后门攻击以及分别攻击什么 / 列出关于量化的论文并说明它们的准确率 / 列出三种机制 / 列出使用的数据集
你好世界程序合成是什么 / 谢谢的情感分类准确率是多少？ / 这篇论文讲了什么？ / 这个方法是关于什么的？ / 这个数据集有多大？
该数据集包含多少篇文章？ / 数据集中有多少篇文章？ / 语料库中有多少个词？ / 这个语料库是怎么构建的？ / 综述回顾了多少篇论文？
你能解释一下HAQ吗？ / 你知道HAQ吗？ / 哪些论文使用了ImageNet？ / 哪篇论文提出了TinyMIM？ / 有多少张图像？
哪些论文在ImageNet上达到90%以上的准确率？ / 关于量化的论文得出了什么结论？ / 关于Muse的论文用了什么数据集？
关于量化的论文中哪些效果最好？ / 有没有关于量化的论文，用了多少比特？ / 那它的参数量呢？ / 它在ImageNet上呢？ / 第二个呢？
谢谢，那它的准确率呢？ / 你好，Muse的FID是多少？ / 好的，那在ImageNet上呢？ / 怎么使用LoRA微调？ / 如何用扩散模型预测风场？
帮助老年人的机器人有哪些功能？ / 再见性记忆是什么？ / 可以用于医学图像吗？ / 介绍一下SnowNet / 介绍一下这个方法
总结一下量化方法 / 论文的准确率是多少？ / 文献综述用了几篇论文？ / 哪些文件格式被支持？ / 有哪些数据集 / 主题模型有哪些主题？
图像分类方面的论文用了哪些数据集？ / 研究主题演化的模型是什么？
"""


def _split(line: str) -> list[str]:
    return [question.strip() for question in line.split(" / ")]


def _rows(table: str) -> list[tuple[str, ...]]:
    rows = [[cell.strip() for cell in line.split(" | ")] for line in table.strip().splitlines()]
    return [(*cells[:-1], question) for cells in rows for question in _split(cells[-1])]


NEGATIVE = [question for line in SCIENCE.strip().splitlines() for question in _split(line)]


@pytest.mark.parametrize(("kind", "question"), _rows(CHAT))
def test_small_talk_is_recognised(kind: str, question: str) -> None:
    talk = recognise(question)
    assert talk is not None
    assert (talk.chat, talk.ask) == (kind, None)
    assert talk.language == detect_language(question)


@pytest.mark.parametrize(("ask", "about", "written", "question"), _rows(ASK))
def test_questions_about_the_collection_are_recognised(
    ask: str, about: str, written: str, question: str
) -> None:
    talk = recognise(question)
    assert talk is not None
    assert (talk.chat, talk.ask, talk.about or "-", talk.written or "-") == (None, ask, about, written)


@pytest.mark.parametrize("question", NEGATIVE)
def test_a_question_of_science_is_left_to_the_abstracts(question: str) -> None:
    assert recognise(question) is None
    assert recognise(question, followed=True) is None


def test_the_table_is_large_and_half_chinese() -> None:
    every = NEGATIVE + [row[-1] for row in _rows(CHAT) + _rows(ASK)]
    assert len(every) >= 200
    assert 0.4 <= sum(detect_language(question) == "zh" for question in every) / len(every) <= 0.6


def test_after_earlier_turns_these_papers_are_those_of_the_turn_before() -> None:
    for question in ("What are these papers about?", "这些论文是关于什么的？", "Summarize this corpus"):
        assert recognise(question)
        assert recognise(question, followed=True) is None
    assert recognise("How many abstracts are there?", followed=True)


def test_a_list_may_say_how_many() -> None:
    for question in ("List 5 papers about vision transformers", "列出5篇关于图像生成的论文"):
        talk = recognise(question)
        assert talk is not None
        assert talk.limit == 5


@given(
    st.sampled_from(NEGATIVE),
    st.sampled_from(["Hi, ", "Hello! ", "Thanks. ", "你好，", "谢谢！"]),
    st.sampled_from(["", "!!", "？", " …", "\n"]),
)
def test_small_talk_around_a_question_never_swallows_it(question: str, before: str, after: str) -> None:
    assert recognise(before + question + after) is None


@given(st.text(max_size=300))
def test_any_text_is_read_without_an_error(text: str) -> None:
    recognise(text)


@pytest.mark.parametrize(
    "piece", ["你好", "hi ", "list all the ", "列出的", "帮我", "请给我", "papers on a ", "有哪些"]
)
def test_a_long_text_takes_little_time(piece: str) -> None:
    import time

    started = time.perf_counter()
    for length in (60, 200, 2000):
        recognise((piece * length)[:length])
    assert time.perf_counter() - started < 1
