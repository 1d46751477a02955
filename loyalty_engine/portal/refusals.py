"""What can't be done, in words with the remedy, in the page's language: by the refusal's code, and by the form's field."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from rules.errors import Refusal

SENTENCES: Final[Mapping[str, tuple[str, str]]] = {
    "form_not_ours": (
        "This form was open for too long, came from another page, or your browser keeps no cookies. Allow them, load the page again, and send it once more.",
        "表单打开太久、不是从本页面提交的，或浏览器禁用了 Cookie。请允许 Cookie，重新打开页面再提交。",
    ),
    "code_wrong": (
        "This is not the code that we sent. Look at the newest message, or ask for a new code.",
        "验证码不正确。请核对最新一条短信，或重新获取。",
    ),
    "code_expired": ("This code is too old. Ask for a new one.", "验证码已过期，请重新获取。"),
    "code_tries_used_up": (
        "The code was tried too often. Ask for a new one.",
        "尝试次数过多，请重新获取验证码。",
    ),
    "phone_not_served": (
        "Codes are not sent to numbers of this country. Use another number, or ask at the till.",
        "暂不能向这个国家或地区的号码发送验证码，请换个号码，或在收银台办理。",
    ),
    "phone_without_sms": (
        "This number can't get text messages. Use a mobile phone's.",
        "这个号码不能接收短信，请使用手机号。",
    ),
    "too_many_codes": (
        "Codes were asked for too often. Wait a while, then ask again; the last one that came may still work.",
        "获取验证码过于频繁。请稍候再试；最近收到的一条可能仍然有效。",
    ),
    "too_many_tries": (
        "Codes were tried too often from here. Wait an hour, then go on.",
        "这里尝试验证码的次数过多，请一小时后再试。",
    ),
    "too_many_requests": ("That was very quick. Wait a minute, then go on.", "操作太快了，请稍等一分钟再继续。"),
    "too_many_lookups": ("That was tried too often. Wait a minute, then go on.", "尝试次数过多，请稍等一分钟再继续。"),
    "phone_taken": (
        "This number belongs to another member. If it is yours, sign in with it, or ask the shop to join the two.",
        "这个号码属于另一位会员。如果是您的，请用它登录，或请门店合并账户。",
    ),
    "birthday_set": ("A birthday is set once. Ask the staff to change it.", "生日只能填写一次，请联系工作人员修改。"),
    "claim_code_not_found": (
        "There is no purchase with this code. Compare it with the receipt, letter by letter.",
        "没有找到对应的购物。请对照小票逐字核对。",
    ),
    "already_yours": ("This purchase is on your account already.", "这次购物已经在您的账户里了。"),
    "claim_too_late": (
        "A purchase can be claimed within 30 days, and this one is older.",
        "只能认领三十天内的购物，这次已经超过期限。",
    ),
    "needs_staff": (
        "This purchase has to be looked at by staff. Show them the receipt.",
        "这次购物需要工作人员处理，请出示小票。",
    ),
    "purchase_not_found": ("There is no such purchase on your account.", "您的账户里没有这次购物。"),
    "cursor_invalid": ("This page of the history is not there. Begin with the newest.", "没有这一页，请从最新的开始。"),
    "confirmation_missing": ("Tick the box first: erasing can't be undone.", "请先勾选确认：删除后无法恢复。"),
    "no_programme": (
        "The shop has not opened its programme yet. Come back soon.",
        "门店的会员计划还没有开始，请过段时间再来。",
    ),
    "store_not_found": ("There is no such store.", "没有这家门店。"),
    "session_not_found": ("That device is signed out already.", "该设备已经退出登录。"),
    "date_not_found": ("That date is removed already.", "这个纪念日已经删除。"),
    "date_unknown": (
        "The shop does not mark such a date. Choose one of the list.",
        "门店没有这种纪念日，请从列表中选择。",
    ),
    "date_set": (
        "This date is set already. Remove it first, or ask the staff to change it.",
        "这个日子已经填写。请先删除，或联系工作人员修改。",
    ),
    "dates_full": ("There are as many dates as can be kept. Remove one first.", "纪念日数量已达上限，请先删除一个。"),
    "no_phone": (
        "There is no phone in your profile to send a code to. The shop's staff can help.",
        "您的资料里没有手机号，无法发送验证码，请联系门店工作人员。",
    ),
    "member_not_found": ("This member is not there any more.", "该会员已不存在。"),
    "database_busy": ("Many people are here at once. Try again in a moment.", "现在人有点多，请稍后再试。"),
    "still_in_work": ("The last change is still at work. Try again in a moment.", "上一次操作还在处理，请稍后再试。"),
}
_FIELDS: Final[Mapping[str, tuple[str, str]]] = {
    "phone": (
        "Enter a phone number that can get text messages, such as +49 170 1234567",
        "请输入能接收短信的手机号，例如 13800138000",
    ),
    "code": ("Enter the six digits from the message", "请输入短信中的六位数字"),
    "name": (
        "Enter a name of 1 to 200 letters, without control characters",
        "请输入不超过200字的姓名，不含特殊控制字符",
    ),
    "email": ("Enter an address such as anna@example.com", "请输入邮箱地址，例如 wang@example.com"),
    "birthday": (
        "This is no day of that calendar, or it is still to come. Check day, month and year",
        "日期不存在或尚未到来，请核对历法、月、日和年份",
    ),
    "date": (
        "This is no day of that calendar. Check day and month",
        "日期不存在，请核对历法、月和日",
    ),
    "language": ("Choose one of the languages", "请选择语言"),
    "claim_code": ("Enter the code from the receipt", "请输入小票上的认领码"),
}
_OTHERWISE: Final = ("That can't be done as things are now.", "目前无法完成。")
_LOOK_BELOW: Final = ("Some of it can't be right: see below.", "有的内容不正确，请看下面的提示。")


class Told(NamedTuple):
    """What is said above a form, and beside its fields."""

    sentence: str
    fields: Mapping[str, str]


def told(language: str, refusal: Refusal) -> Told:
    """Say a refusal in a language. What has no words of its own here is said as the engine says it, in English."""
    place = 1 if language == "zh" else 0
    fields = {
        name: _FIELDS[name][place]
        for name in dict.fromkeys(path.partition(".")[0].partition("[")[0] for path in refusal.errors)
        if name in _FIELDS
    }
    if refusal.code in SENTENCES:
        return Told(SENTENCES[refusal.code][place], fields)
    if fields:
        return Told(_LOOK_BELOW[place], fields)
    return Told(_OTHERWISE[1] if place else refusal.detail, fields)
