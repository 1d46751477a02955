"""What messages cost in the programme's money: its price of a segment, which may be a fraction of the smallest coin."""

from fractions import Fraction

from rules.money import exponent
from rules.programme import Programme
from rules.reading_values import decimal_text


def cost(programme: Programme, channel: str, segments: int) -> Fraction | None:
    """Return what so many segments cost, in minor units; None where the programme has no price for the channel."""
    price = programme.messages.cost_minor.get(channel)
    return None if price is None else price * segments


def words(programme: Programme, minor: Fraction) -> str:
    """Write an exact amount in major units: `0.045`."""
    return decimal_text(minor / 10 ** exponent(programme.money))


def cost_words(programme: Programme, channel: str, segments: int) -> str | None:
    """Return the same, written in major units."""
    found = cost(programme, channel, segments)
    return None if found is None else words(programme, found)
