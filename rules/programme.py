"""What a marketer edits, as values: one frozen dataclass for each kind of thing that a programme may say.

Source: PROGRAMME.md. The kinds are closed; a `match` over them ends in `assert_never`, so that a kind that is not
handled everywhere fails the type check. `rules.document` reads and writes them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time
from fractions import Fraction
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

from rules.conditions import Condition
from rules.filters import LineFilter
from rules.periods import Per, Period

Texts = Mapping[str, str]
"""Language to text. A text without a language stands under `""`."""

NO_TIME: Final = Period(0, "days")

Rounding = Literal["floor", "half_up", "ceiling"]


@dataclass(frozen=True, slots=True)
class Basis:
    """What of a line's money counts."""

    tax_included: bool = True
    shipping: bool = False
    tenders_excluded: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class RollingExpiry:
    """A lot lapses so long after it was earned, that day or at the end of that month."""

    after: Period
    end_of_month: bool = False


@dataclass(frozen=True, slots=True)
class YearlyExpiry:
    """A lot lapses on the first such day of a year that is at least `after` away."""

    month: int
    day: int
    after: Period


Activity = Literal["purchase", "redemption", "event", "adjustment"]
"""What can show that a member still takes part."""
BY_PURCHASE: Final = frozenset[Activity]({"purchase"})


@dataclass(frozen=True, slots=True)
class InactivityExpiry:
    """Lots carry no end; they lapse when their account has seen none of `renewed_by` for so long."""

    after: Period
    renewed_by: frozenset[Activity] = BY_PURCHASE


EndingExpiry = RollingExpiry | YearlyExpiry | None
"""Ways to lapse in which the day is known when points are earned."""


@dataclass(frozen=True, slots=True)
class LevelExpiry:
    """How a lot lapses goes by the level that the member had when the points were earned."""

    by_level: tuple[tuple[str, EndingExpiry], ...]
    otherwise: EndingExpiry

    def of(self, level: str | None) -> EndingExpiry:
        """Return how lots of a level lapse."""
        return next((ending for name, ending in self.by_level if name == level), self.otherwise)


Expiry = RollingExpiry | YearlyExpiry | InactivityExpiry | LevelExpiry | None


@dataclass(frozen=True, slots=True)
class Proof:
    """Above so many points a redemption needs one of these proofs."""

    above: int
    by: frozenset[Literal["token", "code"]]


@dataclass(frozen=True, slots=True)
class Spending:
    """How points may be used as money. `share_of_purchase` is a rate (1/2 for 50%)."""

    minimum: int = 1
    multiple: int = 1
    share_of_purchase: Fraction = Fraction(1)
    proof: Proof | None = None


@dataclass(frozen=True, slots=True)
class Wallet:
    """One kind of points."""

    id: str
    name: Texts
    rounding: Rounding = "floor"
    basis: Basis = Basis()
    pending: Period = NO_TIME
    expiry: Expiry = None
    worth_minor: Fraction | None = None
    """Minor units of money per point, exactly."""
    spending: Spending | Literal["rewards_only"] = "rewards_only"
    on_return: Literal["allow_debt", "clamp"] = "allow_debt"


@dataclass(frozen=True, slots=True)
class PerMoney:
    """`points` for each `per_minor` of eligible money; with `whole` only for whole ones."""

    points: Fraction
    per_minor: int
    whole: bool = False


@dataclass(frozen=True, slots=True)
class PerUnit:
    """`points` for each unit; with `paid` only for units of lines that have money left on them."""

    points: Fraction
    paid: bool = False


@dataclass(frozen=True, slots=True)
class PerPurchase:
    """`points` for a purchase of which the rule sees at least one line."""

    points: Fraction


@dataclass(frozen=True, slots=True)
class PerFact:
    """`points` for each one of a number that the till sends with a line, at least so many, times a rate from a table.

    `rates` maps a word of the fact `rate_by` to a rate; a line whose word is not in the table gives nothing.
    """

    points: Fraction
    fact: str
    at_least: Fraction | None = None
    rate_by: str | None = None
    rates: Mapping[str, Fraction] = field(default_factory=dict)


