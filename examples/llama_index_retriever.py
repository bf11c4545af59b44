"""Use citefold's embedder, aligned for two languages, in a LlamaIndex index of your own."""

from llama_index.core import Document, VectorStoreIndex

from rag.embedding.llama_index import AlignedEmbedding

documents = [
    Document(text="Bees forage less near roads: traffic noise lowers the number of visits by 30 percent."),
    Document(text="雪深模型在高原上的误差为2.5厘米。"),
]
index = VectorStoreIndex.from_documents(documents, embed_model=AlignedEmbedding.default())
for found in index.as_retriever(similarity_top_k=1).retrieve("交通噪声对蜜蜂有什么影响？"):
    print(f"{found.score:.2f} {found.node.get_content()}")
