"""What the pages say, in English and Chinese; `refusals` has what they say when something can't be done."""

from collections.abc import Mapping
from typing import Final

from loyalty_engine.portal.texts_account import ACCOUNT
from loyalty_engine.portal.texts_door import DOOR

_FRAME: Final[Mapping[str, tuple[str, str]]] = {
    "description": ("Your card, points and vouchers at {programme}", "{programme}的会员卡、积分与优惠券"),
    "skip": ("Skip to the page", "跳到正文"),
    "navigation": ("Pages", "页面导航"),
    "home": ("Home", "首页"),
    "card": ("Card", "会员卡"),
    "vouchers": ("Vouchers", "优惠券"),
    "history": ("History", "明细"),
    "more": ("More", "更多"),
    "back": ("Back", "返回"),
    "save": ("Save", "保存"),
    "send": ("Send", "提交"),
    "cancel": ("Cancel", "取消"),
    "install": ("Put this on my home screen", "添加到手机主屏幕"),
    "wrong": ("Please look at this again", "请再看一下"),
    "offline": ("No connection", "没有网络连接"),
    "offline_why": (
        "Your card and points are never kept on the phone, so they need the internet. Look for a signal, then try again. At the till your phone number or your plastic card works too.",
        "会员卡和积分不会存在手机上，需要联网才能显示。请找到信号后重试；结账时也可以报手机号，或出示实体卡。",
    ),
    "try_again": ("Try again", "重试"),
    "not_there": ("There is nothing here", "这里没有内容"),
    "not_there_why": (
        "The address may be mistyped, or what it led to is gone. Your own pages are at home.",
        "地址可能有误，或内容已不存在。请回到首页查看您的内容。",
    ),
    "to_home": ("Go home", "回到首页"),
    "bug": ("Something went wrong on our side", "我们这边出了点问题"),
    "bug_why": (
        "Nothing was changed. Try again in a minute; if it stays like this, tell the shop.",
        "没有任何改动。请过一分钟再试；如果一直这样，请告诉门店。",
    ),
    "refused": ("That can't be done", "无法完成"),
    # said once, after a form
    "saved": ("Saved.", "已保存。"),
    "claimed": ("The purchase is on your account now.", "这次购物已记到您的账户。"),
    "session_ended": ("That device is signed out.", "该设备已退出登录。"),
    "signed_out": ("You are signed out on this device.", "您已在此设备退出登录。"),
    "erased": (
        "Your personal data is erased. Thank you for having been with us.",
        "您的个人资料已删除。感谢您一路相伴。",
    ),
    "date_saved": ("The date is saved.", "日子已保存。"),
    "date_removed": ("The date is removed.", "日子已删除。"),
    "phone_changed": (
        "Your phone number is changed. For a day, points can't be used, so that nobody spends them with a stolen number.",
        "手机号已更换。为防止他人冒用，一天内暂不能使用积分。",
    ),
    "welcome": ("Welcome! This is your card.", "欢迎加入！这是您的会员卡。"),
}
PHRASES: Final[Mapping[str, tuple[str, str]]] = {**_FRAME, **DOOR, **ACCOUNT}


def say(language: str, key: str, **parts: object) -> str:
    """Return the phrase of that key, in Chinese for `zh`, else in English."""
    phrase = PHRASES[key][1 if language == "zh" else 0]
    return phrase.format(**parts) if parts else phrase
