"""From files to an index: read, fold duplicates, cut into chunks, embed, store."""
