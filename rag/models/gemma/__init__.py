"""EmbeddingGemma converted to ONNX."""
