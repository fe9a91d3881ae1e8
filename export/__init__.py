"""Exports InceptionV3, with the gradient of its DeepDream loss, to one ONNX file.

See `python -m export --help`.
"""
