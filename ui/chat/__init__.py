"""The Ask tab: a question, its answer and its sources."""
