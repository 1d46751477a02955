"""What pages say: every phrase in both languages, every refusal with its remedy, levels and days in words."""

import ast
import re
import struct
import zlib
from pathlib import Path
from string import Formatter
from typing import Any

import pytest

from loyalty_engine import portal
from loyalty_engine.portal import colours, icons, qr, refusals
from loyalty_engine.portal.ladder import ladder
from loyalty_engine.portal.said import change, day, groups, money, number
from loyalty_engine.portal.texts import PHRASES
from loyalty_engine.services.documents import preset
from loyalty_engine.services.names import names_of
from rules.errors import Conflict, Invalid
from rules.programme import Programme
from tests.portal.cafe import CAFE
from tests.texts import read_programme

HERE = Path(portal.__file__).parent
HAN = re.compile("[\u4e00-\u9fff]")


def places(phrase: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(phrase) if name}


@pytest.mark.parametrize("key", sorted(PHRASES))
def test_a_phrase_says_the_same_in_both_languages(key: str) -> None:
    english, chinese = PHRASES[key]
    assert places(english) == places(chinese)
    assert HAN.search(chinese) or not re.search("[A-Za-z]", re.sub(r"\{\w+\}", "", chinese)), "is Chinese"
    assert not HAN.search(english)
    assert not re.search("[\u4e00-\u9fff][,:;?!]", chinese), "Chinese has signs of its own"


def test_every_phrase_that_is_asked_for_is_there() -> None:
    said = set()
    for path in HERE.rglob("*"):
        if path.suffix in (".html", ".py"):
            said |= set(re.findall(r'\bsay\((?:\w+(?:\(\))?, )?"(\w+)"[,)]', path.read_text("utf-8")))
    assert said - set(PHRASES) == set()
    assert len(said) > 100


def test_a_refusal_has_its_remedy_in_the_language_of_the_page() -> None:
    said = refusals.told("zh", Conflict("claim_too_late", "…"))
    assert said.sentence == "只能认领三十天内的购物，这次已经超过期限。"
    fields = refusals.told("en", Invalid("member_invalid", "The member", {"email": ["…"], "name": ["…"]})).fields
    assert set(fields) == {"email", "name"}
    unknown = Conflict("never_heard_of", "In the engine's own words.")
    assert refusals.told("en", unknown).sentence == "In the engine's own words."
    assert refusals.told("zh", unknown).sentence == "目前无法完成。"


def test_every_refusal_that_is_named_is_one_of_the_engines() -> None:
    sources = [path.read_text("utf-8") for path in HERE.parent.rglob("*.py") if path.name != "refusals.py"]
    raised = {text for source in sources for text in strings(source)}
    assert {code for code in refusals.SENTENCES if code not in raised} == set()


def strings(source: str) -> set[str]:
    return {
        one.value for one in ast.walk(ast.parse(source)) if isinstance(one, ast.Constant) and isinstance(one.value, str)
    }


def test_days_numbers_and_codes_are_said_as_people_say_them() -> None:
    assert (day("en", "2027-05-31"), day("zh", "2027-05-31")) == ("31 May 2027", "2027年5月31日")
    assert (number(1243), number(-56), change(43), change(-6), change(0)) == ("1,243", "−56", "+43", "−6", "+0")
    assert (money("1000.00"), money("12.30")) == ("1,000.00", "12.30")
    assert groups("56ZM-95ZH-85Y4-R") == "56ZM 95ZH 85Y4 R"


def standing(**changes: Any) -> dict[str, Any]:
    keep = {"level": "gold", "missing": 300, "of": "points:beans", "by": "2026-12-31", "grace_until": "2027-01-30"}
    return {
        "level": "gold",
        "review_on": "2026-12-31",
        "grace_until": None,
        "metric": {"name": "points:beans", "amount": 4500, "from": "2025-12-01"},
        "next": {"level": "black", "missing": 1500, "of": "points:beans"},
        "keep": keep,
        "benefits": [{"reward": "extra-shot", "times": 1, "per": "day"}, {"text": {"en": "Your own cup"}}],
    } | changes


