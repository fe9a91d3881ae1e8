"""Which part of a picture a view shows, and how large; plain numbers, without GIMP."""

from __future__ import annotations


def fitted(
    picture: tuple[int, int], room: tuple[int, int], unit: int = 1, *, enlarge: bool = True
) -> tuple[int, int]:
    """Return width and height of a picture as large as there is room, in the room's pixels.

    unit: the longer side becomes a multiple of it, for screens whose pixels are finer than GTK's; enlarge:
    whether a small picture may grow.
    """
    width, height = picture
    longest = max(picture)
    most = min(longest * room[0] // width, longest * room[1] // height)
    if not enlarge:
        most = min(most, longest)
    most = max(most // unit, 1) * unit
    return max(round(width * most / longest), 1), max(round(height * most / longest), 1)


def part(
    whole: tuple[int, int, int, int], room: tuple[int, int], centre: tuple[float, float]
) -> tuple[int, int, int, int]:
    """Return what is seen of a rectangle (x, y, width, height) in full size, with the centre in the middle.

    Where that is too near an edge, the part ends there.
    """
    x, width = _span(whole[0], whole[2], room[0], centre[0])
    y, height = _span(whole[1], whole[3], room[1], centre[1])
    return x, y, width, height


def _span(start: int, whole: int, room: int, centre: float) -> tuple[int, int]:
    length = min(whole, room)
    first = round(centre - length / 2)
    return min(max(first, start), start + whole - length), length
