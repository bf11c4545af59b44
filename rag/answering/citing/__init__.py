"""Which abstracts, and which of their sentences, an answer rests on."""
