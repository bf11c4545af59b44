"""The judge: a cross-encoder trained to tell support, contradiction and answerability in two languages."""
