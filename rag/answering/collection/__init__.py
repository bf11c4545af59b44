"""Answers about the collection itself, read from the index."""
