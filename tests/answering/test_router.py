"""Which messages are small talk or about the collection, and that no question of science is taken for one."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.answering.collection.replies import CHAT
from rag.answering.router import Intent, classify
from rag.text.language import detect_language

SMALL_TALK = """
greeting | Hi / Hello there! / Hey, how are you? / Good evening / hi 👋 / 你好 / 您好！ / 你们好！ / 早上好 / 大家好
thanks | Thanks so much / ok, thanks / That's helpful, thanks a lot 🙏 / thank you for your help! / 谢谢 / 非常感谢
thanks | 多谢你的帮助 / 謝謝
fine | Got it. / ok great / I see. / 明白了，很好 / 好的 / 原来如此
bye | Bye! / See you soon, thanks / That's all for today. / 再见 / 好的，拜拜 / 谢谢，再见！
help | Hi! What can you do? / What can you help with? / Who are you? / help / How do I use this?
help | What questions can I ask?
help | Do you speak Chinese? / 你能做什么呢？ / 你是谁 / 怎么使用？ / 我可以问什么问题？ / 你能用中文回答吗？
"""
# What is asked | about what | in which language | questions
COLLECTION = """
count | - | - | How many abstracts are there? / How many papers does this library hold?
count | - | - | Hi, how many papers do you have?
count | - | - | What is the number of abstracts in your collection? / How big is the collection?
count | - | - | Which languages are the papers in?
count | - | - | 你好，这里一共有多少篇摘要？ / 文献库里有多少论文 / 论文一共有多少篇？ / 这些论文是什么语言的？
count | - | zh | How many papers are in Chinese? / How many abstracts are written in Chinese? / 中文文献有多少篇？
count | - | zh | 库里收录了多少篇中文论文？
count | - | en | How many of the abstracts are English? / 有几篇英文的论文
count | graph networks | - | How many papers are about graph networks?
count | graph networks | - | How many papers on graph networks do you have?
count | 图网络 | - | 有多少篇论文研究图网络？ / 有几篇关于图网络的文章？
files | - | - | How many files are there? / Which files have you read? / List the files, please / 读了哪些文件？
files | - | - | 一共有几个文件？
about | - | - | What is this collection about? / What does this library cover?
about | - | - | Give an overview of the library. / What topics are covered?
about | - | - | Which fields do the papers cover? / Thanks. And what is in the collection?
about | - | - | What are these papers about?
about | - | - | 这个库是关于什么的 / 这个库里有什么内容？ / 这些文章涉及哪些领域？ / 请介绍这个文献库 / 有哪些主题？
list | - | - | List all papers / Which articles do you have? / What papers do you have? / 请列出所有论文 / 库里有哪些文章？
list | - | zh | Show me all the Chinese abstracts / Are there papers in Chinese? / 哪些论文是中文的？
list | - | en | List the English abstracts / 列出全部英文论文
list | graph networks | - | List papers about graph networks
list | graph networks | - | Please give me some articles about graph networks / papers on graph networks
list | graph networks | - | Which papers are about graph networks? / Which articles discuss graph networks?
list | graph networks | - | What papers do you have about graph networks?
list | graph networks | - | Do you have a paper on graph networks? / Find all papers that study graph networks
list | graph networks | - | Show me graph networks papers
list | graph networks | en | Any English papers on graph networks?
list | 图网络 | - | 请列出所有关于图网络的文献 / 哪些论文与图网络有关？ / 有没有关于图网络的论文？ / 列出關於圖網絡的論文
list | 图网络 | - | 找几篇图网络方面的文章 / 有关图网络的论文有哪些？ / 你们有图网络相关的论文吗？ / 推荐几篇图网络的论文
list | 图网络 | zh | 列出关于图网络的中文论文
list | 推荐系统 | - | 推荐系统相关的论文 / 推荐几篇推荐系统的论文
list | LoRA | - | Which papers mention LoRA? / 哪些文章提到了LoRA？
origin | Otter | - | Which file does the paper about Otter come from? / Which file is the Otter paper in?
origin | Otter | - | Where is the abstract on Otter from?
origin | Otter | - | 关于Otter的文章来自哪个文件？ / Otter的那篇论文来自哪个文件？
"""
SCIENCE = """
How many parameters does Otter have? / How many parameters / hello world program synthesis
Who made ImageNet? / What do the papers find? / And on ImageNet?
Which papers study backdoor attacks, and what does each attack?
Which papers report more than 90% accuracy on ImageNet?
Which papers about obesity show that exercise helps? / How many papers about sleep use EEG?
Which papers discuss why exercise helps?
What do the papers about obesity find? / Do articles about vaccines mention risks?
Is the paper on obesity right about sugar?
What is this paper about? / What is the paper about? / What does the abstract mention?
What does the article on sleep find?
List papers about insomnia published after 2020. / List papers about obesity in which exercise helped.
List papers by Kaiming He
Is there a paper about sleep that uses EEG? / Summarise the papers about obesity.
Find the best paper about quantization.
How many papers does the survey review? / How many documents are in the MS MARCO dataset?
How many records are in the EHR dataset?
What topics do adolescents discuss online? / What languages does XLM-R cover?
How large is the corpus of CAPTCHAs? / How many?
What does the library of compounds contain? / Where do the samples come from?
Which library provides the fastest FFT? / Which papers?
What can you do to reduce hallucination? / What do you know about LoRA? / Tell me about attention.
Thanks. And on ImageNet?
Good, but how many parameters does it have? / Is it good? / help seeking behaviour in online courses
How do I use LoRA?
有多少参数？ / Otter有多少参数？ / 有多少篇论文提到量化，它们发现了什么？ / 哪些论文研究后门攻击，各自攻击什么？ / 关于量化的论文讲了什么？
关于量化的论文中哪些效果最好？ / 关于睡眠的论文有多少患者？ / 列出关于量化的论文并说明它们的准确率 / 哪些论文使用了ImageNet？ / 有吗？
你好世界程序合成是什么 / 这篇论文讲了什么？ / Otter那篇论文讲了什么？ / 这个方法是关于什么的？ / 这个数据集有多大？ / 数据集中有多少篇文章？
文献计量分析收录了多少篇论文？ / 图书馆收藏了多少文献？ / 综述回顾了多少篇论文？ / 论文主要研究了哪些因素？ / 这些论文的结论是什么？
主题模型有哪些主题？ / 介绍一下推荐系统 / 总结这篇论文 / 关于肥胖的论文推荐了什么？ / 推荐系统有哪些方法？ / 怎么使用LoRA微调？ / 好的教学方法有哪些？ / 哪个更好？
谢谢，那它的准确率呢？ / 你好，Otter的误差是多少？ / 谢谢这个词在汉语中的用法 / 你知道HAQ吗？ / 帮助老年人的机器人有哪些功能？
"""


def _split(line: str) -> list[str]:
    return [question.strip() for question in line.split(" / ")]


def _rows(table: str) -> list[tuple[str, ...]]:
    rows = [[cell.strip() for cell in line.split(" | ")] for line in table.strip().splitlines()]
    return [(*cells[:-1], question) for cells in rows for question in _split(cells[-1])]


NEGATIVE = [question for line in SCIENCE.strip().splitlines() for question in _split(line)]


@pytest.mark.parametrize(("kind", "question"), _rows(SMALL_TALK))
def test_small_talk_is_recognised(kind: str, question: str) -> None:
    assert classify(question) == Intent(detect_language(question), chat=kind)
    assert kind in CHAT


@pytest.mark.parametrize(("ask", "about", "written", "question"), _rows(COLLECTION))
def test_questions_about_the_collection_are_recognised(
    ask: str, about: str, written: str, question: str
) -> None:
    intent = classify(question)
    assert intent is not None
    assert (intent.chat, intent.ask, intent.about or "-", intent.written or "-") == (
        None,
        ask,
        about,
        written,
    )


@pytest.mark.parametrize("question", NEGATIVE)
def test_a_question_of_science_is_left_to_the_abstracts(question: str) -> None:
    assert classify(question) is None
    assert classify(question, followed=True) is None


def test_after_earlier_turns_these_papers_are_those_of_the_turn_before() -> None:
    for question in ("What are these papers about?", "论文讲了什么？", "Summarize this corpus"):
        assert classify(question)
        assert classify(question, followed=True) is None
    for question in ("How many abstracts are there?", "What is this collection about?", "谢谢"):
        assert classify(question, followed=True)


@pytest.mark.parametrize(
    ("question", "limit"),
    [
        ("List 5 papers about graph networks", 5),
        ("Give me three papers on graph networks", 3),
        ("列出15篇关于图网络的论文", 15),
        ("请推荐三篇关于图网络的论文", 3),
        ("List papers about graph networks", None),
    ],
)
def test_a_list_may_say_how_many(question: str, limit: int | None) -> None:
    intent = classify(question)
    assert intent is not None
    assert (intent.ask, intent.limit) == ("list", limit)


@given(
    st.sampled_from(NEGATIVE),
    st.sampled_from(["Hi, ", "Hello! ", "Thanks. ", "你好，", "谢谢！"]),
    st.sampled_from(["", "!!", "？", " …", "\n"]),
)
def test_small_talk_around_a_question_never_swallows_it(question: str, before: str, after: str) -> None:
    assert classify(before + question + after) is None


@given(st.text(max_size=300))
def test_any_text_is_read_without_an_error(text: str) -> None:
    classify(text)


@pytest.mark.parametrize(
    "piece", ["你好", "list all the ", "请给我", "papers on a ", "which file the ", "关于"]
)
def test_a_long_text_takes_little_time(piece: str) -> None:
    started = time.perf_counter()
    classify((piece * 2000)[:2000])
    assert time.perf_counter() - started < 2
