"""GPUs of any maker, by a runtime that only pretends; test_real_webgpu.py has the real one."""

from __future__ import annotations

import importlib.util
from types import SimpleNamespace

import numpy as np
import onnxruntime
import pytest

import engine
from engine import forks
from engine.ascent import tiles, windows
from engine.errors import DeviceError, DreamError, UsageError
from engine.network import gpus, ort, vulkan, webgpu
from engine.network.chains import MOST, chained
from engine.network.graph import parse
from engine.network.model import load_model
from engine.network.opening import open_session
from engine.network.ort import CPU, CUDA
from engine.network.vulkan import Adapter
from engine.settings import devices
from engine.settings.recipe import Recipe
from engine.settings.tiling import Tiling
from tests.engine.conftest import TINY
from tests.engine.network.fake_runtime import FULL, LOST

CONTENT = TINY.read_bytes()
CARD = Adapter("Radeon RX 9070 XT (RADV GFX1201)", "AMD", "discrete", 4 << 30)
PROGRAM = Adapter("llvmpipe (LLVM 15.0.6, 256 bits)", "Mesa", "software", 128 << 20)
KNOWN = SimpleNamespace(
    type="GPU", vendor="AMD", vendor_id=0x1002, device_id=0x7550, metadata={"Discrete": "1"}
)


@pytest.fixture
def offered(monkeypatch, runtime):
    """Pretend that Vulkan offers these adapters, and ONNX Runtime one GPU behind WebGPU."""

    def offer(*adapters: Adapter, **how: object):
        monkeypatch.setattr(webgpu, "_offered", lambda: list(adapters))
        return runtime(**{"cuda": False, "webgpu": (KNOWN,), **how})

    return offer


def refused(device: str = "webgpu") -> DeviceError:
    with pytest.raises(DeviceError) as caught:
        open_session(CONTENT, device, 1)
    return caught.value


def test_auto_takes_cuda_then_a_real_gpu_then_the_cpu(offered) -> None:
    fake = offered(CARD, cuda=True)
    assert open_session(CONTENT, "auto", 1).device == "cuda:0"
    opened = open_session(CONTENT, "webgpu", 1)
    assert opened.device == "webgpu: Radeon RX 9070 XT (RADV GFX1201)"
    assert [x[0] if isinstance(x, tuple) else x for x in fake.asked] == [CUDA, webgpu.PROVIDER, CPU]
    offered(CARD)
    assert open_session(CONTENT, "auto", 1).adapter == CARD
    offered()
    opened = open_session(CONTENT, "auto", 1)
    assert (opened.device, opened.fallback, opened.adapter) == ("cpu", "", None)


def test_the_plug_in_is_loaded_once(offered) -> None:
    fake = offered(CARD)
    for _ in range(2):
        open_session(CONTENT, "webgpu", 1)
    assert len(fake.registered) == 1


@pytest.mark.parametrize(
    ("adapters", "how", "reason", "way_out"),
    [
        ([], {}, "finds no GPU", "driver of your graphics card"),
        ([CARD], {"webgpu": ()}, "finds no GPU", "driver of your graphics card"),
        ([PROGRAM], {}, "only a program: llvmpipe", "--device cpu, which is faster"),
        ([CARD], {"registering": "below the minimum required version"}, "9.9 is too old", "--upgrade"),
        ([CARD], {"registering": "file too short"}, "does not load: file too short", "--force-reinstall"),
        ([CARD], {"opening": "no adapter"}, r"on Radeon .*: no adapter", "update the driver"),
        ([CARD], {"running": FULL}, r"on Radeon .*: .*OUT_OF_DEVICE_MEMORY", "that use its memory"),
        ([CARD], {"running": LOST}, r"^webgpu: Radeon .* was lost: its driver was reset", "run it again"),
        ([CARD], {"silent_fallback": True}, "chose the CPU", "update the driver"),
    ],
)
def test_what_does_not_work_fails_with_reason_and_way_out(offered, adapters, how, reason, way_out) -> None:
    offered(*adapters, **how)
    with pytest.raises(DeviceError, match=reason) as caught:
        open_session(CONTENT, "webgpu", 1)
    assert way_out in caught.value.hint
    opened = open_session(CONTENT, "auto", 1)
    assert opened.device == "cpu"
    nothing = "finds no GPU" in str(caught.value)  # which is no surprise
    assert opened.fallback == ("" if nothing else str(caught.value))


def test_without_the_plug_in_the_extra_is_named(offered, monkeypatch) -> None:
    offered(CARD)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    assert "deepdream-onnx[webgpu]" in refused().hint
    assert open_session(CONTENT, "auto", 1).fallback == ""


