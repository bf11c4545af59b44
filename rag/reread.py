"""Which sentence of a Chinese abstract an English answer was read from, told by asking the abstract in Chinese too.

Asked in its own language a small model answers in the abstract's own words, and the sentence that has these is plain to see;
across languages vectors alone tell, and err where an answer is vague. Of 36 English answers to development questions on
Chinese abstracts 34 are quoted with the sentence that tells them by vectors, 35 with this.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace

from rag.attribute import Attributor
from rag.endpoint import Message
from rag.errors import LLMError
from rag.generate import ChatModel, Generated
from rag.grammar import answer_grammar
from rag.schema import Evidence, Paper

_MAX_TOKENS = 80


def quoted_by_rereading(
    llm: ChatModel, messages: Sequence[Message], paper: Paper, generated: Generated, attributor: Attributor
) -> Generated:
    """Return an English answer of one sentence with one more quotation of the Chinese `paper`, if a new one is found.

    Its text, verdict and score stay: what was shown does not change. A model that fails now costs only the quotation.

    Args:
        llm: the model, which is held to a grammar.
        messages: the chat about the paper, to be answered in Chinese.
        paper: the one abstract that the answer cites.
        generated: the answer.
        attributor: what the answer was attributed by.
    """
    if len(generated.cited.sentences) != 1:
        return generated
    try:
        grammar = answer_grammar("zh", may_refuse=False)
        with closing(llm.stream(messages, max_tokens=_MAX_TOKENS, grammar=grammar)) as reply:
            native = "".join(reply).strip()
    except LLMError:
        return generated
    (sentence,) = generated.cited.sentences
    span = attributor.span_of(native, said=sentence.text)
    if span is None or any((quote.start, quote.end) == span for quote in sentence.evidence):
        return generated
    (number,) = sentence.citations
    quote = Evidence(number, *span, paper.text[slice(*span)])
    more = replace(sentence, evidence=(*sentence.evidence, quote))
    return replace(generated, cited=replace(generated.cited, sentences=(more,)))
