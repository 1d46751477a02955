"""A small club with an occasion of each kind, members with days of their own, and nights that give them what is due."""

from datetime import UTC, date, datetime, timedelta
from textwrap import dedent
from typing import Any

import sqlalchemy as sa

from loyalty_engine import clock
from loyalty_engine.services import enrolment, member_changes
from loyalty_engine.services.jobs import nights
from loyalty_engine.store.session import db
from rules.facts import Birthday
from tests.builders import ADMIN, STAFF, done
from tests.ledger import said

CLUB = dedent("""\
    programme: day-club
    name: {en: Day Club, zh: 日子会}
    money: CNY
    time_zone: Asia/Shanghai
    wallets:
      - {id: beans, name: {en: Beans, zh: 豆}, pending: 14 days, expiry: {after: 12 months}}
      - {id: stamps, name: Stamps}
    accrual:
      - {id: base, wallet: beans, earn: {points: 1, per: "1.00"}}
    tiers:
      metric: {points_of: beans}
      window: {rolling: 12 months}
      levels:
        - {id: green, name: Green, from: 0}
        - {id: silver, name: Silver, from: 100}
        - {id: gold, name: Gold, from: 1000}
    occasions:
    {OCCASIONS}
    rewards:
      - {id: cake, name: {en: A slice of cake, zh: 一块蛋糕}, product: CAKE-1, valid: span}
      - {id: mug, name: A mug, product: MUG-1, valid: 30 days, stock: 2}
    messages:
      templates:
        - {id: hello, purpose: greeting, en: "Hello, {salutation}!", zh: "{salutation},您好!"}
        - {id: cake, purpose: greeting, en: "{points} beans and {reward} wait for you until {valid_until}.", zh: "{points}豆和{reward}等您到{valid_until}。"}
    """)

DAY = date(2026, 11, 22)
A_DAY = timedelta(days=1)
LONG_AGO = date(2020, 5, 1)
ANN = Birthday(11, 22, 1990)
"""Born on the day."""

BIRTHDAY = (
    "{id: birthday, on: birthday, span: week, give: [{points: 100, wallet: beans}, {reward: cake}], message: cake}"
)
WELCOME = "{id: welcome, on: enrolment, give: [{points: 20, wallet: beans}], message: hello}"
UPGRADE = "{id: upgrade, on: tier_upgrade, span: week, give: [{points: 7, wallet: stamps}, {reward: cake}]}"


def club(*occasions: str) -> str:
    """Return the club's programme with these occasions."""
    return CLUB.replace("{OCCASIONS}", "\n".join(f"  - {one}" for one in occasions or (BIRTHDAY,)))


def noon(day: date) -> datetime:
    """Return noon of a day in the club's zone."""
    return datetime(day.year, day.month, day.day, 4, tzinfo=UTC)


def join(on: date, birthday: Birthday | None = None, **given: Any) -> str:
    """Enrol a member at noon of a day; return the id. The clock is as before then."""
    with clock.frozen(noon(on)):
        member_id: str = said(done(enrolment.enrol_in, ADMIN, enrolment.NewMember(birthday=birthday, **given)))[
            "member_id"
        ]
    return member_id


def suspend(member_id: str) -> None:
    """Let a member wait."""
    done(member_changes.suspend_in, STAFF, member_id, "a stolen phone")


def night(day: date, hour: int = 0) -> dict[str, int]:
    """Run the occasions of a day alone, a minute after it began by the club's clock; return what was done."""
    with db.engine.begin() as connection:
        connection.execute(sa.text("DELETE FROM job_runs WHERE job = 'occasions'"))
    return missed(day, hour)


def missed(day: date, hour: int = 0) -> dict[str, int]:
    """Run every day that is missing by then; return what was done on the last of them."""
    with clock.frozen(noon(day) + timedelta(hours=hour - 12, minutes=1)):
        return dict(nights.run("occasions")[-1].counts)


def tick(at: datetime) -> int:
    """Let a minute of the worker be; return how many were welcomed on that day so far."""
    with clock.frozen(at):
        (done_now,) = nights.run("welcome")
    return done_now.counts["done"]


def entries(member_id: str | None = None) -> list[tuple[str, str, int]]:
    """Return (source id, wallet, points) of gifts, in their order."""
    query = "SELECT source_id, wallet, points FROM ledger_entries WHERE kind = 'gift'"
    if member_id is not None:
        query += f" AND member_id = '{member_id}'"
    with db.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(sa.text(f"{query} ORDER BY occurred_at, source_id, wallet"))]


def granted(member_id: str | None = None) -> list[tuple[str, int, date, date]]:
    """Return (occasion, key, day, last day) of what was granted."""
    query = "SELECT occasion_id, occurrence, on_day, through FROM occasions_granted"
    if member_id is not None:
        query += f" WHERE member_id = '{member_id}'"
    with db.engine.connect() as connection:
        rows = connection.execute(sa.text(f"{query} ORDER BY on_day, occasion_id, occurrence"))
        return [(row[0], row[1], _day(row[2]), _day(row[3])) for row in rows]


def _day(value: Any) -> date:
    return value if isinstance(value, date) else date.fromisoformat(value)


def told() -> list[dict[str, Any]]:
    """Return the messages that are there."""
    with db.engine.connect() as connection:
        rows = connection.execute(sa.text("SELECT * FROM messages ORDER BY cause_id, member_id")).mappings()
        return [dict(row) for row in rows]
