"""One call of the procedure, from the selected layers to the dreams in the image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gi

gi.require_version("Gegl", "0.4")
gi.require_version("Gimp", "3.0")
import order  # noqa: E402 - versions first
import result  # noqa: E402 - versions first
import within  # noqa: E402 - versions first
from deepdream_common import log_file, progress, region  # noqa: E402 - versions first
from deepdream_common.texts import _  # noqa: E402 - versions first
from gi.repository import Gegl, Gimp  # noqa: E402 - versions first
from subject import EMPTY, Refused, Subject, chosen, leaves, locked, remark  # noqa: E402 - versions first

if TYPE_CHECKING:
    from collections.abc import Callable

    from ahead import Dream
    from deepdream_common import process
    from engines import Engines


def log(*lines: str) -> None:
    """Write lines to the log file in the profile folder."""
    log_file.write(Gimp.directory(), lines)


def dream(
    run_mode: Gimp.RunMode,
    image: Gimp.Image,
    drawables: list[Gimp.Drawable],
    dreamers: Engines,
    ask: Callable[[Subject, int], dict[str, Any] | None],
) -> Gimp.Image | None:
    """Dream on the selected layers; return the image with the dreams, None if the user cancelled.

    dreamers: begin the dreams, and are closed; ask: returns the values by argument name, or None, for the
    first subject of so many.

    The image is changed only when all of the engine's pictures are ready, so a run that fails, is cancelled
    or is killed leaves the image and its undo history as they were.
    """
    Gegl.init(None)
    layers = chosen(drawables)
    values = ask(Subject(image, layers[0]), len(layers))
    if values is None:
        return None
    _check(image, layers, values)
    if values["groups"] == "each":
        layers = leaves(layers)
        if not layers:
            raise Refused(_(EMPTY))
    subjects = _within_reach([Subject(image, layer) for layer in layers], values)
    script = run_mode == Gimp.RunMode.NONINTERACTIVE
    if run_mode == Gimp.RunMode.INTERACTIVE:
        import waiting  # noqa: PLC0415 - GTK only if there is a screen

        watch = waiting.Waiting(len(subjects))
    else:
        watch = Bar(len(subjects))
    try:
        dreams = _compute(subjects, values, dreamers, watch, script=script)
    finally:
        watch.close()
        dreamers.close()  # before GIMP needs memory for the result
    if dreams is None:
        return None
    made = result.put(image, dreams, values)
    log(*filter(None, (remark(each.subject, values) for each in dreams)))
    return made


def _check(image: Gimp.Image, layers: list[Gimp.Layer], values: dict[str, Any]) -> None:
    """Raise Refused if the result can't be where it is wanted."""
    if image.get_base_type() == Gimp.ImageBaseType.INDEXED and values["result"] != result.NEW_IMAGE:
        raise Refused(
            _(
                "Deep Dream does not work on indexed images.\n"
                "Convert it first (Image > Mode > RGB), or choose a new image as the result."
            )
        )
    if values["result"] == result.IN_PLACE and any(locked(layer) for layer in layers):
        raise Refused(_("The layer's pixels are locked.\nUnlock them, or choose a new layer as the result."))


def _within_reach(subjects: list[Subject], values: dict[str, Any]) -> list[Subject]:
    """Return those of several subjects of which anything is selected.

    Raises RegionError or Refused if that is none, or one is too small: before the first dream, not after it.
    """
    parts = [(x, within.bounds(x, within.fitted_to(x, values))) for x in subjects]
    touched = [(x, part) for x, part in parts if part.width and part.height]
    for subject, part in touched or parts[:1]:
        try:
            region.around(part, subject.width, subject.height)
        except region.RegionError as error:
            if len(subjects) == 1:
                raise
            raise Refused(f"{subject.layer.get_name()}: {error}") from error
    return [subject for subject, _part in touched]


def _compute(
    subjects: list[Subject], values: dict[str, Any], dreamers: Engines, watch: Any, *, script: bool
) -> list[result.Dream] | None:
    """Return what the engine makes of each subject, one after the other; None if the user cancelled.

    If the user stops it, the picture so far is the last one.
    """
    before = [(subject, _state(subject, values)) for subject in subjects]
    made: list[result.Dream] = []
    for at, subject in enumerate(subjects):
        _check_unchanged(before[at : at + 1], values)
        task = order.Task(subject, values, script=script)
        log(task.summary)
        engine = dreamers.begin(task)
        try:
            wanted = engine.finished or watch.follow(engine, subject.layer.get_name())
            dreamed = engine.result() if wanted else None
        finally:
            engine.close()
            if engine.log:
                log("the engine said:", *engine.log)
        if dreamed is None:
            return None
        made.append(result.Dream(subject, task.where, task.answer(dreamed), task.recipe(engine)))
        if engine.stopped:
            break
    _check_unchanged(before, values)
    return made


def _state(subject: Subject, values: dict[str, Any]) -> tuple[Any, ...]:
    """Return what must stay the same while the engine works, so that the result fits.

    GIMP can be used in the meantime.
    """
    return (*subject.shape, within.digest(subject, within.fitted_to(subject, values)))


def _check_unchanged(before: list[tuple[Subject, tuple[Any, ...]]], values: dict[str, Any]) -> None:
    """Raise Refused if any layer or the selection is no longer what it was."""
    for subject, state in before:
        valid = subject.image.is_valid() and subject.layer.is_valid()
        if valid and _state(Subject(subject.image, subject.layer), values) == state:
            continue
        raise Refused(
            _(
                "The layer or the selection has changed in the meantime, so the dream no longer fits.\n"
                "The image was left unchanged. Run Deep Dream again."
            )
        )


class Bar:
    """GIMP's own progress bar, whose Cancel button kills this process, and the engine with it."""

    def __init__(self, count: int) -> None:
        """Show it, for so many dreams."""
        self._progress = progress.Several(count)
        Gimp.progress_init(_("Deep Dream"))

    def follow(self, engine: process.Engine | Dream, _name: str) -> bool:
        """Wait until the engine is finished; return True."""
        self._progress.begin()
        text = ""
        while not engine.finished:
            event = engine.poll(0.05)
            if event is not None and event.get("event") == "step":
                text = self._progress.text(event)
                Gimp.progress_set_text(text)
                Gimp.progress_update(self._progress.fraction(event))
            elif event is not None:
                engine.log.append(str(event))
            elif text:
                Gimp.progress_set_text(text)  # ends this process if GIMP has ended
            else:
                Gimp.progress_pulse()
        return True

    def close(self) -> None:
        """Take it away."""
        Gimp.progress_end()
