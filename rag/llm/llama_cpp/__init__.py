"""The embedded model: its process, its client, and the KV states that are kept."""