def test_a_runtime_without_what_it_takes_is_too_old(offered, monkeypatch) -> None:
    fake = offered(CARD)
    monkeypatch.setattr(webgpu, "NEEDED", ("a_function_of_tomorrow",))
    assert f"ONNX Runtime {fake.__version__} is too old for WebGPU" in str(refused())


def test_without_vulkan_its_packages_are_named(monkeypatch, runtime) -> None:
    def no_library(name: str) -> None:
        raise OSError(f"{name}: cannot open shared object file")

    runtime(cuda=False, webgpu=(KNOWN,))
    monkeypatch.setattr(webgpu, "_offered", vulkan.adapters)
    monkeypatch.setattr(vulkan.ctypes, "CDLL", no_library)
    error = refused()
    assert "there is no libvulkan.so.1" in str(error)
    assert "apt install libvulkan1" in error.hint


def test_a_program_that_pretends_to_be_a_gpu_is_for_tests_alone(offered, monkeypatch) -> None:
    offered(PROGRAM)
    monkeypatch.setenv(webgpu.SOFTWARE, "0")
    assert webgpu.SOFTWARE in refused().hint
    monkeypatch.setenv(webgpu.SOFTWARE, "1")
    assert open_session(CONTENT, "webgpu", 1).device == "webgpu: llvmpipe (LLVM 15.0.6, 256 bits)"
    assert open_session(CONTENT, "auto", 1).device == "cpu"


@pytest.mark.parametrize("factor", [1.2, 0.0, np.nan])
def test_a_gpu_that_computes_wrongly_makes_no_dream(offered, factor: float) -> None:
    offered(CARD).factor = factor
    assert "its gradients are wrong by" in str(refused())
    offered(CARD).factor = factor
    assert "wrong by" in open_session(CONTENT, "auto", 1).fallback


def test_a_broken_model_is_not_the_gpus_fault(offered, tmp_path) -> None:
    offered(CARD, running="no kernel")
    assert "no kernel" in str(refused())


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        (FULL, DreamError, "not enough memory on webgpu: Radeon"),
        ("WebGPU device error(2): [Invalid CommandBuffer]", DeviceError, "failed on webgpu: Radeon"),
        ("Buffer size (5) exceeds the max buffer size limit (4)", DreamError, "not enough memory on webgpu"),
        (LOST, DeviceError, "webgpu: Radeon .* was lost"),
    ],
)
def test_what_the_gpu_only_writes_to_the_log_makes_no_picture(offered, text, kind, said) -> None:
    fake = offered(CARD)
    model = load_model(TINY, device="webgpu", threads=1)
    image = np.random.default_rng(1).integers(0, 256, (50, 60, 3), np.uint8)
    config = engine.DreamConfig(layers={"mixed0": 1.0}, iterations=2, octaves=2)
    steps = engine.steps(image, config, model=model)
    next(steps)
    fake.reported = text
    with pytest.raises(kind, match=said):
        next(steps)
    fake.reported = ""
    for _ in engine.steps(image, config, model=model):
        pass


def test_what_a_full_gpu_does_not_hold_is_computed_in_smaller_pieces(offered) -> None:
    """The picture is then that of the smaller tiles, and the next one is cut so from the beginning."""
    fake = offered(CARD)
    model = load_model(TINY, device="webgpu", threads=1)
    image = np.random.default_rng(1).integers(0, 256, (300, 400, 3), np.uint8)
    tiling = Tiling(halo=0)
    settings = {
        "preset": "keras",
        "layers": {"mixed0": 1.0},
        "iterations": 1,
        "tiling": tiling,
        "octaves": 1,
        "model": model,
    }
    assert tiles.tile_size(model, tiling, image.shape[:2]) is None
    fake.room = 100_000
    dream = engine.dream(image, **settings)
    assert fake.refused == [120_000]
    assert model.most_at_once == 256**2
    again = engine.dream(image, **settings)
    assert len(fake.refused) == 1
    assert again.recipe.tiling.size == 128
    np.testing.assert_array_equal(dream.image, again.image)
    cpu = load_model(TINY, device="cpu", threads=1)
    tiling = again.recipe.tiling
    ours = np.asarray(engine.dream(image, **settings | {"model": cpu, "tiling": tiling}).image)
    assert np.abs(np.asarray(dream.image).astype(int) - ours).mean() < 1


@pytest.mark.parametrize(
    ("room", "tiling"), [(1000, Tiling(halo=0)), (100_000, Tiling(size="off")), (100_000, Tiling(size=300))]
)
def test_a_gpu_that_holds_not_even_the_smallest_piece_says_so(offered, room: int, tiling: Tiling) -> None:
    fake = offered(CARD)
    model = load_model(TINY, device="webgpu", threads=1)
    image = np.random.default_rng(1).integers(0, 256, (400, 350, 3), np.uint8)
    fake.room = room
    with pytest.raises(DreamError, match="not enough memory on webgpu: Radeon"):
        engine.dream(image, preset="keras", layers={"mixed0": 1.0}, octaves=1, model=model, tiling=tiling)
    assert len(fake.refused) < 5
    fake.room = 1 << 62  # other programs have ended
    engine.dream(image[:90, :80], preset="keras", layers={"mixed0": 1.0}, octaves=1, model=model)


