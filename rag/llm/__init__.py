"""Language models: an OpenAI-compatible endpoint, or llama.cpp in a process of its own."""
