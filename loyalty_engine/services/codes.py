"""Codes that can't be guessed and can be read aloud: Crockford's base 32 with his check character.

Source: Douglas Crockford, Base 32: no I, L, O or U; the check character is the number modulo 37.
"""

import secrets
from typing import Final

_DIGITS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_CHECKS: Final = _DIGITS + "*~$=U"
_READ_AS: Final = str.maketrans("OIL", "011", "- ")

_VOUCHER: Final = 13
"""Characters of a voucher's code, its check among them."""


def new_code(characters: int = 12) -> str:
    """Return a random code of so many characters (five bits each), the last a check on the others, in groups of four."""
    number = secrets.randbits(5 * (characters - 1))
    digits = "".join(_DIGITS[number >> 5 * place & 31] for place in reversed(range(characters - 1)))
    code = digits + _CHECKS[number % 37]
    return "-".join(code[start : start + 4] for start in range(0, characters, 4))


def new_voucher_code() -> str:
    """Return twelve random characters and their check, `XXXX-XXXX-XXXX-C`; the check is a letter or digit, not a sign.

    A code with a check that is hard to say (`* ~ $ = U`) is drawn again: every eighth of them.
    """
    while (code := new_code(_VOUCHER))[-1] not in _DIGITS:
        pass
    return code


def normal_voucher_code(text: str) -> str | None:
    """The same as `normal_code`; None also for what is longer or shorter than a voucher's code."""
    code = normal_code(text)
    return code if code is not None and len(code.replace("-", "")) == _VOUCHER else None


def normal_code(text: str) -> str | None:
    """Return what was typed or read aloud in the form that is stored; None where the check character disagrees."""
    code = text.upper().translate(_READ_AS)
    if len(code) < 2 or any(digit not in _DIGITS for digit in code[:-1]):
        return None
    number = 0
    for digit in code[:-1]:
        number = number << 5 | _DIGITS.index(digit)
    if _CHECKS[number % 37] != code[-1]:
        return None
    return "-".join(code[start : start + 4] for start in range(0, len(code), 4))


def base32(data: bytes) -> str:
    """Return bytes, a multiple of five of them, in the same characters."""
    assert len(data) % 5 == 0, "five bytes are eight characters"
    number = int.from_bytes(data, "big")
    return "".join(_DIGITS[number >> 5 * place & 31] for place in reversed(range(len(data) // 5 * 8)))


def from_base32(text: str, size: int) -> bytes | None:
    """Return the `size` bytes that were written by `base32`, also when read aloud; None for anything else."""
    digits = text.upper().translate(_READ_AS)
    if len(digits) != size // 5 * 8 or any(digit not in _DIGITS for digit in digits):
        return None
    number = 0
    for digit in digits:
        number = number << 5 | _DIGITS.index(digit)
    return number.to_bytes(size, "big")
