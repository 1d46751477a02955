"""A café with its members on a frozen day, served on a loopback port: what the tests of the pages look at."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from textwrap import dedent
from threading import Thread

import sqlalchemy as sa
from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

from loyalty_engine import clock, create_app
from loyalty_engine.config import Settings
from loyalty_engine.services import member_dates, sessions, stores
from loyalty_engine.services.caching import forget_everything
from loyalty_engine.store.places import Merchant, Store
from loyalty_engine.store.session import db
from loyalty_engine.store.tables import messages, metadata
from rules.facts import Birthday
from tests import builders
from tests.ledger import enrol, line, post, redeem_reward, said, sold, take_return

CAFE = dedent("""\
    programme: corner-coffee
    name: {en: Corner Coffee Club, zh: 街角咖啡会员}
    money: CNY
    time_zone: Asia/Shanghai
    wallets:
      - {id: beans, name: {en: Beans, zh: 咖啡豆}, expiry: {after: 12 months, at: end_of_month}, worth: "0.01", spending: {minimum: 100, multiple: 50, share_of_purchase: 50%}}
      - {id: stamps, name: {en: Stamps, zh: 印花}, spending: rewards_only}
    accrual:
      - {id: base, name: {en: One bean a yuan, zh: 每消费一元一颗豆}, wallet: beans, earn: {points: 1, per: "1.00"}}
      - {id: stamp, name: {en: A stamp a cup, zh: 每杯一枚印花}, wallet: stamps, earn: {points: 1, each: paid_unit}, lines: {category: {in: [coffee]}}}
      - {id: early-coffee, name: {en: Double beans on coffee before ten, zh: 十点前咖啡双倍豆}, wallet: beans, multiply: 2, lines: {category: {in: [coffee]}}, when: {time: {from: "07:00", to: "10:00"}}}
      - {id: winter, name: {en: Winter campaign, zh: 冬季活动}, wallet: beans, multiply: 2, from: 2026-12-01T00:00, to: 2027-01-01T00:00}
    tiers:
      metric: {points_of: beans}
      window: {rolling: 12 months}
      downgrade: {grace: 30 days, steps: one}
      levels:
        - {id: green, name: {en: Green, zh: 绿卡}, from: 0}
        - {id: gold, name: {en: Gold, zh: 金卡}, from: 1000, multiply: 1.25, wallet: beans, benefits: [{reward: extra-shot, times: 1, per: day}, {text: {en: Your own cup on the shelf, zh: 架上专属咖啡杯}}]}
        - {id: black, name: {en: Black, zh: 黑卡}, from: 6000}
    occasions:
      - {id: wedding, on: {member_date: wedding}, message: greeting}
      - {id: opening, on: {member_date: shop-opening}, message: greeting}
    rewards:
      - {id: five-off, name: {en: ¥5 off, zh: 立减5元}, cost: {points: 500, wallet: beans}, amount_off: "5.00", minimum_purchase: "20.00", valid: 30 days}
      - {id: cake, name: {en: A slice of cake, zh: 蛋糕一块}, product: CAKE-1, valid: 14 days}
      - {id: extra-shot, name: {en: Extra shot, zh: 加浓一份}, product: SHOT-1}
    messages:
      templates:
        - {id: greeting, purpose: greeting, en: "All the best, {salutation}!", zh: "{salutation},祝福您!"}
    """)
MEMBERS = {
    "zh": ("王小雨", "+8613800138000", "6300000000000012"),
    "en": ("Anna Schmidt", "+8613700137000", "6300000000000020"),
}
"""By language: name, phone and card of a member who has been here for a while."""
STORE = "nanjing-road"
PURCHASE = "T7-early-{}"
"""The purchase that can be explained, and of which a half was returned; it takes the language."""
_PHONES = "+861360000{:04}"


@dataclass
class Cafe:
    """The served application, and what tests need to know of it."""

    app: Flask
    address: str = ""
    ids: dict[str, str] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    parked: int = 0
    phones: int = 0

    def new_phone(self) -> str:
        """Return a phone that nobody has."""
        self.phones += 1
        return _PHONES.format(self.phones)

    def code(self, phone: str) -> str:
        """Return the newest code that was sent to a phone."""
        newest = (
            sa.select(messages.c.places).where(messages.c.to_address == phone).order_by(messages.c.message_id.desc())
        )
        with self.app.app_context(), db.engine.connect() as connection:
            found: str = json.loads(connection.execute(newest).scalars().first() or "")["code"]
        return found

    def newcomer(self, name: str, language: str) -> tuple[str, str]:
        """Enrol somebody who has nothing yet, and sign in; return the phone and the token."""
        phone = self.new_phone()
        with self.app.app_context():
            enrol(phone=phone, name=name, language=language)
        return phone, self.sign_in(phone)

    def sign_in(self, phone: str) -> str:
        """Sign a member in as the pages do; return the token of the cookie."""
        with self.app.app_context():
            sessions.ask_code(phone, "en", "203.0.113.9")
            return sessions.open_session(phone, self.code(phone), "Chrome, Android").text

    def claim_code(self) -> str:
        """Sell something to nobody; return the code on the receipt."""
        self.parked += 1
        with self.app.app_context():
            goods = line(category="coffee", amount=4800)
            code: str = said(post(sold(f"T-claim-{self.parked}", None, goods)))["claim_code"]
        return code


def open_cafe(file: Path) -> Cafe:
    """Make the application on an empty SQLite file, and put everything there."""
    caps = {"codes_per_address": 9_000, "codes_per_prefix": 9_000}
    cafe = Cafe(create_app(Settings(f"sqlite:///{file}", log_level="ERROR", **caps)))
    forget_everything()
    with cafe.app.app_context():
        metadata.create_all(db.engine)
        builders.publish(CAFE)
        stores.put_merchant(builders.ADMIN, Merchant("tea-house", "Corner Coffee"))
        for store, name in ((STORE, "Nanjing Road"), ("s-1", "West Lake"), ("s-2", "Central Station")):
            stores.put_store(builders.ADMIN, Store(store, "tea-house", name, "Asia/Shanghai"))
            stores.put_terminal(builders.ADMIN, store, "t-1")
        for language in MEMBERS:
            cafe.ids[language] = _regular(language)
    for language, (_, phone, _) in MEMBERS.items():
        cafe.tokens[language] = cafe.sign_in(phone)
    return cafe


def _regular(language: str) -> str:
    name, phone, card = MEMBERS[language]
    born = Birthday(4, 8, 1990, "lunar")
    member = enrol(name=name, phone=phone, cards=(card,), language=language, birthday=born, joined_on=date(2025, 3, 8))
    now = clock.now()
    for place in range(12):
        at = now - timedelta(days=25 - 2 * place, hours=3)
        goods = (line("1", 2, 12400 + 100 * place, "coffee"), line("2", 1, 4800, "bakery"))
        post(sold(f"T7-{language}-{place}", member, *goods, store=("s-1", "s-2")[place % 2], at=at))
    early = PURCHASE.format(language)
    post(sold(early, member, line("1", 2, 7000, "coffee"), at=now - timedelta(hours=3), store=STORE))
    take_return(early, f"R-{language}", {"1": 1}, store=STORE)
    redeem_reward(member, "five-off")
    redeem_reward(member, "cake", reason="a late coffee")
    member_dates.put(builders.ADMIN, member, "wedding", Birthday(5, 28, 2016))
    return member


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def serving(app: Flask) -> Iterator[str]:
    """Serve an application in threads of this process; yield its address."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
