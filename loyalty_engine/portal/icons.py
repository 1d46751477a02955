"""Draws the pages' mark, a heart on the shop's colour, as SVG and as PNG: of two circles and a square, row by row.

The heart keeps inside the middle 80 %, so a phone may cut the icon into any shape.
"""

import struct
import zlib
from collections.abc import Iterator
from functools import cache
from math import sqrt
from typing import Final

from loyalty_engine.portal.colours import mixed, read, readable, written

_SIDE: Final = 0.34
"""Of the square, which stands on its corner; the circles lie on its upper sides. All in parts of the icon's width."""
_MIDDLE: Final = (0.5, 0.545)
_ROWS: Final = 4
"""So many thin rows make up one row of pixels."""


def _circles() -> tuple[tuple[float, float], ...]:
    reach = _SIDE / sqrt(2) / 2
    return tuple((_MIDDLE[0] + way * reach, _MIDDLE[1] - reach) for way in (-1, 1))


def svg(colour: str) -> bytes:
    """Return the mark as a drawing."""
    card = written(readable(read(colour), (255, 255, 255)))
    x, y = (100 * part for part in _MIDDLE)
    side, radius = 100 * _SIDE, 50 * _SIDE
    circles = "".join(f'<circle cx="{100 * cx:.2f}" cy="{100 * cy:.2f}" r="{radius:.2f}"/>' for cx, cy in _circles())
    square = f'<rect x="{x - side / 2:.2f}" y="{y - side / 2:.2f}" width="{side:.2f}" height="{side:.2f}" transform="rotate(45 {x:.2f} {y:.2f})"/>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100"><rect width="100" height="100" rx="22" fill="{card}"/>'
        f'<g fill="#fff">{circles}{square}</g></svg>'
    ).encode()


@cache
def png(colour: str, size: int) -> bytes:
    """Return the mark as a square image of `size` pixels."""
    card = readable(read(colour), (255, 255, 255))
    shades = [mixed(card, (255, 255, 255), share / 255) for share in range(256)]
    palette = b"".join(bytes(shade) for shade in shades)
    rows = b"".join(b"\0" + _row(y, size) for y in range(size))
    header = struct.pack(">IIBBBBB", size, size, 8, 3, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"PLTE", palette), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _row(y: int, size: int) -> bytes:
    """Return how much of each pixel of a row is heart, 0 to 255."""
    covered = [0.0] * size
    for part in range(_ROWS):
        for start, end in _spans((y + (part + 0.5) / _ROWS) / size):
            _cover(covered, start * size, end * size)
    return bytes(round(255 * share / _ROWS) for share in covered)


def _spans(y: float) -> Iterator[tuple[float, float]]:
    """Yield from where to where a thin row is heart, each stretch once."""
    half, radius = _SIDE / sqrt(2), _SIDE / 2
    found = [(cx - reach, cx + reach) for cx, cy in _circles() if (reach := _half_chord(radius, y - cy))]
    if abs(y - _MIDDLE[1]) < half:
        reach = half - abs(y - _MIDDLE[1])
        found.append((_MIDDLE[0] - reach, _MIDDLE[0] + reach))
    end = 0.0
    for start, stop in sorted(found):
        if stop > end:
            yield max(start, end), stop
            end = stop


def _half_chord(radius: float, away: float) -> float:
    return sqrt(radius * radius - away * away) if abs(away) < radius else 0.0


def _cover(covered: list[float], start: float, end: float) -> None:
    for x in range(int(start), min(int(end) + 1, len(covered))):
        covered[x] += max(0.0, min(end, x + 1) - max(start, x))
