"""A database in which everything is right, made once by a module's `build`, that each of its tests may break by hand."""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest
from flask import Flask

from loyalty_engine.store import drivers
from loyalty_engine.store.session import db
from tests.conftest import NOON, FrozenClock
from tests.ledger import assert_clean


@pytest.fixture(scope="module")
def pristine(request: pytest.FixtureRequest, sqlite_application: Flask) -> Iterator[Any]:
    """A copy of what the module builds."""
    with sqlite_application.app_context(), ExitStack() as stack, closing(drivers.sqlite.connect(":memory:")) as copy:
        FrozenClock(stack, NOON)
        request.module.build()
        assert_clean()
        with closing(db.engine.raw_connection()) as raw:
            raw.driver_connection.backup(copy)
        yield copy


@pytest.fixture
def breakable(pristine: Any, sqlite_application: Flask) -> Iterator[None]:
    """That database, in which one may change what one likes."""
    with sqlite_application.app_context():
        with closing(db.engine.raw_connection()) as raw:
            pristine.backup(raw.driver_connection)
        yield
