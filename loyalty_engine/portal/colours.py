"""The shop's colour on every page: shades of it that can be read on light and on dark paper, whatever colour it is.

Contrast is WCAG 2's: 4.5 to 1 for text.
"""

from functools import cache
from typing import Final

PAPER: Final = "#f6f5f2"
_LIGHT, _DARK = (246, 245, 242), (20, 22, 24)
_RAISED: Final = (34, 37, 40)
_ENOUGH: Final = 4.6
_STEPS: Final = 50

Colour = tuple[int, int, int]


def read(text: str) -> Colour:
    """Return the red, green and blue of `#rrggbb`."""
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)


def contrast(one: Colour, other: Colour) -> float:
    """Return how well one colour can be told from the other, 1 to 21."""
    brighter, darker = sorted((_brightness(one), _brightness(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


def _brightness(colour: Colour) -> float:
    red, green, blue = (_linear(part / 255) for part in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4


def readable(colour: Colour, *papers: Colour) -> Colour:
    """Return the shade of a colour nearest to it that can be read on all of the papers: darker on light, lighter on dark."""
    end = (0, 0, 0) if _brightness(papers[0]) > 0.2 else (255, 255, 255)
    shades = (mixed(colour, end, step / _STEPS) for step in range(_STEPS + 1))
    return next(shade for shade in shades if all(contrast(shade, paper) >= _ENOUGH for paper in papers))


def mixed(one: Colour, other: Colour, share: float) -> Colour:
    """Return one colour with a share of another in it."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def written(colour: Colour) -> str:
    """Return `#rrggbb`."""
    return "#{:02x}{:02x}{:02x}".format(*colour)


@cache
def sheet(text: str) -> bytes:
    """Return the style sheet that gives the pages their colour."""
    colour = read(text)
    card = readable(colour, (255, 255, 255))
    deep = mixed(card, (0, 0, 0), 0.35)
    light = {"accent": readable(colour, (255, 255, 255), _LIGHT), "on-accent": (255, 255, 255)}
    bright = readable(colour, _RAISED, _DARK)
    dark = {"accent": bright, "on-accent": _DARK}
    same = {"card": card, "card-deep": deep}
    tints = {"tint": mixed((255, 255, 255), light["accent"], 0.1)}, {"tint": mixed(_RAISED, bright, 0.14)}
    return (
        f":root {{ {_variables(same | light | tints[0])} }}\n"
        f"@media (prefers-color-scheme: dark) {{ :root {{ {_variables(dark | tints[1])} }} }}\n"
    ).encode()


def _variables(colours: dict[str, Colour]) -> str:
    return " ".join(f"--{name}: {written(colour)};" for name, colour in colours.items())
