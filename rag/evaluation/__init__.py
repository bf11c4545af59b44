"""Data sets, metrics, and what retrieval and answers score on them."""
