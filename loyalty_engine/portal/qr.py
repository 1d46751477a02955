"""QR codes as drawings: of the card's token, of a voucher, and of a store's way in, for its door or its counter."""

from pathlib import Path
from typing import Final
from urllib.parse import quote, urlsplit

import segno
from markupsafe import Markup

from rules.errors import Invalid

_QUIET: Final = 3
"""Blank modules around a code on a page, where white paper goes on around it; the standard's four on paper."""


def drawn(text: str, label: str) -> Markup:
    """Return a code to be set into a page, in black on its own white, with a name for who can't see it."""
    made = segno.make(text, error="m", boost_error=False, micro=False)
    svg = made.svg_inline(border=_QUIET, dark="#000", light="#fff", omitsize=True, svgclass="qr", lineclass=None)
    return Markup(svg.replace("<svg", Markup('<svg role="img" aria-label="{}"').format(label), 1))


def way_in(address: str, store_id: str | None) -> str:
    """Return the address that a store's code leads to; raises `Invalid` for one that a phone could not open."""
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment:
        said = {"address": ["must be what people type to reach the pages, such as https://club.example.com"]}
        raise Invalid("address_invalid", "This is no address of the members' pages.", said)
    asked = f"?store={quote(store_id)}" if store_id else ""
    return f"{address.rstrip('/')}/join{asked}"


def write(text: str, file: Path) -> None:
    """Write a code as a drawing for print: it can be folded and soiled a little, and is still read."""
    segno.make(text, error="q", micro=False).save(str(file), kind="svg", scale=10, border=4, dark="#000", light="#fff")
