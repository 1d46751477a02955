"""A code that a till's camera reads, as a drawing that needs nothing else to be shown."""

from io import BytesIO

import segno

MODULE = 6
"""How many pixels a square of the code has, before the page scales it."""


def svg(text: str) -> bytes:
    """Return the QR code of a text: black on white, with the quiet zone that scanners need, 15 % of it may be lost."""
    drawing = BytesIO()
    segno.make(text, error="m", micro=False).save(
        drawing, kind="svg", scale=MODULE, border=4, light="#fff", xmldecl=False, nl=False
    )
    return drawing.getvalue()


def data_uri(text: str) -> str:
    """Return the same as the address of a picture."""
    found: str = segno.make(text, error="m", micro=False).svg_data_uri(scale=MODULE, border=4, light="#fff")
    return found
