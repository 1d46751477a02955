"""A statement as a page to print: whole in itself, without script, and with the one style that its policy names."""

from base64 import b64encode
from hashlib import sha256
from typing import Final

from flask import render_template
from markupsafe import Markup

from loyalty_engine.services.statements import Statement
from rules.statement_words import say, spoken

STYLE: Final = """
body { font: 10pt/1.4 system-ui, "Noto Sans CJK SC", "Microsoft YaHei", sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #111; background: #fff }
h1 { font-size: 1.6rem; margin: 0 0 .5rem }
h2 { font-size: 1.2rem; margin: 2rem 0 .5rem }
header p { margin: 0 }
small { color: #555 }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; vertical-align: top; padding: .2rem .5rem; border-bottom: 1px solid #ccc; overflow-wrap: anywhere }
th { border-bottom: 2px solid #111 }
.n { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums }
.sum td { font-weight: 600 }
.of, footer { color: #555; font-size: 9pt }
@page { size: A4; margin: 15mm }
@media print {
  body { margin: 0; max-width: none; padding: 0 }
  thead { display: table-header-group }
  tr { break-inside: avoid }
  h2 { break-after: avoid }
}
"""
_HASH: Final = b64encode(sha256(STYLE.encode()).digest()).decode()
POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def page(told: Statement) -> str:
    """Return the page; everything in it but the style is escaped."""
    return render_template(
        "statement.html",
        told=told,
        language=spoken(told.language),
        style=Markup(STYLE),
        say=lambda key, **parts: say(told.language, key, **parts),
        number=lambda points: f"{points:,}".replace("-", "−"),
    )
