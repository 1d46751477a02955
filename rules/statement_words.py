"""How a statement of account speaks, in English and Chinese: what each kind of entry is called, and what it is about."""

from collections.abc import Mapping
from typing import Final

PHRASES: Final[Mapping[str, tuple[str, str]]] = {
    # kinds of entries
    "accrual": ("Earned", "获得积分"),
    "opening": ("Brought in from before", "期初转入"),
    "gift": ("Gift", "赠送积分"),
    "redemption": ("Used", "使用积分"),
    "hold": ("Set aside", "冻结"),
    "release": ("Set free again", "解冻"),
    "maturity": ("Can be used from now on", "积分生效"),
    "expiry": ("Lapsed", "到期失效"),
    "reversal": ("Taken back", "扣回"),
    "restoration": ("Came back", "返还"),
    "reinstatement": ("Given back", "恢复"),
    "adjustment": ("Set right by staff", "人工调整"),
    "transfer_in": ("Came from another account", "由其他账户转入"),
    "transfer_out": ("Went to another account", "转出至其他账户"),
    # what they are about
    "purchase": ("purchase {purchase_id} at {store}", "在{store}的购物{purchase_id}"),
    "return": (
        "return {return_reference} of purchase {purchase_id} at {store}",
        "在{store}的购物{purchase_id}之退货{return_reference}",
    ),
    "reward": ("{reward}", "{reward}"),
    "aside": ("{points} points", "{points}积分"),
    # the page
    "title": ("Statement of points", "积分对账单"),
    "period": ("{first} to {last}", "{first}至{last}"),
    "member": ("Member {name}", "会员{name}"),
    "opening_balance": ("Balance before {day}", "{day}之前的余额"),
    "closing_balance": ("Balance at the end of {day}", "{day}终了的余额"),
    "of_which": (
        "of which {available} can be used, {pending} not yet, {held} are set aside; {debt} are owed",
        "其中可用{available}，待生效{pending}，冻结{held}；欠分{debt}",
    ),
    "date": ("Date", "日期"),
    "what": ("What", "事项"),
    "about": ("About", "说明"),
    "points": ("Points", "积分"),
    "forgiven": ("Forgiven", "免扣"),
    "balance": ("Balance", "余额"),
    "nothing": ("Nothing was booked in this period.", "本期没有记录。"),
    "foot": (
        "The balance is what can be used, what can't be used yet and what is set aside, less what is owed.",
        "余额为可用、待生效与冻结的积分之和，减去欠分。",
    ),
}


def say(language: str, key: str, **parts: object) -> str:
    """Return the phrase of that key, in Chinese for `zh` and its kin, else in English."""
    return PHRASES[key][_place(language)].format(**parts)


def kind_words(language: str, kind: str) -> str:
    """Return what people call a kind of entry."""
    return say(language, kind) if kind in PHRASES else kind


def spoken(language: str) -> str:
    """Return the language in which what is asked for in `language` is said."""
    return ("en", "zh")[_place(language)]


def _place(language: str) -> int:
    return 1 if language.replace("_", "-").split("-", 1)[0].lower() == "zh" else 0
