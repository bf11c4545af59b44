"""Scripts that fit the files in rag/data; run each with `python -m training.NAME`."""
