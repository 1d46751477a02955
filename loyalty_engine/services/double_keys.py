"""Finds a key that stands twice in one object of JSON: readers take the last one, and nobody knows which was meant."""

import json
from collections import Counter
from typing import Any

import msgspec

from rules.shown import clipped

_encode = msgspec.json.Encoder().encode


class DoubleKey(ValueError):
    """A key that is there twice; its words say so."""

    def __init__(self, key: str) -> None:
        super().__init__(f'the key "{clipped(key)}" is there twice in one object: send it once')


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the pairs of an object as a mapping; raises `DoubleKey`. Meant as the `object_pairs_hook` of `json`."""
    found = dict(pairs)
    if len(found) < len(pairs):
        times = Counter(key for key, _ in pairs)
        raise DoubleKey(next(key for key in times if times[key] > 1))
    return found


def check(raw: bytes, read: object) -> None:
    """Raise `DoubleKey` where faultless JSON has a key twice; `read` is what was made of it.

    What was read then has fewer quotation marks than what was sent. An escape may hide a quotation mark or a letter of a
    key, so with one in it the text is looked through key by key.
    """
    if b"\\" in raw or raw.count(b'"') != _encode(read).count(b'"'):
        json.loads(raw, object_pairs_hook=once)
