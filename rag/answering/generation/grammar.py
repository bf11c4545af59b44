"""The grammar that an answer is held to, where the model can be held to one."""

from __future__ import annotations

from rag.answering.generation.prompts import NOT_FOUND
from rag.schema import Language


def answer_grammar(language: Language, *, may_refuse: bool = True) -> str:
    """Return the GBNF grammar of one line in `language`, or of a refusal.

    A small model answers 2 of 10 English questions on Chinese abstracts in Chinese
    (benchmarks/data/dev_questions.jsonl); held to this grammar it cannot: an English answer has no Han characters,
    and in a Chinese one no hyphen follows one (it wrote 两-hot, 链-of-forward). An answer that may not refuse may not begin with "NOT" either.
    """
    answer = "start latin*" if language == "en" else "(start latin* | han run?) (han run?)*"
    root = f'{answer} | "{NOT_FOUND}"' if may_refuse else answer
    return (
        f"root ::= {root}\n"
        "start ::= [^一-鿿\\[\\]\\nNn -] | [Nn] [^一-鿿\\[\\]\\nOo] | [Nn] [Oo] [^一-鿿\\[\\]\\nTt]\n"
        "run ::= [^一-鿿\\[\\]\\n-] latin*\n"
        "latin ::= [^一-鿿\\[\\]\\n]\n"
        "han ::= [一-鿿]\n"
    )
