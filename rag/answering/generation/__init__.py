"""Prompts for the language model, and the streaming of its replies."""
