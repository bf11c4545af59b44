"""Answers, conversations and the papers they cite, copied or saved as files."""
