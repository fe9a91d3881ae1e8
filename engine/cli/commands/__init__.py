"""The commands, a module each: `add_options` says what it takes, `run` does it and returns an exit code.

What they print goes through the reporter or `console.say`.  NumPy, Pillow and ONNX Runtime are imported
inside functions: --help and --version do without them.
"""
