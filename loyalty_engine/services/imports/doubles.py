"""Numbers that a parquet file holds as doubles, turned into exact ones at the door: whole numbers, and minor units."""

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from rules.money import MAX_MINOR, exponent

MAX_WHOLE: Final = 2**53 - 1
"""Up to here a double is one whole number, and not the nearest to several."""
_TOLERANCE_MINOR: Final = Decimal("1e-6")


def whole_of(value: float) -> float | int | None:
    """Return a double that is a whole number as that, None for NaN, and any other one as it is.

    Whoever writes a column of whole numbers makes doubles of them all as soon as one is missing, and NaN of that one.
    """
    if value != value:
        return None
    return int(value) if value.is_integer() and abs(value) <= MAX_WHOLE else value


def minor_of(value: float, currency: str) -> int:
    """Return minor units of a double that was written from a decimal amount.

    The shortest decimal that names the double is what counts; a double that is further than a millionth of a minor
    unit from a whole one was never an amount in `currency`, and raises ValueError. So do NaN and infinities.
    """
    exact = Decimal(repr(value))
    scaled = exact.scaleb(exponent(currency)) if exact.is_finite() else exact
    if not scaled.is_finite() or abs(scaled) > MAX_MINOR:
        raise ValueError(f"not an amount: {value!r}")
    minor = scaled.to_integral_value(ROUND_HALF_EVEN)
    if abs(scaled - minor) > _TOLERANCE_MINOR:
        raise ValueError(f"{value!r} has more decimals than {currency} has ({exponent(currency)})")
    return int(minor)
