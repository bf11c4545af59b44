"""Words of two similar texts: which are one word, which are opposites, which names were exchanged."""