Earning = PerMoney | PerUnit | PerPurchase | PerFact


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule:
    id: str
    name: Texts = field(default_factory=dict)
    lines: LineFilter = ()
    when: Condition | None = None
    starts_at: datetime | None = None
    """Aware; inclusive."""
    ends_at: datetime | None = None
    """Aware; exclusive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _PointsRule(_Rule):
    wallet: str
    exclusive: str | None = None
    priority: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class EarnRule(_PointsRule):
    """Gives points for what was bought."""

    earn: Earning


@dataclass(frozen=True, slots=True, kw_only=True)
class MultiplyRule(_PointsRule):
    """Multiplies what earning rules gave on the lines it sees: a factor of 2 adds once as much again."""

    factor: Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class BonusRule(_PointsRule):
    """Adds points, once a purchase."""

    points: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ExcludeRule(_Rule):
    """Takes lines out, for every wallet: its `lines` are those that count for nothing."""


PointsRule = EarnRule | MultiplyRule | BonusRule
Rule = PointsRule | ExcludeRule


@dataclass(frozen=True, slots=True)
class Cap:
    """At most `points` from `rules` together, a member or everyone, in each period."""

    id: str
    wallet: str
    rules: frozenset[str]
    per: Per
    points: int
    over: Literal["member", "everyone"] = "member"


@dataclass(frozen=True, slots=True)
class EventCap:
    per: Per
    points: int


@dataclass(frozen=True, slots=True)
class UntilEvent:
    """Points wait until an event of this name comes that names the event that gave them."""

    event: str


@dataclass(frozen=True, slots=True)
class EventRule:
    """Points for anything that is not a purchase: a review, a survey answer, a check-in."""

    id: str
    event: str
    wallet: str
    points: int
    once_per: tuple[str, ...] = ()
    pending: Period | UntilEvent = NO_TIME
    cap: EventCap | None = None


@dataclass(frozen=True, slots=True)
class PointsOf:
    """Tier metric: the points that accrual gave in a wallet, less what returns took."""

    wallet: str


Metric = PointsOf | Literal["net_spend", "visits"]


@dataclass(frozen=True, slots=True)
class RollingWindow:
    length: Period


Window = RollingWindow | Literal["calendar_year", "membership_year", "lifetime"]


@dataclass(frozen=True, slots=True)
class Downgrade:
    grace: Period = NO_TIME
    steps: Literal["one", "recalculated", "never"] = "recalculated"


@dataclass(frozen=True, slots=True)
class RewardBenefit:
    reward: str
    times: int
    per: Per


@dataclass(frozen=True, slots=True)
class TextBenefit:
    text: Texts


@dataclass(frozen=True, slots=True)
class Level:
    """A level of the tier ladder. `threshold` is in the metric's unit: points, minor units of money, or visits."""

    id: str
    name: Texts
    threshold: int
    factor: Fraction = Fraction(1)
    """Multiplies what earning rules gave in `wallet`; 1 where the level has no multiplier."""
    wallet: str | None = None
    benefits: tuple[RewardBenefit | TextBenefit, ...] = ()


@dataclass(frozen=True, slots=True)
class Tiers:
    metric: Metric
    window: Window
    downgrade: Downgrade
    levels: tuple[Level, ...]
    """Lowest first; thresholds strictly rise."""


@dataclass(frozen=True, slots=True)
class OnMemberDate:
    name: str


@dataclass(frozen=True, slots=True)
class OnHoliday:
    country: str
    name: str


@dataclass(frozen=True, slots=True)
class OnLunar:
    month: int
    day: int


@dataclass(frozen=True, slots=True)
class OnDate:
    month: int
    day: int


@dataclass(frozen=True, slots=True)
class AfterPurchase:
    after: Period


OccasionOn = (
    Literal["birthday", "anniversary", "enrolment", "tier_upgrade"]
    | OnMemberDate
    | OnHoliday
    | OnLunar
    | OnDate
    | AfterPurchase
)


@dataclass(frozen=True, slots=True)
class PointsGift:
    points: int
    wallet: str
    times_years: bool = False


@dataclass(frozen=True, slots=True)
class RewardGift:
    reward: str


