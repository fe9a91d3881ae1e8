# -*- coding: utf-8 -*-
"""The engine's sentences, which it writes in English, in the user's language.

A sentence is found by its form: what stands where the form has a value is taken over, translated too where
that is a sentence itself.  What has no form here stays as the engine wrote it.
"""

from __future__ import unicode_literals

import re

from .texts import N_, _

FORMS = (
    # Memory and size
    N_("not enough memory"),
    N_("not enough memory on %(device)s for this picture"),
    N_("not enough memory to open %(model)s"),
    N_("a picture of %(size)s pixels needs about %(wanted)s of memory, and %(free)s are free"),
    N_("a frame of %(size)s pixels needs at least %(wanted)s of memory, and %(free)s are free"),
    N_("the frame has %(size)s pixels, more than %(most)s million"),
    N_("a picture of %(size)s pixels is too small: both sides must have at least %(least)s"),
    N_(
        "a picture of %(size)s pixels is too small to guide or be guided: "
        "both sides must have at least %(least)s"
    ),
    N_("close other programs, or send a smaller picture"),
    N_("make the picture smaller, or close other programs that use the memory"),
    N_("make it smaller, or give fewer --threads"),
    N_("send a part of it, or a smaller copy"),
    N_("send a part of the picture, or a smaller copy"),
    N_("use a smaller picture, or a smaller --tile"),
    # Device
    N_("CUDA device %(number)s does not work: %(reason)s"),
    N_("the installed ONNX Runtime %(version)s has no CUDA"),
    N_("ONNX Runtime chose the CPU without giving a reason"),
    N_("ONNX Runtime failed on %(device)s: %(reason)s"),
    N_("ONNX Runtime's plug-in for WebGPU is not installed"),
    N_("ONNX Runtime's plug-in for WebGPU does not load: %(reason)s"),
    N_("the installed ONNX Runtime %(version)s is too old for WebGPU"),
    N_("WebGPU needs Vulkan, and there is no libvulkan.so.1"),
    N_("WebGPU finds no GPU, only a program: %(name)s"),
    N_("WebGPU finds no GPU"),
    N_("WebGPU does not work on %(name)s: %(reason)s"),
    N_("its gradients are wrong by %(error)s"),
    N_("%(device)s was lost: its driver was reset, or the computer slept"),
    N_("ONNX Runtime is installed but does not load: %(reason)s"),
    N_(
        "ONNX Runtime is not installed: install deepdream-onnx[cpu], "
        "or deepdream-onnx[gpu] where there is an NVIDIA GPU"
    ),
    N_("%(reason)s: dreaming on the CPU"),
    N_('pip uninstall onnxruntime, then pip install "deepdream-onnx[gpu]"; or use --device cpu'),
    N_("%(hint)s; or use --device cpu"),
    N_('pip install "deepdream-onnx[gpu]" brings CUDA and cuDNN'),
    N_("update the NVIDIA driver (nvidia-smi shows it)"),
    N_("nvidia-smi -L lists the devices; count from 0"),
    N_("free memory on the GPU (nvidia-smi shows who holds it)"),
    N_('pip install "deepdream-onnx[webgpu]"'),
    N_('pip install --upgrade "deepdream-onnx[webgpu]"'),
    N_('reinstall it: pip install --force-reinstall "deepdream-onnx[webgpu]"'),
    N_("Debian and Ubuntu: apt install libvulkan1 mesa-vulkan-drivers"),
    N_("install the driver of your graphics card"),
    N_("update the driver of your graphics card"),
    N_("use --device cpu, which is faster; for tests, set %(name)s=1"),
    N_("run it again; if that happens again, --tile 256 gives the GPU less to do at once"),
    N_('reinstall it: pip install --force-reinstall "deepdream-onnx[cpu]"'),
    # Model
    N_("%(model)s is not an ONNX model"),
    N_("%(model)s does not open in ONNX Runtime: %(reason)s"),
    N_("the model failed in ONNX Runtime: %(reason)s"),
    N_("the model file %(file)s cannot be read: %(reason)s"),
    N_("make a model file with python -m export, or leave out --model to use the embedded model"),
    N_("there is no model file %(file)s"),
    N_("%(file)s is not a model file, but a %(what)s"),
    N_("there is no model %(name)s"),
    N_("the preset %(preset)s needs the model %(model)s"),
    N_("deepdream model get %(name)s gets it"),
    N_("deepdream model list shows all"),
    N_("the model has none of the preset's layers"),
    N_("choose with --layers from: %(layers)s"),
    N_("the model has no %(layers)s: dreaming with %(others)s"),
    # Settings
    N_("loss or gradient is no longer finite at %(size)s"),
    N_("a smaller --step, or smaller coefficients in --layers, keep them finite"),
    N_("left out octaves too small for the model, which needs %(least)s pixels a side: %(sizes)s"),
    N_("the chosen layers see nothing at %(size)s: this octave changes nothing"),
    N_("the model has no layer called %(layer)s"),
    N_("%(layer)s has no channel %(channel)s"),
    N_("its channels are 0 to %(last)s"),
    N_("there is no preset called %(name)s"),
    N_("there are: %(names)s"),
    N_("did you mean %(name)s? there are: %(names)s"),
    N_("the preset %(name)s cannot be read: %(reason)s"),
    N_("the preset %(name)s is not valid TOML: %(reason)s"),
    N_("the preset %(name)s: %(reason)s"),
    N_("--%(name)s cannot be %(value)s"),
    N_("--%(name)s is out of range"),
    N_("--%(name)s takes a whole number from %(span)s"),
    N_("--%(name)s takes a number from %(span)s"),
)
"""The sentences that a run from GIMP can meet; the first form that fits counts."""


def _pattern(form):
    parts = re.split(r"%\((\w+)\)s", form)
    parts[0::2] = [re.escape(part) for part in parts[0::2]]
    parts[1::2] = ["(?P<%s>.+)" % name for name in parts[1::2]]
    return re.compile("".join(parts) + r"\Z", re.DOTALL)


_PATTERNS = [(_pattern(form), form) for form in FORMS]


def translated(sentence):
    """Return a sentence of the engine in the user's language."""
    for pattern, form in _PATTERNS:
        found = pattern.match(sentence)
        if found:
            values = dict((name, translated(value)) for name, value in found.groupdict().items())
            return _(form) % values if values else _(form)
    return sentence


def told(event):
    """Return an event with its message and its hint, where it has any, in the user's language."""
    parts = dict((name, event[name]) for name in ("message", "hint") if event.get(name))
    return dict(event, **dict((name, translated("%s" % part)) for name, part in parts.items()))
