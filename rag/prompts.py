"""The prompt texts and the refusal phrases; strings only."""

from __future__ import annotations

from rag.schema import Language

# What the model writes when the abstracts do not answer; never shown as it is.
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

# Example turns show the form: an answer across languages, one in Chinese, and two refusals, one of them about
# a paper that is there but does not state what was asked.
_EXAMPLE_ABSTRACTS = (
    "[1] We propose LeafNet, a compact network for plant disease recognition. LeafNet has 2.1M parameters and "
    "reaches 94.3% accuracy on PlantVillage, 1.8% above MobileNetV3.\n\n"
    "[2] 我们研究城市风场预测,提出基于扩散模型的WindDiff。与数值模拟相比,WindDiff把计算时间缩短了40倍,"
    "平均误差为0.6米/秒。"
)

EXAMPLES: tuple[tuple[str, str, str], ...] = (
    (_EXAMPLE_ABSTRACTS, "How much faster is WindDiff than numerical simulation?",
     "WindDiff is 40 times faster than numerical simulation [2]."),
    (_EXAMPLE_ABSTRACTS, "LeafNet有多少参数,准确率是多少?",
     "LeafNet有2.1M个参数[1]。它在PlantVillage上的准确率为94.3%[1]。"),
    (_EXAMPLE_ABSTRACTS, "Which optimizer was used to train LeafNet?", NOT_FOUND),
    (_EXAMPLE_ABSTRACTS, "谁写了《红楼梦》?", NOT_FOUND),
)  # fmt: skip

# Said last, next to the question, because a small model heeds what it read last.
REMINDERS: dict[Language, str] = {
    "en": "Answer in English.",
    "zh": "请用中文回答。",
}


def user_turn(abstracts: str, question: str, language: Language) -> str:
    """Return the text of one user turn: numbered abstracts, then the question."""
    return f"Abstracts:\n{abstracts}\n\nQuestion: {question}\n{REMINDERS[language]}"


# A chat of its own: asked after an answer, below the examples, the model says yes to everything (.75 to .99 whatever the
# evidence), since what it saw there are answers and no checks.
CHECK_SYSTEM = "You check statements against evidence from scientific abstracts."
YES_NO = ("Yes", "No")


def check_turn(evidence: str, sentence: str) -> str:
    """Return the text that asks whether evidence supports a sentence, both in either language."""
    return (
        f"Evidence: {evidence}\n\nStatement: {sentence}\n\n"
        f"Does the evidence support the statement? Answer {YES_NO[0]} or {YES_NO[1]}."
    )
