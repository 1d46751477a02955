"""A telephone of 390 points in a tester's hand: Debian's Chromium, with an eye on everything that a person would trip over."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_ARGUMENTS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()
_EXPECTED = ("Failed to load resource", "Service Worker registration blocked by Playwright")
"""What the console says of a form that was refused (it answers 4xx), and of a worker that a test keeps out."""
_MISSING = "no Chromium here: apt-get install -y chromium fonts-wqy-zenhei (macOS: brew install chromium)"
SIZE = {"width": 390, "height": 844}
_SMALL = """() => [...document.querySelectorAll("a, button, summary, select, input:not([type=hidden])")]
  .filter(one => one.checkVisibility() && !one.closest("p.quiet, .skip"))
  .map(one => [one, one.matches("input[type=checkbox], input[type=radio]") ? one.closest("label") : one])
  .map(([one, target]) => [one.outerHTML.slice(0, 80), target.getBoundingClientRect()])
  .filter(([, box]) => box.height < 43.5 || box.width < 43.5).map(([words]) => words)"""


@contextmanager
def browser() -> Iterator[Browser]:
    """Yield a browser; where there is none say where to get one: CI fails then, elsewhere these tests are left out."""
    found = next((path for path in map(shutil.which, _NAMES) if path), None)
    if found is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(_MISSING)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=found, args=_ARGUMENTS)
        yield opened
        opened.close()


class Phone:
    """A page in a browser of its own, of which every complaint is remembered."""

    def __init__(self, context: BrowserContext, address: str) -> None:
        self.context, self.address = context, address
        self.complaints: list[str] = []
        self.page: Page = context.new_page()
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _hear(self, message: Any) -> None:
        if message.type in ("error", "warning") and not message.text.startswith(_EXPECTED):
            self.complaints.append(message.text)

    def sign_in(self, token: str) -> None:
        """Put a member's token where the door would put it."""
        self.context.add_cookies([{"name": "loyalty_member", "value": token, "url": self.address}])

    def go(self, path: str, status: int = 200) -> None:
        """Open a page."""
        response = self.page.goto(self.address + path)
        assert response is not None
        assert response.status == status, f"{path} answers {response.status}"

    def fill(self, label: str, text: str) -> None:
        """Type into the field with that label."""
        self.page.get_by_label(label, exact=True).fill(text)

    def press(self, name: str) -> None:
        """Press the button of that name."""
        self.page.get_by_role("button", name=name).first.click()

    @property
    def path(self) -> str:
        """Where the browser is."""
        return urlsplit(self.page.url).path

    def text(self) -> str:
        """What can be read."""
        return self.page.inner_text("main")

    def faults(self, only: str | None = None) -> list[str]:
        """Return all that is wrong with the page that is shown: axe's findings (or of one rule), too wide, too small."""
        options = {"resultTypes": ["violations"]} | ({"runOnly": [only]} if only else {})
        violations = Axe().run(self.page, options=options).response["violations"]
        found = [f"{one['id']}: {node['html'][:120]}" for one in violations for node in one["nodes"]]
        if (width := self.page.evaluate("document.documentElement.scrollWidth")) > SIZE["width"]:
            found.append(f"scrolls sideways: {width}")
        return found + [f"smaller than a finger: {one}" for one in self.page.evaluate(_SMALL)] + self.complaints
