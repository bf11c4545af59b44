"""Text in two languages: cleaning, sentences, numbers, index terms."""
