"""What an index is on disk: manifest, SQLite catalogue, tantivy, Chroma."""
