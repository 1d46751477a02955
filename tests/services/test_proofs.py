"""A rotating token and a one-time code prove that a member is there: for a moment, a few tries, and once."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from loyalty_engine import clock
from loyalty_engine.services import codes, member_tokens, members, one_time_codes
from loyalty_engine.services.identification import identify
from loyalty_engine.services.intake import MemberReference
from loyalty_engine.services.one_time_codes import REDEMPTION
from loyalty_engine.store.ids import new_id
from loyalty_engine.store.session import db, in_transaction
from rules.errors import Refusal
from tests.conftest import FrozenClock
from tests.ledger import MONEY, enrol, figures, line, open_shop, post, redeem, rows, said, sold


@pytest.fixture
def ann(app: Flask, frozen_clock: FrozenClock) -> str:
    """A member with 20,000 leaves, of which over 1,000 at once need a proof."""
    member = open_shop(MONEY.replace("points: 260", "points: 26000"))[0]
    post(sold("p0", member, line(amount=2_000_000, category="cake")))
    assert figures(member)["leaves"][0] == 20_040
    return member


def code_for(member: str, purpose: str = REDEMPTION) -> str:
    return in_transaction(lambda connection: one_time_codes.make(connection, member, purpose))


def other_than(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06d}"


def refusal(work: Any, *arguments: Any, **more: Any) -> str:
    with pytest.raises(Refusal) as caught:
        work(*arguments, **more)
    return caught.value.code


def who(token: str) -> tuple[str | None, str | None]:
    with db.engine.connect() as connection:
        found = identify(connection, MemberReference(token=token))
    return found.member_id, found.reason


def test_a_token_names_its_member_in_characters_that_cannot_be_confused(ann: str) -> None:
    shown = member_tokens.show(ann)
    assert who(shown.token) == (ann, None)
    assert len(shown.token) == 48
    assert set(shown.token) <= set("0123456789ABCDEFGHJKMNPQRSTVWXYZ")
    assert who(shown.token.lower().replace("0", "o").replace("1", "l")) == (ann, None)
    assert members.look_up(MemberReference(token=shown.token)).member_id == ann


@pytest.mark.parametrize(
    ("later", "good"), [(0, True), (29, True), (30, True), (59, True), (60, False), (61, False), (3600, False)]
)
def test_a_token_is_good_for_its_step_and_the_next(ann: str, frozen_clock: FrozenClock, later: int, good: bool) -> None:
    shown = member_tokens.show(ann)
    frozen_clock.move(timedelta(seconds=later))
    assert (clock.now() < shown.valid_until) is good
    assert who(shown.token) == ((ann, None) if good else (None, "expired_token"))
    assert (member_tokens.show(ann).token == shown.token) is (later < 30)


def test_a_token_of_a_step_to_come_is_not_good_yet(ann: str, frozen_clock: FrozenClock) -> None:
    shown = member_tokens.show(ann)
    frozen_clock.move(-timedelta(seconds=1))
    assert who(shown.token) == (None, "expired_token")


def test_what_was_not_made_with_the_members_secret_is_unknown(ann: str) -> None:
    ben = enrol()
    token = member_tokens.show(ann).token
    theirs = member_tokens.show(ben).token
    for forged in (
        "",
        "x",
        token[:-1],
        token + "0",
        token[:-1] + ("0" if token[-1] != "0" else "1"),
        theirs[:26] + token[26:],
        codes.base32(bytes(30)),
        "é" * 48,
    ):
        assert who(forged) == (None, "unknown_token"), forged
    with db.engine.begin() as connection:
        connection.execute(sa.text("UPDATE profiles SET token_secret = NULL"))
    assert who(token) == (None, "unknown_token")


def test_each_member_has_a_secret_of_its_own_that_stays(ann: str) -> None:
    member_tokens.show(ann)
    first = rows("SELECT token_secret FROM profiles WHERE member_id = :m", m=ann)
    member_tokens.show(ann)
    assert rows("SELECT token_secret FROM profiles WHERE member_id = :m", m=ann) == first
    assert len(first[0]["token_secret"]) == 64
    assert refusal(member_tokens.show, new_id()) == "member_not_found"


@given(st.binary(min_size=30, max_size=30))
def test_bytes_survive_being_written_and_read_aloud(data: bytes) -> None:
    assert codes.from_base32(codes.base32(data), 30) == data


def test_a_purchase_posted_later_is_its_members_by_the_token_of_that_time(ann: str, frozen_clock: FrozenClock) -> None:
    from dataclasses import replace

    token = MemberReference(token=member_tokens.show(ann).token)
    at = clock.now()
    frozen_clock.move(timedelta(hours=3))
    assert said(post(replace(sold("p1", None, at=at), member=token)))["member_id"] == ann
    late = said(post(replace(sold("p2", None, at=at + timedelta(minutes=2)), member=token)))
    assert (late["status"], late["reason"]) == ("unresolved", "expired_token")
    assert late["claim_code"]


@pytest.mark.parametrize(("points", "needed"), [(995, False), (1000, False), (1005, True)])
def test_above_the_limit_a_proof_is_needed(ann: str, points: int, needed: bool) -> None:
    if not needed:
        redeem(ann, points)
        assert rows("SELECT proof FROM redemptions") == [{"proof": None}]
        return
    for capture in (True, False):
        with pytest.raises(Refusal) as caught:
            redeem(ann, points, capture=capture)
        assert caught.value.code == "proof_needed"
        assert len(caught.value.errors["proof"]) == 2
    redeem(ann, points, member=MemberReference(token=member_tokens.show(ann).token))
    redeem(ann, points, code=code_for(ann))
    assert {row["proof"] for row in rows("SELECT proof FROM redemptions")} == {"token", "code"}


@pytest.mark.parametrize("by", ["token", "code"])
def test_only_a_proof_that_the_programme_takes_will_do(app: Flask, frozen_clock: FrozenClock, by: str) -> None:
    member = open_shop(MONEY.replace("points: 260", "points: 26000").replace("[token, code]", f"[{by}]"))[0]
    post(sold("p0", member, line(amount=2_000_000, category="cake")))
    token = MemberReference(token=member_tokens.show(member).token)
    with_token, with_code = {"member": token}, {"code": code_for(member)}
    good, bad = (with_token, with_code) if by == "token" else (with_code, with_token)
    assert refusal(redeem, member, 2_000, **bad) == "proof_needed"
    redeem(member, 2_000, **(with_token | {"code": code_for(member)} if by == "code" else good))
    assert rows("SELECT proof FROM redemptions") == [{"proof": by}]


def test_a_code_is_used_once_and_only_by_what_succeeds(ann: str) -> None:
    code = code_for(ann)
    assert refusal(redeem, ann, 50_000, code=code) == "insufficient_points"
    redeem(ann, 2_000, code=code)
    assert refusal(redeem, ann, 2_000, code=code) == "code_wrong"


def test_wrong_tries_are_counted_though_they_are_refused(ann: str) -> None:
    code = code_for(ann)
    assert [refusal(redeem, ann, 2_000, code=other_than(code)) for _ in range(6)] == ["code_wrong"] * 5 + [
        "code_tries_used_up"
    ]
    assert refusal(redeem, ann, 2_000, code=code) == "code_tries_used_up"
    assert figures(ann)["leaves"][0] == 20_040
    redeem(ann, 2_000, code=code_for(ann))


def test_the_right_code_on_the_last_try_is_right(ann: str) -> None:
    code = code_for(ann)
    for _ in range(4):
        refusal(redeem, ann, 2_000, code=other_than(code))
    redeem(ann, 2_000, code=code)


@pytest.mark.parametrize(("seconds", "good"), [(299, True), (300, False), (301, False)])
def test_a_code_is_good_for_five_minutes(ann: str, frozen_clock: FrozenClock, seconds: int, good: bool) -> None:
    code = code_for(ann)
    frozen_clock.move(timedelta(seconds=seconds))
    if good:
        redeem(ann, 2_000, code=code)
    else:
        assert refusal(redeem, ann, 2_000, code=code) == "code_expired"


def test_a_new_code_replaces_the_one_before_and_another_members_or_purposes_is_wrong(ann: str) -> None:
    first, other = code_for(ann), code_for(enrol())
    second = code_for(ann)
    login = code_for(ann, "session")
    for code in {first, other, login} - {second}:
        assert refusal(redeem, ann, 2_000, code=code) == "code_wrong"
    one_time_codes.check(ann, "session", login)
    assert refusal(one_time_codes.check, ann, "session", login) == "code_wrong"
    redeem(ann, 2_000, code=second)


def test_a_code_that_was_never_sent_is_wrong(ann: str) -> None:
    assert refusal(redeem, ann, 2_000, code="123456") == "code_wrong"
    assert refusal(redeem, ann, 20, code="123456") == "code_wrong"


def test_codes_are_stored_as_hashes(ann: str) -> None:
    code = code_for(ann)
    stored = rows("SELECT * FROM one_time_codes")
    assert code not in str(stored)
    assert len(code) == 6
