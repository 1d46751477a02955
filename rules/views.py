"""Which lines each line filter of a programme sees, found once for a product and remembered for its next sale."""

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Final

from rules.facts import Line
from rules.filters import ByFact, LineFilter, SkuLists, sees

EVERY_LINE: Final = 0
"""The place of the empty filter, which sees every line."""

_PRODUCTS_REMEMBERED: Final = 32_768


class Views:
    """The distinct line filters of a programme, each known by its place.

    All tests but those of facts depend on nothing but the product: its SKU, category, brand and tags. What they say is
    remembered, so `lists` must not change while the views are in use.
    """

    def __init__(self, filters: Iterable[LineFilter], lists: SkuLists) -> None:
        self.filters: tuple[LineFilter, ...] = tuple(dict.fromkeys(((), *filters)))
        self._lists = lists
        self._of_line = [view for view, tests in enumerate(self.filters) if _asks_for_facts(tests)]
        self._of_product = [view for view in range(len(self.filters)) if view not in self._of_line]
        self._remembered = lru_cache(_PRODUCTS_REMEMBERED)(self._judge_product)
        self._places = {tests: view for view, tests in enumerate(self.filters)}
        self._same: dict[tuple[int, ...], tuple[int, ...]] = {}

    def place(self, line_filter: LineFilter) -> int:
        """Return the place of one of the filters."""
        return self._places[line_filter]

    def through(self, lines: Sequence[Line]) -> list[tuple[int, ...]]:
        """Return for each line the places of the filters that it passes."""
        remembered = self._remembered
        passed = [remembered(line.sku, line.category, line.brand, line.tags) for line in lines]
        if self._of_line:
            return [places + self._judge_line(line) for places, line in zip(passed, lines, strict=True)]
        return passed

    def seen_in(self, passed: Sequence[tuple[int, ...]]) -> Callable[[LineFilter], list[int]]:
        """Return the function from a filter to the places of the lines that it sees, of lines that went `through`."""

        def places(line_filter: LineFilter) -> list[int]:
            view = self.place(line_filter)
            return [place for place, views in enumerate(passed) if view in views]

        return places

    def _judge_product(
        self, sku: str, category: str | None, brand: str | None, tags: frozenset[str]
    ) -> tuple[int, ...]:
        product = Line("", sku, 1, 0, category=category, brand=brand, tags=tags)
        passed = tuple(view for view in self._of_product if sees(self.filters[view], product, self._lists))
        return self._same.setdefault(passed, passed)

    def _judge_line(self, line: Line) -> tuple[int, ...]:
        return tuple(view for view in self._of_line if sees(self.filters[view], line, self._lists))


def _asks_for_facts(line_filter: LineFilter) -> bool:
    return any(isinstance(test, ByFact) for test in line_filter)
