"""From a question to a cited answer: route, rewrite, retrieve, select, generate, verify, cite."""
