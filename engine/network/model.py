"""A model file as a function: image and channel weights in, loss and gradient out."""

from __future__ import annotations

import hashlib
import threading
from functools import partial
from importlib import resources
from typing import TYPE_CHECKING, Final
from weakref import WeakValueDictionary

import numpy as np

from engine import machine
from engine.errors import ModelError, UsageError
from engine.forks import Opened, calls
from engine.network import ort
from engine.network.contract import (
    CHANNEL_WEIGHTS,
    ENERGIES,
    GRADIENT,
    IMAGE,
    LOSS,
    NEXT,
    Metadata,
    layer_activations,
)
from engine.network.graph import Graph
from engine.network.opening import open_session, read_model
from engine.network.parts import Tiles
from engine.network.split import SplitModel
from engine.network.targets import NO_TARGETS, feeds_for, guided, inside_of
from engine.settings import models
from engine.settings.devices import kind_of
from engine.settings.given import check, path_of
from engine.settings.selectors import layer_of, named_channels, suggest
from engine.stop import NEVER

if TYPE_CHECKING:
    import os
    from collections.abc import Collection, Mapping
    from types import TracebackType
    from typing import Any, NoReturn, Self

    from numpy.typing import NDArray

    from engine.network.session import Resident, Session
    from engine.network.targets import Targets
    from engine.network.vulkan import Adapter
    from engine.stop import Stop

EMBEDDED: Final = "inception_v3_mixed5.onnx"
ASCENT_STEP: Final = "ascent_step.onnx"
CHANGE: Final = "change"
"""What an ascent's step adds to its image, inside that file."""