def told(language: str = "en", **changes: Any) -> Any:
    programme = read_programme(CAFE)
    assert isinstance(programme, Programme)
    return ladder(standing(**changes), names_of(programme, language), language)


def test_a_level_says_what_is_missing_and_what_keeps_it() -> None:
    said = told()
    assert (said.level, said.percent, said.until) == ("Gold", 75, "Safe through 31 Dec 2026")
    assert said.missing == "1,500 more Beans until Black"
    assert said.keep == "To keep Gold: 300 more Beans by 31 Dec 2026"
    assert said.benefits == ("Extra shot: 1× a day", "Your own cup")


def test_what_is_missing_in_money_is_said_as_money() -> None:
    programme = read_programme(preset("retailer"))
    assert isinstance(programme, Programme)
    following = {"level": "silver", "missing": "1000.00", "of": "net_spend", "by": "2026-12-31"}
    changes = {"next": following, "keep": None, "benefits": [], "metric": {"amount": "250.00"}}
    said = ladder(standing(**changes), names_of(programme, "en"), "en")
    assert said is not None
    assert (said.missing, said.percent) == ("1,000.00 USD to spend until Silver by 31 Dec 2026", 20)


def test_a_level_in_its_days_of_grace_says_until_when() -> None:
    said = told("zh", grace_until="2027-01-30")
    assert said.keep == "保留金卡：2027年1月30日前再得300咖啡豆。上期未达标，宽限至2027年1月30日。"


def test_a_level_that_is_safe_and_the_highest_has_nothing_missing() -> None:
    said = told(next=None, keep=standing()["keep"] | {"missing": 0})
    assert (said.percent, said.missing, said.following) == (100, None, None)
    assert said.keep == "Gold is safe: enough has been counted."


@pytest.mark.parametrize("colour", ["#0f6b5c", "#ffff00", "#000000", "#ffffff", "#ff0000", "#7f7f7f"])
def test_any_colour_of_a_shop_can_be_read(colour: str) -> None:
    for block, papers in zip(
        colours.sheet(colour).decode().splitlines(), (("#ffffff", "#f6f5f2"), ("#222528", "#141618")), strict=True
    ):
        found = dict(re.findall(r"--([\w-]+): (#\w{6});", block))
        for paper in papers:
            assert colours.contrast(colours.read(found["accent"]), colours.read(paper)) >= 4.5
        assert colours.contrast(colours.read(found["accent"]), colours.read(found["on-accent"])) >= 4.5
        if "card" in found:
            assert colours.contrast(colours.read(found["card"]), (255, 255, 255)) >= 4.5


def test_the_icon_is_a_png_with_a_heart_inside_the_middle() -> None:
    drawn = icons.png("#0f6b5c", 192)
    width, height = struct.unpack(">II", drawn[16:24])
    assert (drawn[:8], width, height) == (b"\x89PNG\r\n\x1a\n", 192, 192)
    start = drawn.index(b"IDAT") + 4
    (length,) = struct.unpack(">I", drawn[start - 8 : start - 4])
    rows = zlib.decompress(drawn[start : start + length])
    pixels = [rows[place * 193 + 1 : (place + 1) * 193] for place in range(192)]
    assert pixels[96][96] == 255
    assert max(pixels[18]) == max(pixels[174]) == 0
    assert all(row == row[::-1] for row in pixels), "it is symmetric"


def test_a_stores_code_leads_to_the_door() -> None:
    assert qr.way_in("https://club.example.com/", "s 1") == "https://club.example.com/join?store=s%201"
    assert qr.way_in("http://localhost:8000", None) == "http://localhost:8000/join"
    for wrong in ("club.example.com", "ftp://x", "https://", "https://x/?a=b"):
        with pytest.raises(Invalid):
            qr.way_in(wrong, None)
