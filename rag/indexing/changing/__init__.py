"""An index changed by what changed in its files."""
