"""What may stand in a path: anything else is no path at all, so that no view meets a control character."""

from datetime import date
from typing import Final

from flask import Flask
from werkzeug.exceptions import NotFound
from werkzeug.routing import BaseConverter


class CodeConverter(BaseConverter):
    """An identifier that a till or a shop made."""

    regex = r"[A-Za-z0-9._~-]{1,64}"


class IdConverter(BaseConverter):
    """An identifier that the engine made: a UUID in lower case, whatever case was sent."""

    regex = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"

    def to_python(self, value: str) -> str:
        return value.lower()


class VersionConverter(BaseConverter):
    """The number of a programme's version."""

    regex = r"[1-9][0-9]{0,8}"

    def to_python(self, value: str) -> int:
        return int(value)


class DayConverter(BaseConverter):
    """A business day, of whatever year; whoever uses it says which ones there may be."""

    regex = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"

    def to_python(self, value: str) -> date:
        try:
            return date.fromisoformat(value)
        except ValueError:
            # With its own ValidationError werkzeug would say that the method is not allowed.
            raise NotFound from None

    def to_url(self, value: date) -> str:
        return value.isoformat()


class VoucherConverter(BaseConverter):
    """A voucher's code as somebody typed it; the signs are some codes' check characters."""

    regex = r"[A-Za-z0-9 *~$=-]{1,64}"


CONVERTERS: Final = {
    "code": CodeConverter,
    "day": DayConverter,
    "id": IdConverter,
    "version": VersionConverter,
    "voucher": VoucherConverter,
}


def register(app: Flask) -> None:
    """Let the routes of `app` use these."""
    app.url_map.converters.update(CONVERTERS)
