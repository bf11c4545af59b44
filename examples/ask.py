"""Ask the indexed abstracts one question, and print the answer with the words that support it."""

from rag import RAG

with RAG.open() as rag:
    answer = rag.ask("Which FID does the 900M Muse model reach on CC3M?")
    print(answer.answer)
    for citation in answer.citations:
        print(f"[{citation.number}] {citation.quote}")
