"""Papers, answers and conversations written as files that other programs read."""
