"""One line of JSON on standard error for each thing worth knowing, and nothing personal in any of them."""

import logging
import os
from typing import Any, cast

import msgspec
import structlog
from structlog.typing import EventDict, FilteringBoundLogger

from loyalty_engine import clock

_encode = msgspec.json.Encoder().encode


class _StandardError:
    """Writes each line whole, with one call: lines of several threads and processes don't mix."""

    def msg(self, line: bytes) -> None:
        os.write(2, line)

    debug = info = warning = error = critical = msg


def make_log(level: str) -> FilteringBoundLogger:
    """Return the log of an application, which leaves out what is below `level` at next to no cost."""
    least = logging.getLevelNamesMapping().get(level.upper(), logging.INFO)
    proxy = structlog.wrap_logger(
        _StandardError(),
        processors=[structlog.processors.add_log_level, _line],
        wrapper_class=structlog.make_filtering_bound_logger(least),
    )
    return cast(FilteringBoundLogger, proxy.bind())


def _line(_logger: Any, _method: str, event: EventDict) -> bytes:
    return _encode({"at": clock.now(), **event}) + b"\n"


def origin(error: BaseException) -> dict[str, Any]:
    """Return where an error came from, without what it says."""
    places: list[str] = []
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        places.append(f"{code.co_filename}:{trace.tb_lineno} {code.co_qualname}")
        trace = trace.tb_next
    cause = error.__cause__ or error.__context__
    return {
        "kind": type(error).__qualname__,
        "cause": type(cause).__qualname__ if cause else None,
        "places": places[-20:],
    }