class DreamModel:
    """An open model.  Opening one takes a fraction of a second: open it once and dream often.

    Any number of threads may use it at once.  On a CPU it works on in a process that was forked, which opens
    it anew; on a GPU it raises DeviceError there.  `with` closes it at the end.
    """

    def __init__(
        self, session: Session, name: str, content: bytes = b"", tiles: Opened[Tiles] | None = None
    ) -> None:
        """Wrap a session; `content`, the model file's, is opened split where that is faster.

        `tiles` are those of another model of the same content, to be shared with it.
        """
        self.name = name
        """Path of the model file, or the embedded file's name."""
        self._session = session
        self._content = content
        self._sha256 = ""
        self._opening = threading.Lock()  # only taken inside `calls`, so that no fork finds it taken
        self._closed = False
        self._last: SplitModel | None = None
        self._splits: WeakValueDictionary[tuple[frozenset[str], bool], SplitModel] = WeakValueDictionary()
        """By their layers, and whether they take targets: the last one, and those that other dreams use."""
        stem = session.metadata.stem
        self._tiles = tiles or (Opened(partial(Tiles, content, stem)) if stem else None)
        """The stem's, whatever the layers are."""
        self._step = Opened(partial(session.resident_beside, _embedded(ASCENT_STEP), "the ascent's step"))
        self._copy = Opened(self._open_copy)
        self._guided = Opened(self._open_guided)
        self.most_at_once: int | None = None
        """Pixels that a GPU can compute at once, at most, once its memory has run out; None before."""

    def __enter__(self) -> Self:
        self._refuse_if_closed()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Free memory and threads; from now on whoever wants to compute gets a UsageError.

        A dream in another thread gets it too, at its next step.  What was dreamed stays.  Closing again does
        nothing.
        """
        with calls(), self._opening:
            if self._closed:
                return
            self._closed, splits, self._last = True, list(self._splits.values()), None
            self._tiles = None
        refuse = partial(_refuse, self.name)
        self._session.close(refuse)
        self._step.close(refuse)
        self._copy.close(refuse)
        self._guided.close(refuse)
        for split in splits:
            split.close(refuse)
        if splits:
            ort.trim_memory(ort.load(), _embedded(ASCENT_STEP))
        machine.release_memory()

    def give_back(self) -> None:
        """Return the memory to the system that steps leave to the steps after them; on a GPU do nothing.

        It stays open: the next dream takes that memory anew, which costs it a tenth of a second or two.
        """
        with calls(), self._opening:
            splits = [] if self._closed else list(self._splits.values())
        for split in splits:
            split.give_back()
        if splits:
            ort.trim_memory(ort.load(), _embedded(ASCENT_STEP))
            machine.release_memory()

    def renew(self) -> None:
        """Open all anew at the next use: what a GPU holds for it is given back, or was lost with the GPU."""
        self._session.renew()
        self._step.drop()
        self._copy.drop()
        self._guided.drop()

    def _refuse_if_closed(self) -> None:
        if self._closed:
            _refuse(self.name)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a DreamModel cannot be pickled: each process loads its own")

    @property
    def metadata(self) -> Metadata:
        """What the model file says about itself: layers, smallest size, value range."""
        return self._session.metadata

    @property
    def device(self) -> str:
        """Where it computes: `cpu`, `cuda:N` or `webgpu: NAME`."""
        return self._session.device

    @property
    def adapter(self) -> Adapter | None:
        """The GPU's maker, kind and limits, where WebGPU found it."""
        return self._session.adapter

    @property
    def precision(self) -> str:
        """What it computes in: `full` for float32, `half` for float16 wherever that is enough."""
        return self._session.precision

    @property
    def threads(self) -> int:
        """Processors that it uses at once, on a CPU."""
        return self._session.threads

    @property
    def runtime(self) -> str:
        """ONNX Runtime's version."""
        return self._session.runtime

    @property
    def sha256(self) -> str:
        """The model file's, 64 digits."""
        self._sha256 = self._sha256 or hashlib.sha256(self._content).hexdigest()
        return self._sha256

    @property
    def content(self) -> bytes:
        """The model file's."""
        return self._content

    @property
    def fallback(self) -> str:
        """Why `auto` did not take the device that it tried first; empty if there was none to try."""
        return self._session.fallback

    @property
    def held_pixels(self) -> int:
        """Pixels of the largest window so far whose memory the next one uses again."""
        last = self._last
        return 0 if last is None else last.held_pixels

    @property
    def layer_names(self) -> tuple[str, ...]:
        """Names of the layers, in the order of their channels."""
        return tuple(layer.name for layer in self.metadata.layers)

    @property
    def main_layers(self) -> tuple[str, ...]:
        """Names of the layers that are shown where all are: without those inside blocks of others."""
        return self.metadata.main_layers

    def __call__(
        self, image: NDArray[np.float32], channel_weights: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return loss [N] and raw gradient [N, H, W, 3] of images [N, H, W, 3] in the model's range.

        One image [H, W, 3] gives a loss of shape () and a gradient [H, W, 3].  `channel_weights` is [C].
        """
        loss, gradient = self._run((LOSS, GRADIENT), image, channel_weights)
        return loss, gradient

    def energies(
        self,
        image: NDArray[np.float32],
        layers: Collection[str] | None = None,
        *,
        guided: bool = False,
        stop: Stop = NEVER,
    ) -> NDArray[np.float32]:
        """Return how much images excite each channel, [N, C] or [C]; see contract 1 for the definition.

        Of channels that are not in `layers` it may return 0; None means all layers.  On a CPU it takes the
        sessions that a dream of these layers takes too; if `guided`, one with targets.
        """
        if image.ndim == 4:
            return np.stack([self.energies(x, layers, guided=guided, stop=stop) for x in image])
        wanted = self.layer_names if layers is None else layers
        fits = min(image.shape[:2]) >= self.metadata.min_size
        split = self.split_for(wanted, guided=guided) if fits else None
        if split is None:
            weights = np.zeros(self.metadata.channels, np.float32)
            return self._run((ENERGIES,), image, weights, stop=stop)[0]
        energies = np.zeros(self.metadata.channels, np.float32)
        energies[self.channels_of([x.name for x in split.layers])] = split.energies(image, stop)
        return energies

    def activations(
        self, image: NDArray[np.float32], layers: Collection[str]
    ) -> dict[str, NDArray[np.float32]]:
        """Return the vectors of all places of an image [H, W, 3] in some layers, [M, C], border left out.

        Raises UsageError for a model file that has no targets.
        """
        split = self.split_for(layers, guided=True)
        if split is not None:
            return {name: x for name, x in split.activations(image).items() if name in layers}
        wanted = [x for x in self.metadata.layers if x.name in layers]
        outputs = tuple(layer_activations(x.name) for x in wanted)
        found = self._run(
            outputs, image[np.newaxis], np.zeros(self.metadata.channels, np.float32), NO_TARGETS
        )
        border = self.metadata.border
        return {x.name: inside_of(y, x, border) for x, y in zip(wanted, found, strict=True)}

    def channel_weights(self, layers: Mapping[str, float]) -> NDArray[np.float32]:
        """Write coefficients in the places of the channels that they are for, float32 [C].

        A coefficient is for a whole layer, `mixed4`, or for some channels of one, `mixed5:12+40`; channels
        that are named twice add up.  Raises UsageError for a layer or channel that the model does not have.
        """
        weights, places = np.zeros(self.metadata.channels, np.float32), self.places()
        for selector, coefficient in layers.items():
            name = layer_of(selector)
            if name not in places:
                raise UsageError(f"the model has no layer called {name!r}", hint=suggest(name, places))
            own = weights[places[name]]
            own[list(named_channels(selector, own.size)) or slice(None)] += coefficient
        return weights

    def weighed_layers(self, weights: NDArray[np.float32]) -> tuple[str, ...]:
        """Return the layers with a channel whose weight is not 0."""
        return tuple(name for name, places in self.places().items() if weights[places].any())

    def channels_of(self, layers: Collection[str]) -> NDArray[np.intp]:
        """Return where the channels of some layers stand among all channels, in the model's order."""
        return np.concatenate([np.arange(x.start, x.stop) for n, x in self.places().items() if n in layers])

    def places(self) -> dict[str, slice]:
        """Return where each layer's channels stand among all channels, by name."""
        ends = np.cumsum([0, *(layer.channels for layer in self.metadata.layers)]).tolist()
        return {name: slice(*ends[x : x + 2]) for x, name in enumerate(self.layer_names)}

    def split_for(self, layers: Collection[str], *, guided: bool = False) -> SplitModel | None:
        """Return the model split for some of its layers, the fast way on a CPU; if `guided`, with targets.

        It is opened at the first call, and again where layers are asked for that are neither the last ones
        nor in use.  None on a GPU, and for a model file that does not say how it can be split.  Raises
        ModelError where what it says is wrong, UsageError for targets that the model file does not have.
        """
        if guided:
            self._refuse_untargeted()
        if self.device != "cpu" or self.metadata.stem is None or not layers or not self._content:
            return None
        wanted = frozenset(name for name in self.layer_names if name in layers)
        key = (wanted, guided)
        with calls(), self._opening:
            self._refuse_if_closed()
            split = self._splits.get(key)
            if split is None:
                self._last = None  # two would take twice the memory, unless the other one is in use
                try:
                    split = SplitModel(
                        self._content, self.metadata, wanted, self.threads, self._tiles, guided=guided
                    )
                except (ValueError, KeyError) as error:
                    raise ModelError(f"{self.name} cannot be split: {error}") from error
                self._splits[key] = split
            self._last = split
        return split

    def copies(self, count: int, threads: int, layers: Collection[str]) -> list[DreamModel]:
        """Return models for `count` threads at once, each of which works with `threads` threads.

        They are open for `layers` already.  With one thread each they are the same one, whose sessions
        compute in the threads that call them; otherwise each has threads of its own.
        """
        if threads > 1:
            return [self._on(threads, layers) for _ in range(count)]
        return [self._on(threads, layers)] * count

    def _on(self, threads: int, layers: Collection[str]) -> DreamModel:
        self._refuse_if_closed()
        session = self._session.on(threads)
        model = DreamModel(session, self.name, self._content, self._tiles)
        if model.split_for(layers) is None:
            session.open()
        return model

    def evaluate(
        self,
        image: NDArray[np.float32],
        channel_weights: NDArray[np.float32],
        targets: Targets | None = None,
        stop: Stop = NEVER,
    ) -> tuple[float, NDArray[np.float32], NDArray[np.float32]]:
        """Return loss, raw gradient [H, W, 3] and energies [C] of one image, also toward `targets`."""
        outputs = (LOSS, GRADIENT, ENERGIES)
        loss, gradient, energies = self._run(outputs, image, channel_weights, targets, stop)
        return float(loss), gradient, energies

    def evaluate_many(
        self,
        images: NDArray[np.float32],
        channel_weights: NDArray[np.float32],
        targets: Targets | None = None,
        stop: Stop = NEVER,
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        """Return losses [N], raw gradients [N, H, W, 3] and energies [N, C] of images [N, H, W, 3]."""
        outputs = (LOSS, GRADIENT, ENERGIES)
        losses, gradients, energies = self._run(outputs, images, channel_weights, targets, stop)
        return losses, gradients, energies

    @property
    def resident(self) -> Resident:
        """The model for tensors that stay on the device."""
        return self._session.resident()

    @property
    def resident_step(self) -> Resident:
        """The graph of an ascent step, on the same device; see export/ascent_step.py."""
        return self._step.get()

    def fetch(self, tensor: Any) -> NDArray[np.float32]:
        """Return the content of a picture on the device, [1, H, W, 3], as a new array."""
        if kind_of(self.device) != "webgpu":
            return self.resident_step.fetch(tensor)
        copy = self._copy.get()
        nothing = copy.send(np.array(0, np.float32))
        _, (array,) = copy.run([], [NEXT], {IMAGE: tensor, CHANGE: nothing})
        return array

    def _open_copy(self) -> Resident:
        """Return the end of an ascent's step, which adds a change to an image."""
        content = Graph(_embedded(ASCENT_STEP)).part({IMAGE: ("N", "H", "W", 3), CHANGE: ()}, [NEXT])
        return self._session.resident_beside(content, "the ascent's step")

    def _open_guided(self) -> Session:
        """Return the whole model with targets, on the same device; a GPU computes it in float32."""
        self._refuse_untargeted()
        try:
            return self._session.beside(guided(self._content, self.metadata), self.name)
        except ValueError as error:
            raise ModelError(f"{self.name} has no targets: {error}") from error

    def _refuse_untargeted(self) -> None:
        if not self.metadata.has_targets or not self._content:
            raise UsageError(
                f"the model {self.name} cannot follow a guide place by place: its format is version 1",
                hint="leave out --guide-places, or export the model again",
            )

    def _run(
        self,
        outputs: tuple[str, ...],
        image: NDArray[np.float32],
        weights: NDArray[np.float32],
        targets: Targets | None = None,
        stop: Stop = NEVER,
    ) -> list[NDArray[np.float32]]:
        """Compute outputs; where there are `targets`, even none of them, by the model that takes them."""
        batch = image if image.ndim == 4 else image[np.newaxis]
        session = self._session if targets is None else self._guided.get()
        results = session.run(
            outputs,
            {
                IMAGE: np.ascontiguousarray(batch, np.float32),
                CHANNEL_WEIGHTS: np.ascontiguousarray(weights, np.float32),
                **({} if targets is None else feeds_for(self.metadata.layers, targets)),
            },
            stop,
        )
        return results if image.ndim == 4 else [x[0] for x in results]


def load_model(
    path: str | os.PathLike[str] | None = None,
    *,
    device: str = "auto",
    threads: int | None = None,
    precision: str = "full",
) -> DreamModel:
    """Open a model by its name, see `deepdream model`, or from a file; the embedded one by default.

    `device` is `auto`, `cpu`, `cuda`, `cuda:N` or `webgpu`; `threads` None means as many as this process
    may use; `precision` is `full` or, with CUDA, `half`.  Raises ModelError, DeviceError or UsageError.
    """
    check(device=device, threads=threads)
    file = None
    if path is not None:
        file = models.find(path) if models.is_name(path) else path_of(path, "path", ModelError)
    content = _embedded(EMBEDDED) if file is None else read_model(file)
    name = EMBEDDED if file is None else str(file)
    return model_of(content, name, device=device, threads=threads, precision=precision)


def model_of(content: bytes, name: str, *, device: str, threads: int | None, precision: str) -> DreamModel:
    """Open a model file's content; `name` is what messages call it.  See `load_model`."""
    count = None if threads is None else int(threads)  # NumPy's too
    return DreamModel(open_session(content, device, count, name, precision), name, content)


def _refuse(name: str) -> NoReturn:
    raise UsageError(f"the model {name} is closed", hint="load_model opens it again")


def _embedded(name: str) -> bytes:
    return resources.files("engine").joinpath("models", name).read_bytes()