def test_a_lost_gpu_is_opened_anew_by_the_next_dream(offered) -> None:
    fake = offered(CARD)
    model = load_model(TINY, device="webgpu", threads=1)
    image = np.random.default_rng(1).integers(0, 256, (50, 60, 3), np.uint8)
    settings = {"preset": "keras", "layers": {"mixed0": 1.0}, "iterations": 1, "octaves": 1, "model": model}
    before = engine.dream(image, **settings)
    opened = len(fake.asked)
    fake.running = LOST
    kept = []  # as a batch does, for its report: it holds nothing open
    for _ in range(2):
        with pytest.raises(DeviceError, match="was lost") as caught:
            engine.dream(image, **settings)
        kept.append(caught.value)
    fake.running = ""
    np.testing.assert_array_equal(engine.dream(image, **settings).image, before.image)
    assert set(fake.asked[opened:]) == {webgpu.PROVIDER}  # never the CPU instead


def test_no_process_that_was_forked_opens_it(offered, monkeypatch) -> None:
    """Really tried, it waits for ever for threads that the fork has left behind."""
    offered(CARD)
    open_session(CONTENT, "webgpu", 1)
    monkeypatch.setattr(forks, "_process", object())
    assert "was opened before this process was forked" in str(refused())
    opened = open_session(CONTENT, "auto", 1)
    assert opened.device == "cpu"
    assert "forked" in opened.fallback


def test_what_is_no_fault_of_the_gpus_leaves_it_open(offered) -> None:
    """A stop, in the midst of a step, or a model that cannot compute one picture."""
    fake = offered(CARD)
    model = load_model(TINY, device="webgpu", threads=1)
    image = np.random.default_rng(1).integers(0, 256, (50, 60, 3), np.uint8)
    settings = {"preset": "keras", "layers": {"mixed0": 1.0}, "iterations": 1, "octaves": 1, "model": model}
    engine.dream(image, **settings)
    opened = len(fake.asked)
    fake.running = "Error in execution: Exiting due to terminate flag being set to true."
    with pytest.raises(DreamError, match="terminate"):
        engine.dream(image, **settings)
    fake.running = ""
    engine.dream(image, **settings)
    assert len(fake.asked) == opened


def test_a_gpus_log_is_not_silenced_again(monkeypatch) -> None:
    """Each run loads the runtime, which is silenced then; of the first fault after that nobody would hear."""
    asked: list[int] = []
    monkeypatch.setattr(ort.faults, "listening", False)
    monkeypatch.setattr(onnxruntime, "set_default_logger_severity", asked.append)
    ort.load()
    monkeypatch.setattr(ort.faults, "listening", True)
    ort.load()
    assert asked == [ort.SILENT, ort.ERROR]


def test_half_precision_is_for_cuda(offered) -> None:
    offered(CARD)
    with pytest.raises(UsageError, match="for CUDA, not for WebGPU"):
        open_session(CONTENT, "webgpu", 1, precision="half")
    with pytest.raises(UsageError, match="has no CUDA"):
        open_session(CONTENT, "auto", 1, precision="half")


def test_sums_become_additions_and_nothing_changes() -> None:
    onnx = pytest.importorskip("onnx")
    names = [f"x{i}" for i in range(5)]
    nodes = [
        onnx.helper.make_node("Sum", names, ["sum"]),
        onnx.helper.make_node("Sum", ["sum"], ["same"]),
        onnx.helper.make_node("Sum", ["same", "x0"], ["y"]),
    ]
    values = [onnx.helper.make_tensor_value_info(x, onnx.TensorProto.FLOAT, [1000]) for x in [*names, "y"]]
    graph = onnx.helper.make_graph(nodes, "sums", values[:-1], values[-1:])
    opset = [onnx.helper.make_opsetid("", 18)]
    content = onnx.helper.make_model(graph, opset_imports=opset, ir_version=9).SerializeToString()
    onnx.checker.check_model(onnx.load_from_string(chained(content)), full_check=True)
    random = np.random.default_rng(0)
    feeds = {x: (random.standard_normal(1000) * 10**i).astype(np.float32) for i, x in enumerate(names)}
    before, after = (
        onnxruntime.InferenceSession(x, providers=[CPU]).run(["y"], feeds)
        for x in (content, chained(content))
    )
    np.testing.assert_array_equal(before, after)
    assert {x.op_type for x in parse(chained(content)).graph.node} == {"Add", "Identity"}


