"""The grammar that an answer is held to, where the model can be held to one."""

from __future__ import annotations

from rag.prompts import NOT_FOUND
from rag.schema import Language


def answer_grammar(contexts: int, language: Language, claims: int = 6, *, may_refuse: bool = True) -> str:
    """Return the GBNF grammar of an answer over so many contexts: a refusal, or claims that each end in a marker.

    A small model forgets the marker on some answers, Chinese ones above all, and answers 2 of 10 English questions on
    Chinese abstracts in Chinese (benchmarks/dev_questions.jsonl); held to this grammar it cannot: an English answer
    has no Han characters, and in a Chinese one no hyphen follows one (it wrote 两-hot, 链-of-forward). An answer that may
    not refuse may not begin with "NOT" either.
    """
    numbers = " | ".join(f'"{number}"' for number in range(1, contexts + 1)) or '"0"'
    root = f'"{NOT_FOUND}" | claim{{1,{claims}}}' if may_refuse else f"first claim{{0,{claims - 1}}}"
    more, text = ("", "run") if language == "en" else ("(han run?)*", "run (han run?)* | (han run?)+")
    han = "" if language == "en" else " | (han run?)+"
    return (
        f"root ::= {root}\n"
        f"first ::= (start latin* {more}{han}) mark mark? [.。]?\n"
        f"claim ::= ({text}) mark mark? [.。]?\n"
        f'mark ::= "[" ({numbers}) "]"\n'
        f"start ::= [^一-鿿\\[\\]\\nNn -] | [Nn] [^一-鿿\\[\\]\\nOo] | [Nn] [Oo] [^一-鿿\\[\\]\\nTt]\n"
        "run ::= [^一-鿿\\[\\]\\n-] latin*\n"
        "latin ::= [^一-鿿\\[\\]\\n]\n"
        "han ::= [一-鿿]\n"
    )
