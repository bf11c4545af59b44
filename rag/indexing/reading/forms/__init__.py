"""One module a family of file formats; each yields the raw records of a file."""
