"""multilingual-e5-small: read its packed file, write it as ONNX and as a folder."""
