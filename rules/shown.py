"""How a value that a person wrote is shown in a problem: in a few characters, all of which can be seen."""

from decimal import Decimal


def clipped(text: str) -> str:
    """Return `text` fit to be shown: short, and with every character that can't be seen written as its code."""
    seen = "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in text[:60])
    return seen + ("…" if len(text) > 60 else "")


def shown(value: object) -> str:
    """Say in a few characters what `value` is; costs nothing for huge numbers."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true" if value else "false"
        case str():
            return f'"{clipped(value)}"'
        case int():
            return str(value) if abs(value) < 10**20 else "a number of more than 20 digits"
        case Decimal():
            return clipped(str(value))
        case float():
            return f"the binary fraction {value!r}"
        case dict():
            return "a mapping"
        case list() | tuple():
            return "a list"
        case _:
            return f"a {type(value).__name__}"
