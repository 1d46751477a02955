"""Which lines each line filter of a programme sees, found once for a product and remembered for its next sale."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Final

from rules.facts import Line, Number
from rules.filters import ByFact, BySku, BySkuList, LineFilter, SkuLists, sees

EVERY_LINE: Final = 1
"""The view of the empty filter, which sees every line."""

_REMEMBERED: Final = 32_768


class Views:
    """The distinct line filters of a programme, each known by a bit: all that see a line are one integer.

    Most tests depend only on what sort of product it is (category, brand, tags), some on the SKU, few on the line's own
    facts. What is said of a sort or of a product is remembered, so `lists` must not change while the views are in use.
    """

    def __init__(self, filters: Iterable[LineFilter], lists: SkuLists) -> None:
        self.filters: tuple[LineFilter, ...] = tuple(dict.fromkeys(((), *filters)))
        self._lists = lists
        self._views = {tests: 1 << place for place, tests in enumerate(self.filters)}
        of_line = [tests for tests in self.filters if _asks_for(tests, ByFact)]
        of_product = [tests for tests in self.filters if _asks_for(tests, BySku, BySkuList) and tests not in of_line]
        of_sort = [tests for tests in self.filters if tests not in of_line and tests not in of_product]
        self._of_line, self._of_product, self._of_sort = of_line, of_product, of_sort
        self._remembered_sort = lru_cache(_REMEMBERED)(self._judge_sort)
        self._remembered_product = lru_cache(_REMEMBERED)(self._judge_product)

    def view(self, line_filter: LineFilter) -> int:
        """Return the bit of one of the filters."""
        return self._views[line_filter]

    def through(self, lines: Sequence[Line]) -> list[int]:
        """Return for each line the views that see it."""
        sort = self._remembered_sort
        seen = [sort(line.category, line.brand, line.tags) for line in lines]
        if self._of_product:
            product = self._remembered_product
            more = [product(line.sku, line.category, line.brand, line.tags) for line in lines]
            seen = [one | another for one, another in zip(seen, more, strict=True)]
        if self._of_line:
            more = [self._seeing(self._of_line, line) for line in lines]
            seen = [one | another for one, another in zip(seen, more, strict=True)]
        return seen

    def _judge_sort(self, category: str | None, brand: str | None, tags: frozenset[str]) -> int:
        return self._seeing(self._of_sort, Line("", "", 1, 0, category=category, brand=brand, tags=tags))

    def _judge_product(self, sku: str, category: str | None, brand: str | None, tags: frozenset[str]) -> int:
        return self._seeing(self._of_product, Line("", sku, 1, 0, category=category, brand=brand, tags=tags))

    def _seeing(self, filters: Sequence[LineFilter], line: Line) -> int:
        return sum([self._views[tests] for tests in filters if sees(tests, line, self._lists)])


def by_views(seen: Sequence[int], figures: Sequence[Number]) -> dict[int, Number]:
    """Add up a figure of the lines for each set of views that sees some: a few sums stand for many lines.

    `seen` gives the views of each line; one that none sees does not count.
    """
    sums: dict[int, Number] = {}
    for views, figure in zip(seen, figures, strict=True):
        if views:
            sums[views] = sums.get(views, 0) + figure
    return sums


def seen_by(views: int, sums: Mapping[int, Number]) -> Number:
    """Return what `by_views` added up on the lines that all of `views` see."""
    return sum([figure for seen, figure in sums.items() if seen & views == views])


def _asks_for(line_filter: LineFilter, *kinds: type) -> bool:
    return any(isinstance(test, kinds) for test in line_filter)
