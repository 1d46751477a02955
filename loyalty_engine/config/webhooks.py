"""Reads from the settings where webhooks go: which address, which kinds of events, and the secrets that sign them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final
from urllib.parse import SplitResult, urlsplit

from loyalty_engine.config.variables import WrongSetting

KINDS: Final = ("accrual", "redemption", "voucher", "tier", "expiry", "member")
"""Everything that a target may be told of."""
LEAST_SECRET: Final = 16

_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,30}")
_SETTING: Final = "LOYALTY_WEBHOOKS"


@dataclass(frozen=True, slots=True)
class WebhookTarget:
    """Where events are sent. Each of `secrets` signs every event: two of them while one takes the other's place."""

    name: str
    url: str
    kinds: tuple[str, ...]
    secrets: tuple[str, ...] = field(repr=False)

    @property
    def host(self) -> str:
        """Return where it is, without what its address may hold of keys."""
        return urlsplit(self.url).netloc


def targets_in(environment: Mapping[str, str]) -> tuple[WebhookTarget, ...]:
    """Return the targets of `LOYALTY_WEBHOOKS`. Raises `WrongSetting`."""
    found: dict[str, WebhookTarget] = {}
    for entry in _entries(environment.get(_SETTING) or ""):
        name, _, rest = entry.partition("=")
        if not _NAME.fullmatch(name):
            raise WrongSetting(f"{_SETTING} has a target {name!r}; a name is small letters, digits and hyphens: crm")
        if name in found:
            raise WrongSetting(f"{_SETTING} has the target {name} twice; give each its own name")
        url, *options = (part.strip() for part in rest.split(";"))
        found[name] = WebhookTarget(name, _url(name, url), _kinds(name, options), _secrets(name, environment))
    return tuple(found.values())


def _entries(text: str) -> Iterator[str]:
    """Yield `name=url;kinds=…` of each target; a word alone after a comma is one more kind of the target before it."""
    entry = ""
    for part in re.split(r"[,\n]", text):
        if "=" in part or not entry:
            if entry:
                yield entry
            entry = part.strip()
        elif part.strip():
            entry += f",{part.strip()}"
    if entry:
        yield entry


def _url(name: str, url: str) -> str:
    parts = urlsplit(url)
    host, said = _host(name, parts), f"{_SETTING}: the address of {name} can't be used"
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(host)):
        raise WrongSetting(f"{said}; it takes https://HOST/PATH (http:// only to this machine, 127.0.0.1)")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise WrongSetting(f"{said}; leave the user, the password and the fragment out: events are signed")
    if url != "".join(url.split()) or not url.isascii():
        raise WrongSetting(f"{said}; write it in ASCII without spaces")
    if (address := as_address(host)) is not None and (why := forbidden(address)):
        raise WrongSetting(f"{said}: it is {why}; name the receiver's own address")
    return url


def _host(name: str, parts: SplitResult) -> str:
    try:
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host = ""
    if not host:
        raise WrongSetting(f"{_SETTING}: {name} has no host, or a wrong port; it takes https://HOST[:PORT]/PATH")
    return host


def as_address(host: str) -> IPv4Address | IPv6Address | None:
    """Return the address that a host is written as; None for a name."""
    try:
        return ip_address(host.partition("%")[0])
    except ValueError:
        return None


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine."""
    address = as_address(host)
    return host == "localhost" if address is None else address.is_loopback


def forbidden(address: IPv4Address | IPv6Address) -> str | None:
    """Return why nothing is ever sent to an address; None where it may be.

    At link-local addresses clouds answer with a machine's own credentials; no receiver lives there.
    """
    plain = (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address
    if plain.is_link_local:
        return "a link-local address"
    if plain.is_multicast or plain.is_unspecified:
        return "an address of nobody in particular"
    return None


def _kinds(name: str, options: list[str]) -> tuple[str, ...]:
    kinds: list[str] = []
    for option in options:
        key, _, value = option.partition("=")
        if key != "kinds":
            raise WrongSetting(f"{_SETTING}: {name} has the option {option!r}; there is only kinds=accrual,tier")
        kinds += [kind.strip() for kind in value.split(",") if kind.strip()]
    if wrong := sorted(set(kinds) - set(KINDS)):
        raise WrongSetting(f"{_SETTING}: {name} asks for {', '.join(wrong)}; the kinds are {', '.join(KINDS)}")
    return tuple(kind for kind in KINDS if kind in kinds or not kinds)


def _secrets(name: str, environment: Mapping[str, str]) -> tuple[str, ...]:
    setting = f"LOYALTY_WEBHOOK_SECRET_{name.upper().replace('-', '_')}"
    secrets = tuple((environment.get(setting) or "").replace(",", " ").split())
    if not secrets or min(map(len, secrets)) < LEAST_SECRET:
        raise WrongSetting(
            f"{setting} has to hold a secret of at least {LEAST_SECRET} characters: it signs what {name} is sent"
        )
    return secrets
