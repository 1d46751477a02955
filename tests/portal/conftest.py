"""The café, opened once for all tests of the pages in a process, and a telephone for each of them."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Browser

from loyalty_engine import clock
from loyalty_engine.services.caching import forget_everything
from loyalty_engine.store.session import db
from tests.conftest import NOON
from tests.portal import phone as phones
from tests.portal.cafe import Cafe, open_cafe, serving
from tests.portal.phone import Phone


@pytest.fixture(scope="package")
def cafe(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cafe]:
    """The café at noon of a Sunday, served."""
    with clock.frozen(NOON):
        opened = open_cafe(tmp_path_factory.mktemp("cafe") / "loyalty.db")
        with serving(opened.app) as address:
            opened.address = address
            yield opened
        with opened.app.app_context():
            db.engine.dispose()
    forget_everything()


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with phones.browser() as opened:
        yield opened


@pytest.fixture
def new_phone(cafe: Cafe, browser: Browser) -> Iterator[Callable[..., Phone]]:
    """A function that hands out a telephone nobody has used; `token` signs its owner in."""
    opened: list[Phone] = []

    def make(token: str | None = None, **wanted: Any) -> Phone:
        usual = {"locale": "en-GB", "service_workers": "block"}
        context = browser.new_context(viewport=phones.SIZE, **(usual | wanted))
        made = Phone(context, cafe.address)
        opened.append(made)
        if token:
            made.sign_in(token)
        return made

    yield make
    for one in opened:
        assert one.complaints == []
        one.context.close()


@pytest.fixture
def client(cafe: Cafe) -> FlaskClient:
    """A client without a browser, for what a browser would hide."""
    return cafe.app.test_client()
