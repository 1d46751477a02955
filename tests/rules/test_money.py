import pytest

from rules.money import MAX_MINOR, exponent, format_amount, is_currency, parse_amount, shares


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("12.30", "CNY", 1230),
        ("12.3", "CNY", 1230),
        ("12", "CNY", 1200),
        ("0", "CNY", 0),
        ("007.00", "CNY", 700),
        ("1200", "JPY", 1200),
        ("1.234", "KWD", 1234),
        ("0.0001", "CLF", 1),
        ("10000000000000.00", "CNY", MAX_MINOR),
    ],
)
def test_an_amount_is_read_in_the_minor_units_of_its_currency(text: str, currency: str, minor: int) -> None:
    assert parse_amount(text, currency) == minor


@pytest.mark.parametrize(
    "text",
    [
        "", " 1", "1 ", "1\n", "-1", "+1", ".5", "1.", "1.234", "1,000.00", "1e3", "1e999999", "NaN", "inf", "１２",
        "1_000", "0x10", "१२", "9" * 16, "9" * 5000, "1.2.3",
    ],
)  # fmt: skip
def test_anything_but_plain_digits_is_refused_with_a_remedy(text: str) -> None:
    with pytest.raises(ValueError, match=r'"12\.30"'):
        parse_amount(text, "CNY")


def test_a_currency_without_decimals_takes_none() -> None:
    with pytest.raises(ValueError, match='at most 0 decimals, such as "1200"'):
        parse_amount("12.0", "JPY")


def test_one_minor_unit_above_the_most_that_is_accepted_is_refused() -> None:
    with pytest.raises(ValueError, match=r"larger than 10000000000000\.00 CNY"):
        parse_amount("10000000000000.01", "CNY")


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (1230, "CNY", "12.30"),
        (5, "CNY", "0.05"),
        (-5, "CNY", "-0.05"),
        (1230, "JPY", "1230"),
        (-1, "JPY", "-1"),
        (1, "KWD", "0.001"),
    ],
)
def test_an_amount_is_written_with_the_digits_of_its_currency(minor: int, currency: str, text: str) -> None:
    assert format_amount(minor, currency) == text


def test_each_currency_has_its_own_digits() -> None:
    assert [exponent(code) for code in ("JPY", "CNY", "USD", "KWD", "CLF")] == [0, 2, 2, 3, 4]


def test_a_currency_code_is_three_capital_letters() -> None:
    assert [is_currency(code) for code in ("CNY", "cny", "CN", "CNYX", "CN1", "CNY\n", "ＣＮＹ")] == [True] + [
        False
    ] * 6


@pytest.mark.parametrize(
    ("total", "weights", "parts"),
    [
        (100, [1, 1, 1], (34, 33, 33)),  # equal remainders and weights: the first place
        (100, [1, 2, 4], (14, 29, 57)),  # 14 2/7, 28 4/7, 57 1/7: the cent goes to 4/7
        (5, [0, 10], (0, 5)),
        (1, [3, 5], (0, 1)),
        (2, [10, 30, 10, 30], (0, 1, 0, 1)),  # 1/4, 3/4, 1/4, 3/4
        (1, [2, 4, 2], (0, 1, 0)),  # 1/4, 1/2, 1/4
        (0, [1, 2], (0, 0)),
        (7, [0, 0], (0, 0)),
        (7, [], ()),
    ],
)
def test_shares_go_by_largest_remainder(total: int, weights: list[int], parts: tuple[int, ...]) -> None:
    assert shares(total, weights) == parts


def test_of_equal_remainders_the_larger_weight_gets_the_unit() -> None:
    assert shares(2, [1, 3]) == (0, 2)  # 1/2 and 1 1/2
