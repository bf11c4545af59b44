"""The default models: what they are, and how they come to this machine."""
