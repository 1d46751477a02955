"""Reads one variable of the environment, and says by its name what is wrong with it."""

import re
from collections.abc import Mapping
from ipaddress import ip_network
from typing import Final
from urllib.parse import urlsplit

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class WrongSetting(ValueError):
    """A setting of the environment can't be used; the message names it and says what would be right."""


def number(environment: Mapping[str, str], name: str, default: int, least: int = 1, most: int = 9_999) -> int:
    text = environment.get(name)
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(most)) and least <= int(text) <= most):
        raise WrongSetting(f"{name} is {text!r}; it takes a whole number from {least} to {most}")
    return int(text)


def choice(environment: Mapping[str, str], name: str, words: tuple[str, ...]) -> str:
    text = environment.get(name) or words[0]
    if text not in words:
        raise WrongSetting(f"{name} is {text!r}; it takes one of: {', '.join(words)}")
    return text


def need(environment: Mapping[str, str], what: str, *names: str) -> None:
    missing = [name for name in names if not environment.get(name)]
    if missing:
        raise WrongSetting(f"{what} needs {' and '.join(missing)} as well")


def matching(environment: Mapping[str, str], name: str, pattern: str | re.Pattern[str], takes: str) -> str:
    text = environment.get(name, "")
    if text and not re.fullmatch(pattern, text):
        raise WrongSetting(f"{name} is {text!r}; it takes {takes}")
    return text


def listed(environment: Mapping[str, str], name: str, pattern: re.Pattern[str], takes: str) -> frozenset[str]:
    found = frozenset(_words(environment, name))
    for word in found:
        if not pattern.fullmatch(word):
            raise WrongSetting(f"{name} holds {word!r}; it takes {takes}")
    return found


def url(environment: Mapping[str, str], name: str) -> str:
    """Addresses that others must not read along are https, unless they stay on this machine."""
    text = environment.get(name, "").rstrip("/")
    if not text:
        return ""
    parts = urlsplit(text)
    secure = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    if not (secure and parts.hostname and not parts.query and not parts.fragment and parts.username is None):
        raise WrongSetting(f"{name} is {text!r}; it takes https://HOST, or http:// on this machine")
    return text


def colour(environment: Mapping[str, str], name: str, default: str) -> str:
    text = environment.get(name) or default
    if not re.fullmatch("#[0-9A-Fa-f]{6}", text):
        raise WrongSetting(f"{name} is {text!r}; it takes red, green and blue in six digits, such as {default}")
    return text.lower()


def countries(environment: Mapping[str, str], name: str) -> tuple[str, ...]:
    found = _words(environment, name)
    if not all(re.fullmatch("[A-Z]{2}", one) for one in found):
        raise WrongSetting(f"{name} is {environment[name]!r}; it takes countries by two letters, such as CN,HK")
    return found


def networks(environment: Mapping[str, str], name: str) -> tuple[str, ...]:
    try:
        return tuple(str(ip_network(one)) for one in _words(environment, name))
    except ValueError:
        said = environment[name]
        raise WrongSetting(
            f"{name} is {said!r}; it takes addresses or networks, such as 127.0.0.1,10.0.0.0/8"
        ) from None


def _words(environment: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(one.strip() for one in environment.get(name, "").split(",") if one.strip())
