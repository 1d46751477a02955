"""The files that pages are made up with, and what lets a phone install them: manifest, icons, a worker that keeps the shell.

A file is asked for with a digest of what is in it, so a browser may keep it for a year and still never shows an old one.
"""

import json
from functools import cache
from hashlib import sha256
from importlib.resources import files
from mimetypes import guess_type
from typing import Any, Final

from flask import Response, abort, request, url_for

from loyalty_engine.portal import colours, icons
from loyalty_engine.portal.edge import edge
from loyalty_engine.portal.languages import language
from loyalty_engine.portal.routes import blueprint, everyone
from loyalty_engine.portal.texts import say
from loyalty_engine.services import names

_FOLDER: Final = files("loyalty_engine.portal") / "static"
_YEAR: Final = "public, max-age=31536000, immutable"
_HOUR: Final = "public, max-age=3600"
_SHORT: Final = 20
_ICON_SIZES: Final = (180, 192, 512)
SHELL: Final = ("page.css", "page.js", "mark.svg")
"""What the worker keeps: files that look the same for everybody."""


@cache
def _file(name: str) -> bytes | None:
    found = _FOLDER / name
    return found.read_bytes() if name in SHELL and found.is_file() else None


@cache
def _digest(content: bytes) -> str:
    return sha256(content).hexdigest()[:12]


def address(name: str) -> str:
    """Return the address of a file, which changes with its content."""
    content = _content(name)
    assert content is not None, f"there is no file {name}"
    return url_for("portal.asset", name=name, v=_digest(content))


def _content(name: str) -> bytes | None:
    if name == "colours.css":
        return colours.sheet(edge().colour)
    if name == "mark.svg":
        return icons.svg(edge().colour)
    return _file(name)


@blueprint.get("/my/static/<name>")
@everyone
def asset(name: str) -> Response:
    """Serve a file of the pages."""
    content = _content(name)
    if content is None:
        abort(404)
    kept = _YEAR if request.args.get("v") == _digest(content) else _HOUR
    return _served(content, guess_type(name)[0] or "application/octet-stream", kept)


@blueprint.get("/my/icon-<int:size>.png")
@everyone
def icon(size: int) -> Response:
    """Draw the icon for a phone's home screen."""
    if size not in _ICON_SIZES:
        abort(404)
    return _served(icons.png(edge().colour, size), "image/png", _HOUR)


@blueprint.get("/my/manifest.webmanifest")
@everyone
def manifest() -> Response:
    """Tell a phone how to install the pages."""
    spoken = language()
    called = names.names(spoken).programme
    found: dict[str, Any] = {
        "id": "/my",
        "name": called,
        "short_name": shortened(called),
        "description": say(spoken, "description", programme=called),
        "lang": spoken,
        "start_url": "/my",
        "scope": "/",
        "display": "standalone",
        "background_color": colours.PAPER,
        "theme_color": edge().colour,
        "icons": [
            {"src": url_for("portal.icon", size=size), "sizes": f"{size}x{size}", "type": "image/png", "purpose": use}
            for size in (192, 512)
            for use in ("any", "maskable")
        ],
        "shortcuts": [
            {"name": say(spoken, "card"), "url": "/my/card"},
            {"name": say(spoken, "vouchers"), "url": "/my/vouchers"},
        ],
    }
    served = _served(json.dumps(found, ensure_ascii=False).encode(), "application/manifest+json", _HOUR)
    served.headers["Vary"] = "Cookie, Accept-Language"
    served.headers["Cache-Control"] = "private, max-age=3600"
    return served


@blueprint.get("/my/worker.js")
@everyone
def worker() -> Response:
    """Serve the service worker: it keeps these files and the page that says that there is no connection, nothing else."""
    kept = [*(address(name) for name in ("colours.css", *SHELL)), url_for("portal.offline")]
    source = (_FOLDER / "worker.js").read_text("utf-8")
    shell = _digest("".join(kept).encode())
    script = source.replace("__KEPT__", json.dumps(kept)).replace("__SHELL__", json.dumps(f"shell-{shell}"))
    served = _served(script.encode(), "text/javascript", "no-cache")
    served.headers["Service-Worker-Allowed"] = "/my"
    return served


def shortened(name: str) -> str:
    """Return as many words of a name as stand under an icon; of one long word its beginning."""
    short = name[: _SHORT + 1].rpartition(" ")[0] if len(name) > _SHORT else name
    return short or name[:_SHORT]


def _served(content: bytes, kind: str, kept: str) -> Response:
    text = kind.startswith("text/") or kind.endswith(("json", "xml"))
    response = Response(content, content_type=f"{kind}; charset=utf-8" if text else kind)
    response.headers["Cache-Control"] = kept
    return response
