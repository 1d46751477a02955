"""How members sign in by themselves: codes, tries, ends, and what is the same for a known and an unknown phone."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from loyalty_engine import clock
from loyalty_engine.services import member_changes, phone_codes, sessions, tokens
from loyalty_engine.services.imports.records import GivenConsent
from loyalty_engine.services.member_changes import Changes
from loyalty_engine.services.newcomers import NewMember
from loyalty_engine.store import members as member_store
from loyalty_engine.store.session import db, reading
from loyalty_engine.store.tables import messages
from loyalty_engine.store.tables import phone_codes as code_rows
from rules.errors import Forbidden, TooMany
from rules.facts import Birthday
from tests.builders import STAFF, publish
from tests.conftest import NOON, FrozenClock
from tests.doors import HERE, KNOWN, UNKNOWN, ask, other, refused, statements
from tests.ledger import enrol

sqlite = pytest.mark.parametrize("application", ["sqlite"], indirect=True)

pytestmark = pytest.mark.usefixtures("app", "frozen_clock")


@pytest.fixture
def ann() -> str:
    """A member with a phone, in a programme of Shanghai."""
    publish()
    return enrol(phone=KNOWN, name="Ann")


def test_a_member_signs_in_with_the_code_that_was_sent(ann: str) -> None:
    issued = sessions.open_session("138 0013 8000", ask(), "Ann's phone")
    who = tokens.authenticate(issued.text)
    assert who is not None
    assert (who.role, who.member_id) == ("member", ann)
    assert issued.token.expires_at == clock.now() + timedelta(days=90)
    (session,) = sessions.sessions_of(ann, issued.token.token_id)
    assert (session.device, session.current) == ("Ann's phone", True)


def test_a_right_code_for_a_phone_that_nobody_has_enrols_and_signs_in(ann: str) -> None:
    code = ask(UNKNOWN)
    assert refused(sessions.open_session, UNKNOWN, code) == "not_a_member"
    issued = sessions.enrol(UNKNOWN, code, NewMember(name="Bo"), "a tablet")
    assert issued.token.member_id not in (None, ann)
    assert refused(sessions.open_session, UNKNOWN, code) == "code_wrong"
    assert refused(sessions.enrol, UNKNOWN, code, NewMember()) == "code_wrong"


@sqlite
def test_a_code_is_used_once(ann: str) -> None:
    code = ask()
    sessions.open_session(KNOWN, code)
    assert refused(sessions.open_session, KNOWN, code) == "code_wrong"


@sqlite
@pytest.mark.parametrize("phone", [KNOWN, UNKNOWN])
def test_the_fifth_try_counts_and_the_sixth_does_not(ann: str, phone: str) -> None:
    code = ask(phone)
    for _ in range(4):
        assert refused(sessions.open_session, phone, other(code)) == "code_wrong"
    fifth = refused(sessions.open_session, phone, code) if phone == UNKNOWN else sessions.open_session(phone, code)
    assert fifth == "not_a_member" or phone == KNOWN
    code = ask(phone)
    for _ in range(5):
        assert refused(sessions.open_session, phone, other(code)) == "code_wrong"
    assert refused(sessions.open_session, phone, code) == "code_tries_used_up"


@sqlite
@pytest.mark.parametrize("phone", [KNOWN, UNKNOWN])
@pytest.mark.parametrize(("seconds", "expected"), [(299, None), (300, "code_expired"), (301, "code_expired")])
def test_a_code_is_good_for_five_minutes(
    ann: str, frozen_clock: FrozenClock, phone: str, seconds: int, expected: str | None
) -> None:
    code = ask(phone)
    frozen_clock.move(timedelta(seconds=seconds))
    if expected or phone == UNKNOWN:
        assert refused(sessions.open_session, phone, code) == (expected or "not_a_member")
    else:
        sessions.open_session(phone, code)


@sqlite
@pytest.mark.parametrize(("minutes", "expected"), [(29, None), (30, "code_expired"), (31, "code_expired")])
def test_a_right_code_proves_its_phone_for_half_an_hour(
    ann: str, frozen_clock: FrozenClock, minutes: int, expected: str | None
) -> None:
    code = ask(UNKNOWN)
    assert refused(sessions.open_session, UNKNOWN, code) == "not_a_member"
    frozen_clock.move(timedelta(minutes=minutes))
    if expected:
        assert refused(sessions.enrol, UNKNOWN, code, NewMember()) == expected
    else:
        sessions.enrol(UNKNOWN, code, NewMember())


@sqlite
def test_asking_again_and_again_does_not_make_the_proof_last_longer(ann: str, frozen_clock: FrozenClock) -> None:
    code = ask(UNKNOWN)
    for _ in range(3):
        assert refused(sessions.open_session, UNKNOWN, code) == "not_a_member"
        frozen_clock.move(timedelta(minutes=10))
    assert refused(sessions.open_session, UNKNOWN, code) == "code_expired"


@sqlite
def test_a_proof_only_enrols(ann: str) -> None:
    """Who became a member at a till meanwhile asks for another code."""
    code = ask(UNKNOWN)
    assert refused(sessions.open_session, UNKNOWN, code) == "not_a_member"
    enrol(phone=UNKNOWN)
    assert refused(sessions.open_session, UNKNOWN, code) == "code_wrong"
    assert refused(sessions.enrol, UNKNOWN, code, NewMember()) == "phone_taken"


@sqlite
def test_a_member_who_enrols_again_is_told_so_and_signs_in_with_the_same_code(ann: str) -> None:
    code = ask()
    assert refused(sessions.enrol, KNOWN, code, NewMember(name="Ann")) == "phone_taken"
    assert sessions.open_session(KNOWN, code).token.member_id == ann


@sqlite
@pytest.mark.parametrize(
    "wrong",
    [
        NewMember(name="An\x07n"),
        NewMember(name="Ann\u202egnp"),
        NewMember(birthday=Birthday(1, 1, 2027)),
        NewMember(birthday=Birthday(2, 30, 1990)),
        NewMember(birthday=Birthday(2, 29, 1990)),
        NewMember(birthday=Birthday(4, 30, 1990, "lunar")),
        NewMember(birthday=Birthday(3, 1, 1990, "lunar", True)),
        NewMember(email="not an address"),
        NewMember(language="klingon!"),
        NewMember(consents=(GivenConsent("pigeon", "marketing", True, NOON, "said so"),)),
    ],
)
def test_what_is_wrong_with_a_newcomer_can_be_set_right_with_the_same_code(ann: str, wrong: NewMember) -> None:
    code = ask(UNKNOWN)
    for _ in range(6):
        assert refused(sessions.enrol, UNKNOWN, code, wrong) == "member_invalid"
    sessions.enrol(UNKNOWN, code, NewMember(name="Bo"))


@sqlite
def test_nobody_enrols_with_what_only_staff_may_say(ann: str) -> None:
    new = NewMember(name="Bo", segments=frozenset({"vip"}), phone=KNOWN, external_id="x", cards=("6300000000000012",))
    issued = sessions.enrol(UNKNOWN, ask(UNKNOWN), new)
    assert issued.token.member_id is not None
    with reading() as connection:
        profile = member_store.profile(connection, issued.token.member_id)
        cards = [card.number for card in member_store.cards_of(connection, issued.token.member_id)]
    assert profile is not None
    assert (profile.segments, profile.phone) == ("[]", UNKNOWN)
    assert cards != ["6300000000000012"]


@sqlite
def test_a_code_for_something_else_does_not_sign_in(ann: str) -> None:
    phone_codes.send(phone_codes.Purpose("erasure", ann), KNOWN, "en", HERE, ann)
    with db.engine.connect() as connection:
        places = connection.scalar(sa.select(messages.c.places))
    code = places.partition('"code": "')[2][:6]
    assert refused(sessions.open_session, KNOWN, code) == "code_wrong"


@sqlite
def test_no_code_is_stored_in_the_clear(ann: str) -> None:
    code = ask()
    with db.engine.connect() as connection:
        row = connection.execute(sa.select(code_rows)).one()
    assert code not in repr(row)


@sqlite
def test_a_known_and_an_unknown_phone_cost_the_same_statements(ann: str) -> None:
    ask(KNOWN)
    ask(UNKNOWN)
    asked = [statements(lambda phone=phone: sessions.ask_code(phone, "en", HERE)) for phone in (KNOWN, UNKNOWN)]
    assert asked[0] == asked[1]
    tried = [statements(lambda phone=phone: refused(sessions.open_session, phone, "x")) for phone in (KNOWN, UNKNOWN)]
    assert tried[0] == tried[1]
    assert len(asked[0]) > 5


@sqlite
def test_the_answer_to_a_wrong_code_is_the_same_for_every_phone(ann: str) -> None:
    def words(phone: str) -> list[str]:
        told = []
        code = ask(phone)
        for _ in range(6):
            with pytest.raises(Forbidden) as error:
                sessions.open_session(phone, other(code))
            told.append(str(error.value))
        return told

    assert words(KNOWN) == words(UNKNOWN)
    never = "+8613700137000"
    with pytest.raises(Forbidden, match="ask for another one"):
        sessions.open_session(never, "123456")


@sqlite
def test_a_session_ends_and_only_its_own_member_ends_it(ann: str) -> None:
    bo = enrol(phone=UNKNOWN)
    mine = sessions.open_session(KNOWN, ask(), "one")
    other_one = sessions.open_session(KNOWN, ask(), "two")
    assert {one.device for one in sessions.sessions_of(ann)} == {"one", "two"}
    assert refused(sessions.end_session, bo, mine.token.token_id) == "session_not_found"
    sessions.end_session(ann, mine.token.token_id)
    assert tokens.authenticate(mine.text) is None
    assert tokens.authenticate(other_one.text) is not None
    assert refused(sessions.end_session, ann, mine.token.token_id) == "session_not_found"


@sqlite
def test_a_session_is_over_after_ninety_days(ann: str, frozen_clock: FrozenClock) -> None:
    issued = sessions.open_session(KNOWN, ask())
    frozen_clock.move(timedelta(days=90) - timedelta(seconds=1))
    assert tokens.authenticate(issued.text) is not None
    frozen_clock.move(timedelta(seconds=1))
    assert tokens.authenticate(issued.text) is None
    assert sessions.sessions_of(ann) == ()


@sqlite
def test_staff_who_change_the_phone_end_every_session(ann: str) -> None:
    issued = sessions.open_session(KNOWN, ask())
    member_changes.change(STAFF, ann, Changes(phone=UNKNOWN))
    assert tokens.authenticate(issued.text) is None
    member_changes.change(STAFF, ann, Changes(name="Ann B"))
    assert sessions.open_session(UNKNOWN, ask(UNKNOWN)).token.member_id == ann


@sqlite
@pytest.mark.parametrize("device", ["x" * 101, "a\x00b"])
def test_a_device_has_a_name_that_can_be_read(ann: str, device: str) -> None:
    code = ask()
    assert refused(sessions.open_session, KNOWN, code, device) == "invalid_fields"
    sessions.open_session(KNOWN, code, "x" * 100)


@sqlite
def test_an_address_tries_thirty_codes_an_hour_and_uses_up_no_more(ann: str, frozen_clock: FrozenClock) -> None:
    code = ask(address="203.0.113.8")
    phones = [f"+86139001{number:05}" for number in range(30)]
    for phone in phones:
        assert refused(sessions.open_session, phone, "000000", None, HERE) == "code_wrong"
    for _ in range(6):
        with pytest.raises(TooMany) as error:
            sessions.open_session(KNOWN, other(code), None, HERE)
        assert (error.value.code, error.value.retry_after) == ("too_many_tries", 3600)
    assert refused(sessions.enrol, UNKNOWN, "000000", NewMember(), None, HERE) == "too_many_tries"
    sessions.open_session(KNOWN, code, None, "203.0.113.8")
    frozen_clock.move(timedelta(hours=1))
    assert refused(sessions.open_session, KNOWN, code, None, HERE) == "code_wrong"


@sqlite
def test_a_phone_that_is_changed_while_it_signs_in_lets_nobody_in(ann: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever changes the phone has the lock first; the sign-in that waited for it sees the change."""
    code, lock = ask(), member_store.lock

    def waited(connection: sa.Connection, member_id: str) -> str | None:
        monkeypatch.setattr(member_store, "lock", lock)
        member_changes.change_in(connection, STAFF, member_id, Changes(phone=UNKNOWN))
        return lock(connection, member_id)

    monkeypatch.setattr(member_store, "lock", waited)
    assert refused(sessions.open_session, KNOWN, code) == "not_a_member"
    assert sessions.sessions_of(ann) == ()
