"""Who a token stands for, and when it no longer does."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from loyalty_engine.services import audit_log, enrolment, tokens
from loyalty_engine.services.actors import Actor
from loyalty_engine.services.caching import forget_everything
from loyalty_engine.services.enrolment import NewMember
from loyalty_engine.services.tokens import NewToken
from loyalty_engine.store.ids import new_id
from loyalty_engine.store.session import db
from loyalty_engine.store.tables import tokens as table
from rules.errors import Conflict, Forbidden, Invalid, NotFound, Refusal
from tests.builders import ADMIN, STAFF, TILL, open_store, publish
from tests.conftest import NOON, FrozenClock


@pytest.fixture(autouse=True)
def _a_store(app: Flask, frozen_clock: FrozenClock) -> None:
    open_store()


def service() -> tokens.Issued:
    return tokens.create(ADMIN, NewToken("service", "web shop", merchant_id="tea-house"))


def a_member() -> str:
    publish()
    (done,) = enrolment.enrol_many(ADMIN, [NewMember()])
    assert done.member_id is not None
    return done.member_id


def test_a_terminals_token_stands_for_its_store_and_merchant() -> None:
    issued = tokens.create(ADMIN, NewToken("terminal", "till 1", store_id="s-1", terminal_id="t-1"))
    expected = Actor(issued.token.token_id, "terminal", "tea-house", "s-1", "t-1")
    assert tokens.authenticate(issued.text) == expected


def test_the_secret_is_256_bits_and_only_its_hash_is_stored() -> None:
    issued = service()
    secret = issued.text.rsplit("_", 1)[1]
    assert len(bytes.fromhex(secret)) == 32
    with db.engine.connect() as connection:
        (row,) = connection.execute(sa.select(table)).all()
    assert secret not in str(row)
    assert secret not in str(audit_log.entries())


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[:-1] + ("0" if text[-1] != "0" else "1"),
        lambda text: text.replace("lty_", "lty-"),
        lambda text: text + "\n",
        lambda text: text.upper(),
        lambda text: "lty_" + "0" * 16 + "_" + text.rsplit("_", 1)[1],
        lambda text: "",
    ],
)
def test_anything_but_the_token_is_nobody(spoil: Callable[[str], str]) -> None:
    assert tokens.authenticate(spoil(service().text)) is None


def test_a_token_works_until_its_end_and_not_at_it(frozen_clock: FrozenClock) -> None:
    end = NOON + timedelta(hours=1)
    text = tokens.create(ADMIN, NewToken("analyst", "for an hour", expires_at=end)).text
    frozen_clock.set(end - timedelta(microseconds=1))
    assert tokens.authenticate(text) is not None
    frozen_clock.set(end)
    assert tokens.authenticate(text) is None


def test_a_revoked_token_is_dead_at_once_in_this_process() -> None:
    issued = service()
    assert tokens.authenticate(issued.text) is not None
    tokens.revoke(ADMIN, issued.token.token_id)
    assert tokens.authenticate(issued.text) is None


def test_a_token_revoked_elsewhere_is_dead_within_60_seconds(frozen_clock: FrozenClock) -> None:
    issued = service()
    assert tokens.authenticate(issued.text) is not None
    with db.engine.begin() as connection:
        connection.execute(table.update().values(revoked_at=NOON))
    frozen_clock.move(timedelta(seconds=59))
    assert tokens.authenticate(issued.text) is None


@pytest.mark.parametrize(("seconds", "works"), [(-1, True), (0, False), (1, False)])
def test_after_a_rotation_the_old_token_works_for_a_day(frozen_clock: FrozenClock, seconds: int, works: bool) -> None:
    old = service()
    new = tokens.rotate(ADMIN, old.token.token_id)
    frozen_clock.set(NOON + timedelta(days=1, seconds=seconds))
    assert (tokens.authenticate(old.text) is not None) == works
    holder = tokens.authenticate(new.text)
    assert holder is not None
    assert holder.merchant_id == "tea-house"


def test_a_rotation_never_prolongs_a_token(frozen_clock: FrozenClock) -> None:
    end = NOON + timedelta(hours=1)
    old = tokens.create(ADMIN, NewToken("analyst", "for an hour", expires_at=end))
    tokens.rotate(ADMIN, old.token.token_id)
    frozen_clock.set(end)
    assert tokens.authenticate(old.text) is None


def test_a_revoked_token_is_not_rotated() -> None:
    issued = service()
    tokens.revoke(ADMIN, issued.token.token_id)
    with pytest.raises(Conflict):
        tokens.rotate(ADMIN, issued.token.token_id)


def test_a_rotation_overlaps_by_30_days_at_most() -> None:
    with pytest.raises(Invalid):
        tokens.rotate(ADMIN, service().token.token_id, timedelta(days=30, seconds=1))


@pytest.mark.parametrize(
    ("new", "kind"),
    [
        (NewToken("terminal", "no till"), Invalid),
        (NewToken("terminal", "a till", store_id="s-1"), Invalid),
        (NewToken("terminal", "a till", store_id="s-1", terminal_id="t-2"), NotFound),
        (NewToken("terminal", "a till", store_id="s-2", terminal_id="t-1"), NotFound),
        (NewToken("terminal", "a till", "other", store_id="s-1", terminal_id="t-1"), NotFound),
        (NewToken("service", "no merchant"), Invalid),
        (NewToken("service", "a shop", merchant_id="other"), NotFound),
        (NewToken("staff", "at a till", store_id="s-1", terminal_id="t-1"), Invalid),
        (NewToken("member", "a member"), Invalid),
        (NewToken("king", "a king"), Invalid),  # type: ignore[arg-type]
        (NewToken("staff", ""), Invalid),
        (NewToken("staff", "too late", expires_at=NOON), Invalid),
    ],
)
def test_a_token_names_what_its_role_needs(new: NewToken, kind: type[Refusal]) -> None:
    with pytest.raises(kind):
        tokens.create(ADMIN, new)
    assert not tokens.any_there()


def test_only_an_admin_makes_tokens() -> None:
    for actor in (STAFF, TILL):
        with pytest.raises(Forbidden):
            tokens.create(actor, NewToken("admin", "mine"))


def test_an_admin_of_a_merchant_keeps_to_that_merchant() -> None:
    other = Actor("other", "admin", "other")
    for new in (NewToken("admin", "over all"), NewToken("service", "theirs", merchant_id="tea-house")):
        with pytest.raises(Forbidden):
            tokens.create(other, new)
    issued = service()
    with pytest.raises(NotFound):
        tokens.revoke(other, issued.token.token_id)
    assert tokens.listing(other) == ((), None)


def test_staff_make_a_members_token_and_revoke_it() -> None:
    member_id = a_member()
    issued = tokens.for_member(STAFF, member_id, NOON + timedelta(days=1))
    assert tokens.authenticate(issued.text) == Actor(issued.token.token_id, "member", member_id=member_id)
    tokens.revoke(STAFF, issued.token.token_id)
    assert tokens.authenticate(issued.text) is None


def test_there_is_no_token_for_nobody() -> None:
    for member_id in (new_id(), "nobody"):
        with pytest.raises(NotFound):
            tokens.for_member(STAFF, member_id)
    with pytest.raises(Forbidden):
        tokens.for_member(TILL, a_member())


def test_staff_change_no_tokens_but_members() -> None:
    with pytest.raises(Forbidden):
        tokens.revoke(STAFF, service().token.token_id)


def test_tokens_are_listed_by_pages_without_their_secrets() -> None:
    made = sorted(service().token.token_id for _ in range(5))
    first, cursor = tokens.listing(ADMIN, limit=3)
    assert cursor is not None
    rest, end = tokens.listing(ADMIN, after=cursor, limit=3)
    assert [token.token_id for token in (*first, *rest)] == made
    assert end is None


def test_what_is_done_with_tokens_is_in_the_audit_log() -> None:
    issued = service()
    fresh = tokens.rotate(ADMIN, issued.token.token_id)
    tokens.revoke(ADMIN, issued.token.token_id)
    tokens.revoke(ADMIN, issued.token.token_id)
    entries, _ = audit_log.entries()
    told = [(entry.action, entry.target) for entry in reversed(entries) if entry.action.startswith("token")]
    old_id, new_id = issued.token.token_id, fresh.token.token_id
    assert told == [("token.create", old_id), ("token.rotate", new_id), ("token.revoke", old_id)]


def test_a_token_is_found_again_when_the_cache_is_empty() -> None:
    issued = service()
    forget_everything()
    assert tokens.authenticate(issued.text) is not None
