"""Ask citefold's judge whether a text supports a sentence, and whether it answers a question."""

from rag.judge.judge import Judge

judge = Judge.default()
abstract = "Near roads, traffic noise lowered the visits of bees by 30 percent. Butterflies did not change."
for sentence in (
    "Butterflies did not change.",
    "Traffic noise lowered the visits of bees by 60 percent.",
    "交通噪声使蜜蜂的访花次数减少了30%。",
):
    score = judge.support(abstract, sentence)
    print(f"{score.relation}, supported {score.supported:.2f}: {sentence}")

for question in ("How much did traffic noise lower the visits of bees?", "Who painted the Night Watch?"):
    print(f"answered {judge.answers(abstract, question):.2f}: {question}")
