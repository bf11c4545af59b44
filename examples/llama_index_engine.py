"""Use the indexed abstracts in LlamaIndex: as a retriever, and as a query engine that cites."""

from rag import RAG

with RAG.open() as rag:
    for found in rag.as_retriever(similarity_top_k=2).retrieve("text-to-image Transformer"):
        print(f"{found.score:.2f} {found.node.get_content()[:70]}…")

    response = rag.as_query_engine().query("Which FID does the 900M Muse model reach on CC3M?")
    print(response)
    for source in response.source_nodes:
        print(f"[{source.node.metadata['citation']}] {source.node.metadata['quote']}")
