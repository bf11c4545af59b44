"""The GBNF grammar that constrains an answer to one language."""

from __future__ import annotations

from rag.answering.generation.prompts import NOT_FOUND
from rag.schema import Language


def answer_grammar(language: Language, *, may_refuse: bool = True) -> str:
    """Return the GBNF grammar of one line in `language`; with `may_refuse` also of a refusal.

    Small models often answer in the language of the abstract. The grammar excludes Han characters from
    English answers, and a hyphen after a Han character from Chinese ones. No answer can begin with "NOT".
    See docs/decisions.md#answer-grammar.
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
