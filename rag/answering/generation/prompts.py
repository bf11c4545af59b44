"""Prompt texts and refusal phrases; strings only."""

from __future__ import annotations

from collections.abc import Sequence

from rag.schema import Language

# The model writes this when the abstracts do not answer; a reader never sees it.
NOT_FOUND = "NOT FOUND"

REFUSALS: dict[Language, str] = {
    "en": "The abstracts do not answer this question.",
    "zh": "这些摘要没有回答这个问题。",
}

SYSTEM = (
    "You answer questions about scientific abstracts. Use only what the numbered abstracts say. Answer in the "
    "language of the question, in one to three short sentences, and end each sentence with the number of the "
    f"abstract it comes from, such as [1]. If the abstracts do not state the answer, write only {NOT_FOUND}."
)
# The system message for chats about one abstract.
READ_SYSTEM = (
    "You answer questions about a scientific abstract. Use only what the abstract says. Answer in the language "
    "of the question, in one to three short sentences. If the abstract does not state the answer, write only "
    f"{NOT_FOUND}."
)

# Few-shot examples: answers across languages, with the original term in brackets where a translation may be
# wrong; whole sentences for yes/no questions; and refusals of questions that such a paper could well answer.
# They cost no time per question, because their KV state is cached (`rag.llm.llama_cpp.prefix_cache`). See
# docs/decisions.md#few-shot-examples.
_LEAFNET = (
    "We propose LeafNet, a compact network for plant disease recognition. LeafNet has 2.1M parameters and "
    "reaches 94.3% accuracy on PlantVillage, 1.8% above MobileNetV3."
)
_WINDDIFF = "我们研究城市风场预测,提出基于扩散模型的WindDiff。与数值模拟相比,WindDiff把计算时间缩短了40倍,平均误差为0.6米/秒。"
_BIRDBIT = (
    "为了在没有云端的情况下识别鸟鸣,我们把声谱图蒸馏到一个二值网络BirdBit中,它在单片机上每秒处理12段录音。"
)
_SLEEP = (
    "We randomised 412 adults with chronic insomnia to app-based sleep training or usual care. After 12 weeks sleep "
    "efficiency rose by 8 points with the app and by 1 with usual care (p<0.001); daytime fatigue did not differ."
)
_SOIL = "我们比较了三种土壤湿度反演算法。在干旱区,随机森林的误差最小,为0.031;卷积网络需要的样本多出五倍。"
_KEEPSPAN = (
    "Sparse attention makes long documents affordable but often keeps the wrong tokens. We present KeepSpan, which "
    "scores whole spans with a small recurrent gate. On GovReport summarization it cuts memory by 38% at equal ROUGE."
)
_SAFEROUTE = (
    "我们提出SafeRoute,一种面向多智能体系统的防御方法。该方法检查消息之间的因果一致性,从而识别被劫持的智能体,"
    "在三个基准上把攻击成功率从61%降至7%。"
)
_REPLIES = (
    "We study why reward models prefer long replies. Regressing out length with a counterfactual estimator "
    "removes 70% of the bias, while accuracy on HelpSteer stays the same."
)
_SOLVRANK = (
    "Retrieval of chemical reactions usually ignores the solvent. SolvRank adds a solvent encoder trained with "
    "hard negatives and raises top-5 recall from 71.2% to 78.9% on USPTO."
)
_PLANTS, _BIRDS, _TRIALS = (_LEAFNET, _WINDDIFF), (_BIRDBIT,), (_SLEEP, _SOIL)
_SPANS, _SOLVENTS = (_KEEPSPAN, _SAFEROUTE), (_REPLIES, _SOLVRANK)

# Abstracts, number of the abstract that the question is about, question, answer.
EXAMPLES: tuple[tuple[tuple[str, ...], int, str, str], ...] = (
    (_PLANTS, 2, "How much faster is WindDiff than numerical simulation?",
     "WindDiff is 40 times faster than numerical simulation."),
    (_PLANTS, 1, "LeafNet有多少参数,准确率是多少?", "LeafNet有2.1M个参数。它在PlantVillage上的准确率为94.3%。"),
    (_PLANTS, 1, "Which optimizer was used to train LeafNet?", NOT_FOUND),
    (_PLANTS, 1, "谁写了《红楼梦》?", NOT_FOUND),
    (_BIRDS, 1, "Which papers recognise birds, and how does each of them work?",
     "BirdBit recognises bird song with a binary network that spectrograms are distilled into."),
    (_BIRDS, 1, "哪些论文研究了图像压缩,各自用了什么方法?", NOT_FOUND),
    (_TRIALS, 1, "Does app-based sleep training reduce daytime fatigue?",
     "No, daytime fatigue did not differ between app-based sleep training and usual care."),
    (_TRIALS, 1, "Is app-based training better for sleep than usual care?",
     "Yes, sleep efficiency rose by 8 points with the app and by 1 with usual care."),
    (_SPANS, 1, "KeepSpan用什么给片段打分?", "KeepSpan用一个小型循环门控(recurrent gate)给整个片段打分。"),
    (_SPANS, 2, "What does SafeRoute check to find hijacked agents?",
     "SafeRoute checks the causal consistency between messages."),
    (_SPANS, 1, "KeepSpan把推理时间缩短了多少?", NOT_FOUND),
    (_PLANTS, 1, "LeafNet在ImageNet上的准确率是多少?", NOT_FOUND),
    (_SPANS, 2, "How many agents were used to evaluate SafeRoute?", NOT_FOUND),
    (_SPANS, 2, "SafeRoute的实验是在哪种大模型上做的?", NOT_FOUND),
    (_SOLVENTS, 2, "加入溶剂编码器的反应检索方法把前5召回率提高到了多少?", "SolvRank把前5召回率从71.2%提高到78.9%。"),
    (_SOLVENTS, 2, "SolvRank的溶剂编码器是怎样训练的?", "SolvRank的溶剂编码器使用困难负样本(hard negatives)训练。"),
)  # fmt: skip

