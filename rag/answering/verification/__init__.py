"""Whether evidence supports a sentence."""
