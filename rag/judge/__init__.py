"""The judge: a small model that reads evidence and a sentence, or an abstract and a question, together."""
