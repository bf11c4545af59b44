"""Answers to questions about the collection, made from the index without the language model."""
