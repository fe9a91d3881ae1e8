"""The commands, one module each: `add_options` adds its options, `run` runs it and returns an exit code.

Commands print through their reporter or `console.say`.  They import NumPy, Pillow and ONNX Runtime inside
functions, so that --help and --version stay fast.
"""