# If the model is unsure of a Chinese answer from an English abstract, it answers in English. Each sentence is
# then translated in a chat of its own: in the same chat a small model would answer again instead of
# translating.
TRANSLATE_SYSTEM = (
    "Translate the English answer to a Chinese question into Chinese. Keep names and numbers as they are; put a term "
    "that has no usual translation in brackets."
)
# Question, English answer, Chinese answer.
TRANSLATIONS: tuple[tuple[str, str, str], ...] = (
    ("LeafNet在PlantVillage上的准确率是多少?", "LeafNet reaches 94.3% accuracy on PlantVillage.",
     "LeafNet在PlantVillage上的准确率达到94.3%。"),
    ("SolvRank的溶剂编码器是怎样训练的?", "The solvent encoder of SolvRank is trained with hard negatives.",
     "SolvRank的溶剂编码器使用困难负样本(hard negatives)训练。"),
    ("基于应用程序的睡眠训练能明显减轻白天的疲劳吗?", "Daytime fatigue hardly differed between the app and usual care.",
     "不能,使用该应用与常规护理相比,白天的疲劳几乎没有差别。"),
    ("KeepSpan用什么给片段打分?", "A small recurrent gate.", "一个小型循环门控(recurrent gate)。"),
    ("HaloMix在哪些数据集上做了评测?",
     "We evaluate HaloMix on three datasets: CityPed, NightRain and the Oxford set.",
     "作者在三个数据集上评测了HaloMix:CityPed、NightRain和Oxford。"),
    ("这种防御方法有什么代价?",
     "The defence is robust, but it makes training 2.5x slower and needs 1,200 labelled images.",
     "这种防御方法很鲁棒,但训练速度慢2.5x,并且需要1,200张有标注的图像。"),
)  # fmt: skip
TO_KEEP = "译文包含"


def translate_turn(question: str, sentence: str, keep: Sequence[str] = ()) -> str:
    """Return the request to translate an English answer to a Chinese question.

    `keep` holds words that an earlier translation lost.
    """
    kept = f"\n{TO_KEEP}:{', '.join(keep)}" if keep else ""
    return f"问题:{question}\nEnglish: {sentence}{kept}"


# Placed last, because small models follow the last instruction best.
REMINDERS: dict[Language, str] = {
    "en": "Answer in English.",
    "zh": "请用中文回答。",
}
# The reminder for an English answer to a Chinese question. See
# docs/decisions.md#reminder-for-an-english-answer.
READ_IN_ENGLISH = "The question is in Chinese; the answer has to be in English."

# The model writes a question to an abstract, as an example for readers. The examples ask for one thing each, and
# name it although their abstracts say "we" and "this paper".
WRITE_SYSTEM = (
    "You write questions about scientific abstracts, for readers who search a large library and have not seen the "
    "abstract. Ask for one thing that the abstract states, such as a number, a name, a method or a cause. Call the "
    "subject by its full name. Write one short question in the language of the abstract, and nothing else."
)
# Abstract, question.
WRITE_EXAMPLES: tuple[tuple[str, str], ...] = (
    (_LEAFNET, "What accuracy does LeafNet reach on PlantVillage?"),
    (_WINDDIFF, "WindDiff比数值模拟快多少倍？"),
    (_SLEEP, "How much does app-based sleep training raise sleep efficiency in adults with chronic insomnia?"),
    ("为了考察施氮量对冬小麦产量的影响,本文在黄淮地区进行了三年田间试验。结果表明,每公顷施氮180千克时产量最高,"
     "继续增加则倒伏加重。", "黄淮地区的冬小麦每公顷施氮多少千克时产量最高？"),
    ("Why river deltas sink has been debated for decades. In this paper we combine radar and well records of the Po "
     "delta and show that groundwater pumping, not compaction of peat, explains most of the sinking since 1950.",
     "What explains most of the sinking of the Po delta since 1950?"),
    ("本文讨论清代徽州家谱的编修制度。该研究根据六十部家谱指出,编修经费主要来自祠产租金,而不是族人捐款。",
     "清代徽州家谱的编修经费主要来自哪里？"),
)  # fmt: skip
_QUESTION_IN: dict[Language, str] = {"en": "Question in English:", "zh": "中文问题:"}

# Replaces a yes/no question in a chat about the results alone.
FOUND: dict[Language, str] = {"en": "What was found?", "zh": "发现了什么？"}


def several_turn(abstracts: str, question: str, language: Language) -> str:
    """Return a user turn: numbered abstracts, then the question in `language`."""
    return f"Abstracts:\n{abstracts}\n\n{question_turn(question, language)}"


def abstract_turn(abstract: str) -> str:
    """Return the beginning of every user turn about one abstract."""
    return f"Abstract: {abstract}\n\n"


def question_turn(question: str, language: Language, *, read_in: Language | None = None) -> str:
    """Return the end of a user turn: the question in `language`, which is answered in `read_in`."""
    reminder = READ_IN_ENGLISH if (language, read_in) == ("zh", "en") else REMINDERS[language]
    return f"Question: {question}\n{reminder}"


def write_turn(abstract: str, language: Language) -> str:
    """Return the request for a question in `language` to an abstract."""
    return f"{abstract_turn(abstract)}{_QUESTION_IN[language]}"
