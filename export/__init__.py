"""Turns InceptionV3 and the gradient of its DeepDream loss into one ONNX file.

See `python -m export --help`.
"""
