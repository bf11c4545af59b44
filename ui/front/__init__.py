"""What a browser gets first: the document of the page, the toolkit's files, and a question box at once."""
