"""multilingual-e5-small: read from its wheel, written as ONNX and as a folder."""
