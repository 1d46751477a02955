"""What a service answers: a status and the bytes that are stored beside the effect, so that a replay repeats them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP-shaped answer; `replayed` tells that it was given before."""

    status: int
    body: bytes
    replayed: bool = False
