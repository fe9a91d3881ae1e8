"""The engine's sentences in the user's language: those that it really says, and none that it does not."""

from __future__ import annotations

import ast
import os
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

import engine
from engine.ascent import memory
from engine.errors import DreamError
from engine.network import opening, ort, webgpu
from engine.network.vulkan import Adapter
from engine.pipe import wire
from engine.settings import models, presets
from gimp_plugin.deepdream_common import engine_words, texts

HANGUL = re.compile("[가-힣]")


@pytest.fixture(autouse=True)
def korean():
    texts.use(["ko"])
    yield
    texts.use([])


def told(message, hint=""):
    event = engine_words.told({"event": "error", "message": message, "hint": hint})
    return event["message"], event["hint"]


@pytest.mark.parametrize(
    ("function", "arguments", "kept"),
    [
        (memory.check_frame, ((10**9, 10**9), 4), "1000000000x1000000000"),
        (wire._checked_shape, ((30000, 30000, 3),), "30000x30000"),
        (presets.load, ("dreem",), "dreem"),
        (models.find, ("inception_v9",), "inception_v9"),
        (opening.read_model, (Path("/nowhere/model.onnx"),), "/nowhere/model.onnx"),
        (opening.read_model, (Path(os.devnull),), os.devnull),
        (ort.cuda_failure, (0, RuntimeError("CUDA driver version is insufficient")), "is insufficient"),
        (ort.cuda_failure, (0, RuntimeError("out of memory")), "out of memory"),
        (ort.cuda_failure, (7, RuntimeError("invalid device ordinal")), "7"),
        (ort.cuda_failure, (0, RuntimeError("libcudnn.so.9: not found")), "libcudnn.so.9"),
        (ort._run_error, (RuntimeError("bad allocation"), "cpu", 10), "cpu"),
        (ort._run_error, (RuntimeError("CUDNN failure"), "cuda:0", 10), "CUDNN failure"),
        (ort._run_error, (RuntimeError("[Device] is lost."), "webgpu: Radeon", 10), "webgpu: Radeon"),
        (webgpu.failure, (Adapter("Radeon", "AMD", "", None), "its gradients are wrong by 3%"), "3%"),
        (webgpu._too_old, (SimpleNamespace(__version__="1.24.4"),), "1.24.4"),
    ],
)
def test_error_is_translated(function, arguments, kept):
    try:
        error = function(*arguments)
    except DreamError as raised:
        error = raised
    message, hint = told(str(error), error.hint)
    assert HANGUL.search(message)
    assert kept in message
    assert HANGUL.search(hint) or not error.hint


def test_sentence_within_a_sentence_is_translated():
    message, _ = told("CUDA device 0 does not work: no kernel: dreaming on the CPU")
    assert message == "CUDA 장치 0이(가) 동작하지 않습니다: no kernel: CPU에서 꿈을 꿉니다"


def test_unknown_sentence_stays():
    assert told("the moon is full", "wait") == ("the moon is full", "wait")
    assert told("a file cannot be read: it is gone")[0] == "a file cannot be read: it is gone"
    assert engine_words.told({"event": "step", "fraction": 0.5}) == {"event": "step", "fraction": 0.5}
    assert engine_words.told({"event": "error", "message": None}) == {"event": "error", "message": None}


def test_engine_says_so():
    spoken = set()
    for path in Path(engine.__file__).parent.rglob("*.py"):
        nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        spoken |= {x.value for x in nodes if isinstance(x, ast.Constant) and isinstance(x.value, str)}
    for form in engine_words.FORMS:  # the engine puts some together from parts
        for part in re.split(r"%\(\w+\)s|(?<=, or) |(?<=\?) |(?<=takes) |(?<=number) |(?<=is) ", form):
            assert any(part.strip() in text for text in spoken), form
