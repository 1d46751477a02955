"""Money as integer minor units, with each currency's own number of digits, read from text without ever being a float.

Source of the exponents: ISO 4217, list one; every currency that is not named here has two digits.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

MAX_MINOR: Final = 10**15
"""The largest amount that is accepted anywhere, in minor units: it leaves room to multiply within 64 bits."""

_EXPONENTS: Final = {
    **dict.fromkeys("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(), 0),
    **dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3),
    **dict.fromkeys("CLF UYW".split(), 4),
}
_CURRENCY: Final = re.compile(r"[A-Z]{3}")


def is_currency(code: str) -> bool:
    """Tell whether `code` has the form of an ISO 4217 code."""
    return _CURRENCY.fullmatch(code) is not None


def exponent(currency: str) -> int:
    """Return how many digits follow the decimal point in `currency` (JPY 0, CNY 2, KWD 3)."""
    return _EXPONENTS.get(currency, 2)


@lru_cache(maxsize=8)
def _amount_pattern(digits: int) -> re.Pattern[str]:
    fraction = rf"(?:\.([0-9]{{1,{digits}}}))?" if digits else "()"
    return re.compile(rf"([0-9]{{1,15}}){fraction}")


def parse_amount(text: str, currency: str) -> int:
    """Read `"12.30"` as minor units of `currency`.

    Raises ValueError, with the remedy, for anything but ASCII digits with at most the currency's own decimals: a sign,
    an exponent, a thousands separator or a full-width digit are all refused, and so is an amount above `MAX_MINOR`.
    """
    digits = exponent(currency)
    match = _amount_pattern(digits).fullmatch(text) if len(text) <= 20 else None
    if match is None:
        example = "1200" if digits == 0 else "12." + "30000"[:digits]
        raise ValueError(
            f'not an amount in {currency}: write digits with at most {digits} decimals, such as "{example}"'
        )
    minor: int = int(match[1]) * 10**digits + int((match[2] or "").ljust(digits, "0") or 0)
    if minor > MAX_MINOR:
        raise ValueError(f"larger than {format_amount(MAX_MINOR, currency)} {currency}, the most that is accepted")
    return minor


def format_amount(minor: int, currency: str) -> str:
    """Write minor units as text in major units: 1230 in CNY is `"12.30"`, 1230 in JPY `"1230"`."""
    digits = exponent(currency)
    if digits == 0:
        return str(minor)
    whole, fraction = divmod(abs(minor), 10**digits)
    return f"{'-' if minor < 0 else ''}{whole}.{fraction:0{digits}d}"


def shares(total: int, weights: Sequence[int]) -> tuple[int, ...]:
    """Split `total` in proportion to `weights` by largest remainders, so that the shares add up to it exactly.

    Equal remainders go by the weight, larger first, then by the place: callers sort their lines by id first, so the
    order in which a till sent them changes nothing. No weight at all gives no share at all.
    Source: PROGRAMME.md, Accrual, 1.
    """
    whole = sum(weights)
    if total == 0 or whole == 0:
        return (0,) * len(weights)
    floors = [total * weight // whole for weight in weights]
    rest = total - sum(floors)
    if rest == 0:
        return tuple(floors)
    by_remainder = sorted(range(len(weights)), key=lambda i: (-(total * weights[i] % whole), -weights[i], i))
    for i in by_remainder[:rest]:
        floors[i] += 1
    return tuple(floors)
