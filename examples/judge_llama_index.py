"""Use citefold's judge in LlamaIndex: to rerank nodes, and to evaluate whether a response is faithful."""

from llama_index.core.schema import NodeWithScore, TextNode

from rag.judge.judge import Judge
from rag.judge.llama_index import JudgeFaithfulness, JudgeRerank

judge = Judge.default()
bees = "Near roads, traffic noise lowered the visits of bees by 30 percent. Butterflies did not change."
snow = "The error of the snow model is 2.5 cm on the plateau."

nodes = [NodeWithScore(node=TextNode(text=text)) for text in (snow, bees)]
rerank = JudgeRerank(judge=judge, top_n=1)
for found in rerank.postprocess_nodes(nodes, query_str="What did traffic noise do to bees?"):
    print(f"{found.score:.2f} {found.node.get_content()}")

for response in ("Butterflies did not change.", "Traffic noise raised the visits of bees."):
    result = JudgeFaithfulness(judge).evaluate(response=response, contexts=[bees])
    print(f"faithful: {result.passing}. {response}")
