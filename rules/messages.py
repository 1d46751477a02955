"""Which messages may go to whom, over which channel: consent, templates, and the texts that every programme has.

Source: PROGRAMME.md, messages; RELIABILITY.md, SMS.
"""

from collections.abc import Mapping
from typing import Final, Literal

from rules.programme import Channel, Occasion, PointsGift, Programme, RewardGift, Template

Purpose = Literal["service", "greeting", "marketing", "code"]
Consents = Mapping[tuple[str, str], bool]
"""(Channel, purpose) to what the member said; what was never asked is not there."""

CODE: Final = Template(
    "code",
    "service",
    {
        "en": "{code} is your code for {programme}, good for {minutes} minutes. Never tell it to anybody.",
        "zh": "验证码{code}，{minutes}分钟内有效。请勿告知他人。",
    },
    channels=("sms",),
)
REDEEMED: Final = Template(
    "redeemed",
    "service",
    {
        "en": "{points} {wallet} were used; {balance} are left. Not you? Tell {programme}.",
        "zh": "您已使用{points}{wallet}，余额{balance}。如非本人操作，请联系{programme}。",
    },
)
REWARD_REDEEMED: Final = Template(
    "reward-redeemed",
    "service",
    {
        "en": "{reward} was redeemed for {points} {wallet}; {balance} are left. Not you? Tell {programme}.",
        "zh": "您已用{points}{wallet}兑换“{reward}”，余额{balance}。如非本人操作，请联系{programme}。",
    },
)
VOUCHER_USED: Final = Template(
    "voucher-used",
    "service",
    {
        "en": "Your voucher was used: {reward}. Not you? Tell {programme}.",
        "zh": "您的优惠券“{reward}”已使用。如非本人操作，请联系{programme}。",
    },
)
PHONE_CHANGED: Final = Template(
    "phone-changed",
    "service",
    {
        "en": "Your account no longer uses this telephone number. Not you? Tell {programme} at once.",
        "zh": "您的会员账户已不再使用本手机号。如非本人操作，请立即联系{programme}。",
    },
    channels=("sms",),
)
BUILT_IN: Final = {one.id: one for one in (CODE, REDEEMED, REWARD_REDEEMED, VOUCHER_USED, PHONE_CHANGED)}
"""A programme's own template of the same id is taken in the place of one of these."""
OF_NOTICES: Final = frozenset({"points", "wallet", "expires_on", "balance"})
"""The places that a notice of points about to lapse fills."""
CAN_FILL: Final = {
    CODE.id: frozenset({"code", "minutes"}),
    REDEEMED.id: frozenset({"points", "wallet", "balance"}),
    REWARD_REDEEMED.id: frozenset({"points", "wallet", "balance", "reward"}),
    VOUCHER_USED.id: frozenset({"reward"}),
    PHONE_CHANGED.id: frozenset(),
}
"""The places that the causes of the built-in templates fill."""
ADDRESSED: Final = {"code": CODE.id, "phone_change": PHONE_CHANGED.id}
"""By cause the templates whose messages go to a number of their own: they count as codes, need no consent, and are forgotten
once they were sent."""
AT_ONCE: Final = frozenset({"redemption", *ADDRESSED})
"""Causes that members are told of at any hour: they are there, or somebody pretends to be them."""


def filled_by(occasion: Occasion) -> frozenset[str]:
    """Return the places that an occasion's message fills: what it gives, until when, and how many years it has been."""
    filled = {"valid_until"}
    if any(isinstance(gift, PointsGift) for gift in occasion.give):
        filled |= {"points", "wallet"}
    if any(isinstance(gift, RewardGift) for gift in occasion.give):
        filled.add("reward")
    if occasion.on == "anniversary":
        filled.add("years")
    return frozenset(filled)


def template_of(programme: Programme, template_id: str) -> Template | None:
    """Return a template by its id, the programme's own before a built-in one."""
    own = (one for one in programme.messages.templates if one.id == template_id)
    return next(own, BUILT_IN.get(template_id))


def purpose_of(template: Template, cause_kind: str) -> Purpose:
    """Return what a message is for: a code that somebody asked for, and what protects the member, is its own purpose."""
    return "code" if cause_kind in ADDRESSED else template.purpose


def is_allowed(purpose: str, said: bool | None) -> bool:
    """Tell whether a member may be written to: service unless it was refused, the rest only where it was agreed to."""
    if purpose == "code":
        return True
    return said is not False if purpose == "service" else said is True


def channel_for(
    template: Template, purpose: str, consents: Consents, addresses: frozenset[str]
) -> tuple[Channel, str | None]:
    """Return the first channel of the template that has an address and consent; else the one that fails last, and why."""
    reachable = [channel for channel in template.channels if channel in addresses]
    for channel in reachable:
        if is_allowed(purpose, consents.get((channel, purpose))):
            return channel, None
    return (reachable[0], "no_consent") if reachable else (template.channels[0], "no_address")
