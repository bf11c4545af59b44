"""Conversations that stay: saved as they are written, listed, searched, opened again, rated."""
