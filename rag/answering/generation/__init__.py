"""What the language model is told, and what it writes."""
