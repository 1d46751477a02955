"""A café with its members on a frozen day, served on a loopback port: what the tests of the pages look at."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from textwrap import dedent
from threading import Thread

import sqlalchemy as sa
from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

from loyalty_engine import clock
from loyalty_engine.services import sessions, stores
from loyalty_engine.store.places import Merchant, Store
from loyalty_engine.store.session import db
from loyalty_engine.store.tables import messages
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
    rewards:
      - {id: five-off, name: {en: ¥5 off, zh: 立减5元}, cost: {points: 500, wallet: beans}, amount_off: "5.00", minimum_purchase: "20.00", valid: 30 days}
      - {id: cake, name: {en: A slice of cake, zh: 蛋糕一块}, product: CAKE-1, valid: 14 days}
      - {id: extra-shot, name: {en: Extra shot, zh: 加浓一份}, product: SHOT-1}
    messages:
      templates:
        - {id: greeting, purpose: greeting, en: "All the best, {salutation}!", zh: "{salutation},祝福您!"}
    """)
WANG, ANNA, NOBODY = "+8613800138000", "+8613700137000", "+8613600136000"
STORE = "nanjing-road"


@dataclass
class Cafe:
    """The served application, and what tests need to know of it."""

    app: Flask
    address: str
    wang: str
    anna: str
    claim_code: str

    def token(self, phone: str) -> str:
        """Sign a member in, as the pages do; return the token of the cookie."""
        with self.app.app_context():
            sessions.ask_code(phone, "en", "203.0.113.9")
            return sessions.open_session(phone, self.code(phone), "Chrome, Android").text

    def code(self, phone: str) -> str:
        """Return the newest code that was sent to a phone."""
        newest = (
            sa.select(messages.c.places).where(messages.c.to_address == phone).order_by(messages.c.message_id.desc())
        )
        with self.app.app_context(), db.engine.connect() as connection:
            found: str = json.loads(connection.execute(newest).scalars().first() or "")["code"]
        return found


def open_cafe() -> tuple[str, str, str]:
    """Put everything there, in an empty database; return two members' ids and the code on a receipt."""
    builders.publish(CAFE)
    stores.put_merchant(builders.ADMIN, Merchant("tea-house", "Corner Coffee"))
    for store, name in ((STORE, "Nanjing Road"), ("s-1", "West Lake"), ("s-2", "Central Station")):
        stores.put_store(builders.ADMIN, Store(store, "tea-house", name, "Asia/Shanghai"))
        stores.put_terminal(builders.ADMIN, store, "t-1")
    wang = enrol(
        joined_on=date(2025, 3, 8),
        phone=WANG,
        name="王小雨",
        language="zh",
        birthday=Birthday(4, 8, 1990, "lunar"),
        cards=("6300000000000012",),
    )
    anna = enrol(phone=ANNA, name="Anna Schmidt", language="en", email="anna@example.com")
    _a_year(wang)
    parked = said(post(sold("T-claim", None, line(category="coffee", amount=4800))))
    return wang, anna, parked["claim_code"]


def _a_year(member: str) -> None:
    now = clock.now()
    for place in range(24):
        at = now - timedelta(days=25 - place, hours=3)
        goods = (line("1", 2, 6400 + 100 * place, "coffee"), line("2", 1, 2800, "bakery"))
        post(sold(f"T7-{at:%Y%m%d}-{place:04}", member, *goods, store=("s-1", "s-2")[place % 2], at=at))
    early = now - timedelta(hours=3)
    post(sold("T7-early", member, line("1", 2, 7000, "coffee"), at=early, store=STORE))
    take_return("T7-early", "R-1", {"1": 1}, store=STORE)
    redeem_reward(member, "five-off")
    redeem_reward(member, "cake", reason="a late coffee")


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def serving(app: Flask) -> Iterator[str]:
    """Serve an application in threads of this process; yield its address."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
