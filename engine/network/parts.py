"""The parts of a split model that are open: its trunk, and the stem's tiles in the forms that were needed."""

from __future__ import annotations

import threading
import weakref
from collections import deque
from concurrent.futures import ThreadPoolExecutor, wait
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from engine import machine
from engine.errors import ModelError
from engine.forks import calls
from engine.network.blocked import blocked
from engine.network.buffers import Shelf
from engine.network.chains import in_pairs
from engine.network.contract import (
    CHANNEL_WEIGHTS,
    ENERGIES,
    GRADIENT,
    IMAGE,
    LOSS,
    STEM,
    STEM_GRADIENT,
    layer_activations,
    layer_energies,
    layer_targets,
    layer_weights,
)
from engine.network.fragment import Fragment, open_fragment
from engine.network.graph import Graph, changed
from engine.network.maxima import counted
from engine.network.planes import in_planes
from engine.network.relus import sooner, unmasked
from engine.network.spans import Pads
from engine.network.transposed import dense

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from engine.forks import Opened
    from engine.network.contract import Metadata, Stem
    from engine.network.spans import Span

T = TypeVar("T")
U = TypeVar("U")

OPEN_TILES: Final = 64
"""How many forms of tiles are kept open for each call at a time: those at edges and corners differ, and the
last along each side."""


class Tiles:
    """The stem's open tiles, which are the same whatever layers are asked for.

    So all `Parts` of a model file share them: to open the stem anew for each look would take a fourth of the
    time of a small dream.
    """

    def __init__(self, content: bytes, stem: Stem) -> None:
        """Take the stem out of a model file; raise ValueError where the content is not what `stem` says."""
        self._stem = stem
        self.outputs = tuple(dict.fromkeys((*stem.kept, STEM)))
        """Tensors of the way forward."""
        # Small graphs, from which tiles of any form are made quickly: their shapes come with the form.
        graph, needed = Graph(content), dict.fromkeys((IMAGE, *stem.kept, STEM_GRADIENT), ())
        forward = graph.part({IMAGE: ()}, self.outputs)
        self._forward_graph = Graph(changed(forward, sooner, partial(counted, sized=True), in_planes))
        self._backward_graph = Graph(graph.part(needed, [GRADIENT]))
        self._opened: dict[tuple[Any, ...], tuple[Fragment, Fragment]] = {}
        self._shelves: weakref.WeakSet[Shelf] = weakref.WeakSet()
        self._lock = threading.Lock()

    def serve(self, shelf: Shelf) -> None:
        """Keep enough tiles open for the calls that take buffers from a shelf, too."""
        with self._lock:
            self._shelves.add(shelf)

    def close_all(self) -> None:
        """Let go of all sessions, which open in milliseconds."""
        with self._lock:
            self._opened = {}

    def get(self, rows: Span, columns: Span) -> tuple[Fragment, Fragment]:
        """Return the way forward and the way back for a form of tile.

        Raises ModelError where the stem is not what the file says.
        """
        form = (rows.form, columns.form)
        opened = self._opened.get(form)
        if opened is None:
            try:
                with calls():
                    opened = self._open(rows, columns)  # at worst two threads open the same
            except ValueError as error:
                raise ModelError(f"the model's stem is not what the file says it is: {error}") from error
            with self._lock:
                self._opened[form] = opened
                while len(self._opened) > OPEN_TILES * max(sum(x.sets for x in self._shelves), 1):
                    del self._opened[next(iter(self._opened))]
            machine.release_memory()
        return opened

    def _open(self, rows: Span, columns: Span) -> tuple[Fragment, Fragment]:
        kept, outputs, pads = self._stem.kept, self.outputs, Pads(rows, columns)
        size = (1, *(x.to_pixel - x.from_pixel for x in (rows, columns)), 3)
        there, back = self._forward_graph, self._backward_graph
        pads_there = {name: pads.forward(there.kernel(name)[1]) for name in self._stem.padded_forward}
        pads_back = {
            # A transposed convolution cuts off as much as the one whose gradient it is pads.
            name: pads.forward(own) if back.is_transposed(name) else pads.backward(kernel, own)
            for name in self._stem.padded_backward
            for kernel, own in [back.kernel(name)]
        }
        forward = open_fragment(there.part({IMAGE: size}, outputs, pads_there), 1)
        shapes = dict(zip(outputs, forward.output_shapes, strict=True))
        positions = [x.stop - x.start for x in (rows, columns)]
        known = all(isinstance(x, int) for shape in shapes.values() for x in shape)
        if shapes[STEM][2:] != positions or not known:
            raise ValueError(f"{shapes[STEM]} instead of {positions} positions of it")
        inputs = {IMAGE: size, **{name: shapes[name] for name in kept}, STEM_GRADIENT: shapes[STEM]}
        return forward, open_fragment(back.part(inputs, [GRADIENT], {**pads_there, **pads_back}), 1)


class Parts:
    """Open parts of a model on the CPU, for any number of calls at once."""

    def __init__(
        self,
        content: bytes,
        metadata: Metadata,
        layers: Collection[str],
        threads: int,
        tiles: Opened[Tiles],
        *,
        guided: bool = False,
    ) -> None:
        """Open the trunk, for the stem in `tiles`; what only layers outside `layers` need is left out.

        If `guided`, it takes targets for each of them too, and gives their activations.
        Raises ValueError where the content is not what its metadata say.
        """
        others = [x.name for x in metadata.layers if x.name not in layers]
        untargeted = others if guided else [x.name for x in metadata.layers]
        graph = Graph(content).without(
            [name(x) for x in others for name in (layer_weights, layer_energies)]
            + [layer_targets(x) for x in untargeted]
        )
        seen = {x.name: x.channels for x in metadata.layers if x.name in layers} if guided else {}
        self.seen_channels = graph.channels(STEM)
        """Channels of the stem's output, which the trunk looks at."""
        inputs: dict[str, tuple[str | int, ...]] = {
            STEM: ("N", self.seen_channels, "h", "w"),
            CHANNEL_WEIGHTS: (metadata.channels,),
        }
        targets: dict[str, tuple[str | int, ...]] = {
            layer_targets(x): (f"M_{x}", channels) for x, channels in seen.items()
        }
        outputs = [LOSS, STEM_GRADIENT, ENERGIES, *map(layer_activations, seen)]
        trunk = changed(graph.part(inputs | targets, outputs), dense, blocked, counted, in_pairs, unmasked)
        self.trunk = open_fragment(trunk, threads)
        machine.release_memory()  # opening leaves half as much behind: kernels that became float32
        self._pool = ThreadPoolExecutor(threads) if threads > 1 else None
        self.shelf = Shelf()
        """What calls keep their tiles in."""
        self.tiles = tiles.get()
        self.tiles.serve(self.shelf)

    def map(self, function: Callable[[T], U], items: Iterable[T]) -> Iterator[U]:
        """Call a function for each item, on as many threads as there are.

        When the iterator ends, however it does, no thread is at work on these items any more.
        """
        if self._pool is None:
            yield from map(function, items)
            return
        waiting = deque(self._pool.submit(function, x) for x in items)
        try:
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
            wait(waiting)

    def give_back(self) -> None:
        """Let go of memory that no call is using, and of the tiles' sessions."""
        self.shelf.clear()
        self.tiles.close_all()
