"""A question from its first word to its Answer, and what an open library does between two questions."""