@pytest.mark.parametrize("count", [2, MOST, MOST + 1, 16, 63, MOST**2 + 1])
def test_splits_into_many_parts_become_splits_into_few(count: int) -> None:
    onnx = pytest.importorskip("onnx")
    sizes = [1 + i % 3 for i in range(count)]
    parts = [f"y{i}" for i in range(count)]
    nodes = [
        onnx.helper.make_node("Split", ["x", "sizes"], parts, axis=1),
        onnx.helper.make_node("Split", ["x", "sizes"], [f"{x} again" for x in parts], axis=1),
    ]
    outputs = [name for node in nodes for name in node.output]
    values = [
        onnx.helper.make_tensor_value_info(x, onnx.TensorProto.FLOAT, [2, size])
        for x, size in zip(outputs, sizes * 2, strict=True)
    ]
    given = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [2, sum(sizes)])
    stored = [onnx.numpy_helper.from_array(np.array(sizes), "sizes")]
    graph = onnx.helper.make_graph(nodes, "splits", [given], values, stored)
    opset = [onnx.helper.make_opsetid("", 18)]
    content = onnx.helper.make_model(graph, opset_imports=opset, ir_version=9).SerializeToString()
    after = chained(content)
    onnx.checker.check_model(onnx.load_from_string(after))
    assert max(len(x.output) for x in parse(after).graph.node) <= MOST
    feeds = {"x": np.arange(2 * sum(sizes), dtype=np.float32).reshape(2, -1)}
    found, expected = (
        onnxruntime.InferenceSession(x, providers=[CPU]).run(outputs, feeds) for x in (after, content)
    )
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_the_embedded_model_has_sums_and_then_none() -> None:
    content = load_model(device="cpu")._content
    before, after = ([x.op_type for x in parse(y).graph.node] for y in (content, chained(content)))
    assert "Sum" in before
    assert "Sum" not in after
    assert len(after) > len(before)


@pytest.mark.parametrize(
    ("largest", "memory", "most"),
    [
        (4 << 30, Tiling.USUAL, windows.WEBGPU_PIXELS),
        (16 << 20, Tiling.USUAL, (16 << 20) // 64),  # a tensor of 64 channels at half the size
        (None, Tiling.USUAL, windows.WEBGPU_PIXELS),
        (4 << 30, 300_000_000, 150_000_000 // 560),
    ],
)
def test_windows_fit_the_largest_buffer_and_the_memory(offered, largest, memory: int, most: int) -> None:
    offered(Adapter("card", "", "discrete", largest))
    model = load_model(TINY, device="webgpu", threads=1)
    tiling = Tiling(max_memory=memory)
    assert windows.at_once(model, memory) == most
    assert tiles.tile_size(model, tiling, (1, most)) is None
    size = tiles.tile_size(model, tiling, (3000, 4000))
    assert size is not None
    assert tiles.window_of(size, tiling, tiles.Load(12_000_000)) <= most
    assert tiles.limits(model, tiling)["whole_pixels"] == most


@pytest.mark.parametrize("side", [59, 112])
def test_a_gpu_is_tried_on_what_all_layers_see(side: int) -> None:
    model = load_model(device="cpu")
    image = np.random.default_rng(0).uniform(-1, 1, (side, side, 3)).astype(np.float32)
    seen = model.energies(image) > 0
    assert seen[model.places()["mixed5"]].any() == (side == 112)
    assert gpus._telling(model.metadata)["image"].shape == (1, 112, 112, 3)


@pytest.mark.parametrize("name", ["GPU \u0416", "카드", "a\x1b[31mb", "", "x" * 300])
def test_a_drivers_name_goes_into_a_recipe(name: str) -> None:
    device = f"webgpu: {vulkan.plain(name)}"
    assert devices.USED.fullmatch(device)
    recipe = Recipe(config=engine.DreamConfig(), device=device)
    assert Recipe.from_json(recipe.to_json()).device == device
    assert devices.as_option(device) == "webgpu"


@pytest.mark.parametrize("device", ["webgpu", "webgpu:", "webgpu: ", "webgpu: 카드", "webgpu: " + "x" * 101])
def test_a_recipe_has_no_other_devices(device: str) -> None:
    text = Recipe(config=engine.DreamConfig(), device="cpu").to_json().replace('"cpu"', f'"{device}"')
    with pytest.raises(UsageError, match="device"):
        Recipe.from_json(text)


@pytest.mark.parametrize("device", ["webgpu:0", "WebGPU", "webgpu: card", "vulkan"])
def test_devices_that_are_none(device: str) -> None:
    with pytest.raises(UsageError, match="is not a device") as caught:
        devices.parse(device)
    assert "webgpu" in caught.value.hint
