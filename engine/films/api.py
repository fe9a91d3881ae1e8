"""Films as function calls: `engine.zoom` and `engine.video`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from numbers import Integral
from typing import TYPE_CHECKING, Any, Final, Unpack

from engine import paths
from engine.films import encode
from engine.films import video as videos
from engine.films import zoom as zooms
from engine.library.sources import open_model, order_from, read
from engine.settings.given import check, given_settings, path_of, wrong
from engine.settings.presets import FILMS, chosen, configure
from engine.settings.setting import Setting
from engine.stop import NEVER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from engine.ascent.order import Order
    from engine.films.project import Project
    from engine.films.shot import Frame
    from engine.library.sources import ModelSource, Source
    from engine.network.model import DreamModel
    from engine.settings.config import DreamConfig, Settings
    from engine.settings.tiling import Tiling
    from engine.stop import Stop


@dataclass(frozen=True, eq=False)
class Film:
    """A finished film, and how it came to be."""

    path: Path
    """The film's file."""

    frames: int
    """How many frames it has."""

    device: str
    """What computed it: `cpu`, `cuda:N` or `webgpu: NAME`."""

    config: DreamConfig
    """The settings that its frames were dreamed with."""

    warnings: tuple[str, ...]
    """What the user should know, one sentence each."""


def zoom(
    picture: Source,
    target: str | os.PathLike[str],
    *,
    seconds: float = 10.0,
    fps: float = 25.0,
    zoom_rate: float = 1.35,
    rotate: float = 0.0,
    size: int | tuple[int, int] = 640,
    preset: str | os.PathLike[str] = FILMS,
    guide: Source | None = None,
    mask: Source | None = None,
    model: ModelSource = None,
    device: str = "auto",
    threads: int | None = None,
    tiling: Tiling | None = None,
    overwrite: bool = False,
    keep_frames: bool = False,
    progress: Callable[[Frame], object] | None = None,
    stop: Stop | None = None,
    **settings: Unpack[Settings],
) -> Film:
    """Fly into a picture's dream: each frame is the one before, a little nearer, dreamed on a little more.

    `target` is the film's file; its suffix chooses the format, MP4 without one.  `seconds` and `fps` give its
    length and its frames a second.  `zoom_rate` is how much larger a thing is a second later, `rotate` the
    degrees that the picture turns in a second, clockwise.  `size` is the larger side of the frames in pixels,
    or (width, height), to which the picture is cut.  Without `iterations` and `step_size` among the
    `settings`, a frame gets one step, of 0.7 times the preset's size.  `progress` is called with every Frame.
    The other arguments are those of `dream`.

    Frames wait in the folder `target` + `.frames`.  Call again with the same arguments after an interruption,
    and the film goes on from there; `overwrite` replaces a film and starts again, `keep_frames` keeps the
    folder.  Raises the errors of `dream`, and UsageError where the format needs the extra `[video]`.
    """
    check(device=device, threads=threads, tiling=tiling, progress=progress, stop=stop)
    check(overwrite=overwrite, keep_frames=keep_frames)
    given = given_settings(settings, zoom)
    if size is None:
        raise wrong("size", size, SIZES)
    flight = zooms.Flight(seconds=seconds, fps=fps, zoom_rate=zoom_rate, rotate=rotate, size=_size(size))
    config = zooms.lightly(configure(preset, given), given)
    path = _target(target, picture)
    source, _ = read(picture)
    opened = open_model(model, device, threads, preset)
    by = chosen(given, preset)
    order, warnings = order_from(config, opened, tiling, guide=guide, mask=mask, chosen=by)
    if source.alpha is not None:
        warnings += ("a film has no transparency: left out",)
    project = zooms.project(source, path, order, opened, flight)
    frames = project.make(overwrite=overwrite, keep_frames=keep_frames, stop=stop or NEVER)
    return _made(project, frames, order, opened, (*warnings, *source.warnings), progress)


def video(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    carry: float = 0.9,
    frame_iterations: int | None = None,
    size: int | tuple[int, int] | None = None,
    sound: bool = True,
    preset: str | os.PathLike[str] = FILMS,
    guide: Source | None = None,
    mask: Source | None = None,
    model: ModelSource = None,
    device: str = "auto",
    threads: int | None = None,
    tiling: Tiling | None = None,
    overwrite: bool = False,
    keep_frames: bool = False,
    progress: Callable[[Frame], object] | None = None,
    stop: Stop | None = None,
    **settings: Unpack[Settings],
) -> Film:
    """Dream on a film without flicker; keep its sound, its other tracks, and the times of its frames.

    The first frame, and the first after a cut, gets all `iterations`.  Each other frame begins with the dream
    of the one before, moved as the film moves.  `carry` is the share of that dream which it begins with, 0 to
    0.98: more is steadier.  `frame_iterations` are the steps in each octave of such a frame; None for as many
    as make up for what is not carried.  `size` is the larger side of the frames at most, or (width, height);
    None for the film's own.  Without `sound`, the new film has none.  Without `clip` among the `settings`,
    colours are clipped in each step.

    Damaged places of the film are skipped; the warnings say how many.  If it ends early, IncompleteError is
    raised when the new film, of the frames that could be read, is written.

    See `zoom` for the other arguments, for resuming and for errors.  Needs the extra `[video]`.
    """
    check(device=device, threads=threads, tiling=tiling, progress=progress, stop=stop)
    check(overwrite=overwrite, keep_frames=keep_frames, sound=sound)
    given = given_settings(settings, video)
    film = path_of(source, "source")
    carrying = videos.Carrying(carry=carry, frame_iterations=frame_iterations, size=_size(size))
    config = videos.within_range(configure(preset, given), given)
    path = _target(target, film)
    opened = open_model(model, device, threads, preset)
    by = chosen(given, preset)
    order, warnings = order_from(config, opened, tiling, guide=guide, mask=mask, chosen=by)
    project, lost = videos.project(film, path, order, opened, carrying, sound=sound)
    frames = project.make(overwrite=overwrite, keep_frames=keep_frames, stop=stop or NEVER)
    return _made(project, frames, order, opened, (*warnings, *lost), progress)


SIZES: Final = "a number of pixels from 16 to 8192, or two, (width, height)"


def _size(size: Any) -> Any:
    """Return the size of frames in Python's numbers; raise UsageError for what is none."""
    if size is None or isinstance(size, Integral):
        return Setting("size", int, 16, 8192, "", optional=size is None).check(size)
    if not isinstance(size, tuple | list) or len(size) != 2:
        raise wrong("size", size, SIZES)
    return tuple(Setting("size", int, 16, 8192, "").check(side) for side in size)


def _target(target: str | os.PathLike[str], source: object) -> Path:
    """Return the film's file; refuse one that is the source or cannot be written."""
    path = paths.with_suffix(path_of(target, "target"), ".mp4")
    paths.Kept([("the input", source)] if isinstance(source, str | os.PathLike) else ()).refuse(path)
    encode.check_writable(path)
    return path


def _made(
    project: Project,
    frames: Iterator[Frame],
    order: Order,
    model: DreamModel,
    warnings: tuple[str, ...],
    progress: Callable[[Frame], object] | None,
) -> Film:
    """Make a film to its end."""
    notes, number = list(warnings), 0
    for frame in frames:
        notes += frame.warnings
        number = frame.number
        if progress is not None and not frame.complete:
            progress(frame)
    return Film(project.target, number, model.device, order.config, tuple(notes))
