"""Which lines each line filter of a programme sees, found once for a product and remembered for its next sale."""

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Final

from rules.facts import Line
from rules.filters import ByFact, BySku, BySkuList, LineFilter, SkuLists, sees

EVERY_LINE: Final = 0
"""The place of the empty filter, which sees every line."""

_REMEMBERED: Final = 32_768


class Views:
    """The distinct line filters of a programme, each known by its place.

    Most tests depend only on what sort of product it is (category, brand, tags), some on the SKU, few on the line's own
    facts. What is said of a sort or of a product is remembered, so `lists` must not change while the views are in use.
    """

    def __init__(self, filters: Iterable[LineFilter], lists: SkuLists) -> None:
        self.filters: tuple[LineFilter, ...] = tuple(dict.fromkeys(((), *filters)))
        self._lists = lists
        of_line = {view for view, tests in enumerate(self.filters) if _asks_for(tests, ByFact)}
        of_product = {view for view, tests in enumerate(self.filters) if _asks_for(tests, BySku, BySkuList)} - of_line
        of_sort = set(range(len(self.filters))) - of_product - of_line
        self._of_line, self._of_product, self._of_sort = sorted(of_line), sorted(of_product), sorted(of_sort)
        self._remembered_sort = lru_cache(_REMEMBERED)(self._judge_sort)
        self._remembered_product = lru_cache(_REMEMBERED)(self._judge_product)
        self._places = {tests: view for view, tests in enumerate(self.filters)}

    def place(self, line_filter: LineFilter) -> int:
        """Return the place of one of the filters."""
        return self._places[line_filter]

    def through(self, lines: Sequence[Line]) -> list[tuple[int, ...]]:
        """Return for each line the places of the filters that it passes."""
        sort = self._remembered_sort
        passed = [sort(line.category, line.brand, line.tags) for line in lines]
        if self._of_product:
            product = self._remembered_product
            more = [product(line.sku, line.category, line.brand, line.tags) for line in lines]
            passed = [one + another for one, another in zip(passed, more, strict=True)]
        if self._of_line:
            more = [self._passed(self._of_line, line) for line in lines]
            passed = [one + another for one, another in zip(passed, more, strict=True)]
        return passed

    def seen_in(self, passed: Sequence[tuple[int, ...]]) -> Callable[[LineFilter], list[int]]:
        """Return the function from a filter to the places of the lines that it sees, of lines that went `through`."""

        def places(line_filter: LineFilter) -> list[int]:
            view = self.place(line_filter)
            return [place for place, views in enumerate(passed) if view in views]

        return places

    def _judge_sort(self, category: str | None, brand: str | None, tags: frozenset[str]) -> tuple[int, ...]:
        return self._passed(self._of_sort, Line("", "", 1, 0, category=category, brand=brand, tags=tags))

    def _judge_product(
        self, sku: str, category: str | None, brand: str | None, tags: frozenset[str]
    ) -> tuple[int, ...]:
        return self._passed(self._of_product, Line("", sku, 1, 0, category=category, brand=brand, tags=tags))

    def _passed(self, views: Sequence[int], line: Line) -> tuple[int, ...]:
        return tuple([view for view in views if sees(self.filters[view], line, self._lists)])


def _asks_for(line_filter: LineFilter, *kinds: type) -> bool:
    return any(isinstance(test, kinds) for test in line_filter)
