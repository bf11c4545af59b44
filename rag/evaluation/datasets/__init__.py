"""Data sets to measure on: found, loaded, and read from their published forms."""
