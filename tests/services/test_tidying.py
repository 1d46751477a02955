"""The clean-up forgets what has had its time, a batch at a time, and nothing that has not."""

from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from loyalty_engine import clock
from loyalty_engine.services import tidying
from loyalty_engine.store.session import db
from loyalty_engine.store.tables import door_counts, messages, one_time_codes, phone_codes, tokens
from tests.conftest import NOON, FrozenClock
from tests.ledger import open_shop, rows

SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)


def add(table: sa.Table, **values: Any) -> None:
    with db.engine.begin() as connection:
        connection.execute(table.insert().values(**values))


def message(number: int, status: str, changed_at: datetime) -> None:
    """Add a code that was sent to a telephone."""
    fixed = {"template": "code", "purpose": "service", "channel": "sms", "language": "en", "cause_kind": "code"}
    at = {"send_at": NOON, "planned_at": NOON, "changed_at": changed_at}
    add(
        messages,
        member_id="01a20503-93d1-7372-81c6-f5d1ad0896ba",
        message_id=f"01a20503-93d1-7372-81c6-f5d1ad08960{number}",
        status=status,
        cause_id=str(number),
        places='{"code": "123456"}',
        to_address="+8613800138000",
        version=1,
        **fixed,
        **at,
    )


def token(token_id: str, member: str | None, **ends: datetime) -> None:
    add(tokens, token_id=token_id, secret_hash="", role="member", name="", member_id=member, created_at=NOON,
        created_by="", **ends)  # fmt: skip


def test_counts_at_the_doors_go_when_they_end(app: Flask, frozen_clock: FrozenClock) -> None:
    add(door_counts, scope_key="a", used=3, expires_at=NOON - SECOND)
    add(door_counts, scope_key="b", used=3, expires_at=NOON)
    assert tidying.tidy()["door_counts"] == 1
    assert rows("SELECT scope_key FROM door_counts") == [{"scope_key": "b"}]


def test_codes_go_a_day_after_their_end(app: Flask, frozen_clock: FrozenClock) -> None:
    ann, ben, _ = open_shop()
    for phone, member, ended in (("+861", ann, NOON - DAY - SECOND), ("+862", ben, NOON - DAY)):
        code = {"code_hash": "", "tries_left": 5, "made_at": NOON, "expires_at": ended}
        add(phone_codes, phone=phone, **code)
        add(one_time_codes, member_id=member, purpose="redemption", **code)
    assert tidying.tidy()["codes"] == 2
    assert rows("SELECT phone FROM phone_codes") == [{"phone": "+862"}]
    assert [str(row["member_id"]) for row in rows("SELECT member_id FROM one_time_codes")] == [ben]


def test_sessions_go_a_month_after_their_end_and_other_tokens_stay(app: Flask, frozen_clock: FrozenClock) -> None:
    (ann,) = open_shop(members=1)
    month = timedelta(days=30)
    token("expired", ann, expires_at=NOON - month - SECOND)
    token("revoked", ann, expires_at=NOON + DAY, revoked_at=NOON - month - SECOND)
    token("lately", ann, expires_at=NOON - month)
    token("open", ann)
    token("staff", None, expires_at=NOON - 2 * month)
    assert tidying.tidy()["sessions"] == 2
    assert {row["token_id"] for row in rows("SELECT token_id FROM tokens")} == {"lately", "open", "staff"}


def test_where_messages_went_is_forgotten_a_day_after_they_are_over(app: Flask, frozen_clock: FrozenClock) -> None:
    before = NOON - DAY - SECOND
    for number, (status, changed_at) in enumerate(
        [
            ("delivered", before),
            ("unknown", before),
            ("delivered", NOON - DAY),
            ("planned", before),
            ("sending", before),
        ]
    ):
        message(number, status, changed_at)
    assert tidying.tidy()["addresses"] == 2
    found = rows("SELECT to_address, places FROM messages ORDER BY message_id")
    assert [one["to_address"] is None for one in found] == [True, True, False, False, False]
    assert [one["places"] for one in found][:3] == ["{}", "{}", '{"code": "123456"}']


def test_it_goes_on_until_nothing_is_left(
    app: Flask, frozen_clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tidying, "_AT_ONCE", 2)
    for number in range(5):
        add(door_counts, scope_key=str(number), used=1, expires_at=clock.now() - SECOND)
    steps = [count for what, count in tidying.tidying() if what == "door_counts"]
    assert steps == [2, 2, 1]
