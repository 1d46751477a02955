"""Money that a parquet file holds as doubles, turned into exact minor units at the door."""

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from rules.money import MAX_MINOR, exponent

_TOLERANCE_MINOR: Final = Decimal("1e-6")


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