@dataclass(frozen=True, slots=True)
class Occasion:
    """A day in a member's life that the programme notices."""

    id: str
    on: OccasionOn
    leap_day: Literal["feb-28", "mar-01"] = "feb-28"
    span: Literal["day", "week", "month"] = "day"
    needs: Condition | None = None
    give: tuple[PointsGift | RewardGift, ...] = ()
    message: str | None = None
    lead: Period | None = None
    """How long the member's date must have been known on its day."""


@dataclass(frozen=True, slots=True)
class AmountOff:
    amount_minor: int


@dataclass(frozen=True, slots=True)
class PercentOff:
    rate: Fraction
    at_most_minor: int | None = None


@dataclass(frozen=True, slots=True)
class FreeProduct:
    sku: str


@dataclass(frozen=True, slots=True)
class FreeOfCategory:
    category: str


RewardWorth = AmountOff | PercentOff | FreeProduct | FreeOfCategory


@dataclass(frozen=True, slots=True)
class Cost:
    points: int
    wallet: str


@dataclass(frozen=True, slots=True)
class TimesPer:
    per: Per
    times: int


@dataclass(frozen=True, slots=True)
class Reward:
    """What points buy, or a gift brings."""

    id: str
    name: Texts
    worth: RewardWorth
    cost: Cost | None = None
    levels: frozenset[str] = frozenset()
    """Only for these levels; empty for everyone."""
    minimum_purchase_minor: int = 0
    valid: Period | Literal["span"] | None = None
    stock: int | None = None
    per_member: TimesPer | None = None
    automatic: bool = False


@dataclass(frozen=True, slots=True)
class QuietHours:
    starts: time
    ends: time


@dataclass(frozen=True, slots=True)
class ExpiryNotices:
    days_before: tuple[int, ...]
    at_least: int
    template: str


Channel = Literal["sms", "email"]
CHANNELS: Final[tuple[Channel, ...]] = ("sms", "email")


@dataclass(frozen=True, slots=True)
class Template:
    id: str
    purpose: Literal["service", "greeting", "marketing"]
    texts: Texts
    channels: tuple[Channel, ...] = CHANNELS
    """The first one for which the member has an address and allows it is taken."""
    subject: Texts = field(default_factory=dict)
    """Of an e-mail; without one it is the programme's name."""


@dataclass(frozen=True, slots=True)
class Messages:
    """How and when members are written to."""

    templates: tuple[Template, ...] = ()
    quiet_hours: QuietHours | None = None
    at: time = time(10, 30)
    signature: Texts = field(default_factory=dict)
    limit: Mapping[str, TimesPer] = field(default_factory=dict)
    expiry_notices: ExpiryNotices | None = None
    cost_minor: Mapping[str, Fraction] = field(default_factory=dict)
    """Channel to minor units of money a segment, exactly."""


@dataclass(frozen=True, slots=True)
class Example:
    """A case that the programme promises: a draft that breaks one can't be published.

    `member` and `purchase` are kept as written; `rules.document` has checked that `rules.examples` can read them.
    """

    name: str
    member: Mapping[str, Any]
    purchase: Mapping[str, Any]
    gives: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Programme:
    """One whole programme; a published version of it never changes."""

    id: str
    name: Texts
    money: str
    time_zone: ZoneInfo
    wallets: tuple[Wallet, ...]
    late_days: int = 30
    accrual: tuple[Rule, ...] = ()
    caps: tuple[Cap, ...] = ()
    events: tuple[EventRule, ...] = ()
    tiers: Tiers | None = None
    occasions: tuple[Occasion, ...] = ()
    rewards: tuple[Reward, ...] = ()
    messages: Messages = Messages()
    examples: tuple[Example, ...] = ()

    def wallet(self, wallet_id: str) -> Wallet:
        """Return the wallet of that id, which the document has checked to exist."""
        return next(wallet for wallet in self.wallets if wallet.id == wallet_id)

    def level(self, level_id: str | None) -> Level | None:
        """Return the level of that id; None where the programme has none, or no longer has it."""
        levels = self.tiers.levels if self.tiers else ()
        return next((level for level in levels if level.id == level_id), None)
