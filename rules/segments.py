"""How many parts an SMS is cut into, and so what it costs: GSM-7 where every sign is in its alphabet, else UCS-2.

Source: 3GPP TS 23.038, the default alphabet and its extension table; 23.040: a part of several carries 7 septets (or 3
units of UCS-2) less, and neither an escape nor a surrogate pair is cut in two.
"""

from collections.abc import Sequence
from typing import Final

MOST: Final = 3
"""So many segments a text may have."""

_BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED: Final = frozenset("\f^{}\\[~]|€")
_ALL: Final = _BASIC | _EXTENDED
_SEPTETS, _SEPTETS_OF_SEVERAL = 160, 153
_UNITS, _UNITS_OF_SEVERAL = 70, 67
_BEYOND: Final = 0xFFFF
"""Signs above it take two units of UTF-16."""


def is_gsm(text: str) -> bool:
    """Tell whether GSM-7 can say all of a text."""
    return _ALL.issuperset(text)


def segments(text: str) -> int:
    """Return how many segments a text is sent as; an empty one is one."""
    if is_gsm(text):
        return _cut([2 if sign in _EXTENDED else 1 for sign in text], _SEPTETS, _SEPTETS_OF_SEVERAL)
    return _cut([2 if ord(sign) > _BEYOND else 1 for sign in text], _UNITS, _UNITS_OF_SEVERAL)


def _cut(widths: Sequence[int], alone: int, of_several: int) -> int:
    if sum(widths) <= alone:
        return 1
    count, left = 1, of_several
    for width in widths:
        if width > left:
            count, left = count + 1, of_several
        left -= width
    return count
