"""What a browser is called in the list of devices: enough for its owner to know it again, and no more."""

from typing import Final

from flask import request

_BROWSERS: Final = (
    ("MicroMessenger", "WeChat"),
    ("EdgA/", "Edge"),
    ("Edg/", "Edge"),
    ("SamsungBrowser", "Samsung Internet"),
    ("OPR/", "Opera"),
    ("FxiOS", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_MACHINES: Final = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("HarmonyOS", "HarmonyOS"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "Mac"),
    ("Linux", "Linux"),
)


def device() -> str | None:
    """Return the browser and the machine that ask, such as `Chrome, Android`; None where neither is known."""
    agent = request.headers.get("User-Agent", "")
    named = [next((name for mark, name in kinds if mark in agent), "") for kinds in (_BROWSERS, _MACHINES)]
    return ", ".join(name for name in named if name) or None
