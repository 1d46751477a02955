"""How the engine speaks: every phrase in English and Chinese, names in the asked language, numbers as people read them.

What is asked for in another language is said in English; names that a marketer gave in that language are still used.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from rules.facts import Number
from rules.programme import Texts

LANGUAGES: Final = ("en", "zh")
"""The languages of each pair below, in its order."""

PHRASES: Final[Mapping[str, tuple[str, str]]] = {
    # lists
    "comma": (", ", "、"),
    "or": ("{first} or {last}", "{first}或{last}"),
    "and": ("{first} and {last}", "{first}且{last}"),
    "and_more": ("{names} and {count} more", "{names}等另外{count}项"),
    "brackets": ("({inner})", "（{inner}）"),
    # numbers
    "at_least": ("at least {least}", "至少{least}"),
    "at_most": ("at most {most}", "最多{most}"),
    "between": ("{least} to {most}", "{least}到{most}"),
    "exactly": ("exactly {least}", "正好{least}"),
    "any_number": ("any number", "任意数"),
    "money": ("{amount} {currency}", "{amount} {currency}"),
    # lengths of time
    "day": ("{count} day", "{count}天"),
    "week": ("{count} week", "{count}周"),
    "month": ("{count} month", "{count}个月"),
    "year": ("{count} year", "{count}年"),
    "days": ("{count} days", "{count}天"),
    "weeks": ("{count} weeks", "{count}周"),
    "months": ("{count} months", "{count}个月"),
    "years": ("{count} years", "{count}年"),
    "per_purchase": ("a purchase", "每次购物"),
    "per_day": ("a day", "每天"),
    "per_week": ("a week", "每周"),
    "per_month": ("a month", "每月"),
    "per_year": ("a year", "每年"),
    "per_ever": ("in all", "累计"),
    # weekdays
    "mon": ("Monday", "周一"),
    "tue": ("Tuesday", "周二"),
    "wed": ("Wednesday", "周三"),
    "thu": ("Thursday", "周四"),
    "fri": ("Friday", "周五"),
    "sat": ("Saturday", "周六"),
    "sun": ("Sunday", "周日"),
    # conditions
    "not": ("not {inner}", "非{inner}"),
    "spent": ("when {bounds} is spent", "消费{bounds}"),
    "spent_of": ("when {bounds} is spent on lines of {of}", "在{of}的商品上消费{bounds}"),
    "units": ("when {bounds} units are bought", "购买{bounds}件"),
    "units_of": ("when {bounds} units of {of} are bought", "购买{of}的商品{bounds}件"),
    "before": ("before {ends}", "{ends}之前"),
    "after": ("from {starts}", "{starts}起"),
    "time": ("from {starts} to {ends}", "{starts}到{ends}"),
    "weekday": ("on {days}", "{days}"),
    "day_of_month": ("on day {days} of the month", "每月{days}日"),
    "last_day": ("the last", "最后一"),
    "date": ("from {starts} through {ends}", "{starts}至{ends}"),
    "date_from": ("from {starts}", "{starts}起"),
    "date_through": ("through {ends}", "至{ends}"),
    "any_date": ("on any day", "任何日期"),
    "store": ("at store {words}", "门店{words}"),
    "store_not": ("not at store {words}", "{words}以外的门店"),
    "store_group": ("at the stores {words}", "{words}的门店"),
    "store_group_not": ("not at the stores {words}", "{words}以外的门店"),
    "channel": ("through {words}", "渠道{words}"),
    "channel_not": ("not through {words}", "{words}以外的渠道"),
    "tender": ("paid by {words}", "用{words}支付"),
    "tender_not": ("not paid by {words}", "不用{words}支付"),
    "coupon": ("with the coupon {words}", "使用优惠券{words}"),
    "coupon_not": ("without the coupon {words}", "不使用优惠券{words}"),
    "level": ("for {words} members", "{words}会员"),
    "level_not": ("for members who are not {words}", "{words}以外的会员"),
    "segment": ("for members in {words}", "{words}中的会员"),
    "segment_not": ("for members not in {words}", "不在{words}中的会员"),
    "member_for": ("for members of {period} or longer", "入会满{period}的会员"),
    "age": ("for members {bounds} years old", "年龄{bounds}岁的会员"),
    "birthday_day": ("on the birthday", "生日当天"),
    "birthday_week": ("in the week of the birthday", "生日当周"),
    "birthday_month": ("in the month of the birthday", "生日当月"),
    "first_purchase": ("on the first purchase", "首次购物"),
    "purchases_before": ("after {bounds} purchases", "此前购物{bounds}次"),
    "days_since": ("when the last purchase was {bounds} days ago", "距上次购物{bounds}天"),
    "purchase_within": ("within {period} of a purchase", "购物后{period}内"),
    "attribute": ("for members whose {name} is {words}", "{name}为{words}的会员"),
    "attribute_not": ("for members whose {name} is not {words}", "{name}不为{words}的会员"),
    # line filters
    "sku": ("product {words}", "商品{words}"),
    "sku_not": ("a product other than {words}", "{words}以外的商品"),
    "sku_list": ("the list {words}", "清单{words}"),
    "sku_list_not": ("no list {words}", "清单{words}以外"),
    "category": ("category {words}", "品类{words}"),
    "category_not": ("a category other than {words}", "{words}以外的品类"),
    "brand": ("brand {words}", "品牌{words}"),
    "brand_not": ("a brand other than {words}", "{words}以外的品牌"),
    "tag": ("the tag {words}", "标签{words}"),
    "tag_not": ("without the tag {words}", "无标签{words}"),
    "fact": ("{name} {words}", "{name}为{words}"),
    "fact_not": ("{name} other than {words}", "{name}不为{words}"),
    # why a rule gave nothing
    "only": ("only {condition}", "仅限{condition}"),
    "starts": ("starts on {at}", "{at}开始"),
    "ended": ("ended on {at}", "{at}已结束"),
    "at_time": ("{day} at {time}", "{day} {time}"),
    "birthday_locked": (
        "the birthday was changed less than {period} ago and will count again after that",
        "生日修改未满{period}，期满后才重新计入",
    ),
    "no_line": ("no line is of {of}", "没有{of}的商品行"),
    "nothing_counts": ("no line counts", "没有计入的商品行"),
    "preferred": ("{rule} counts instead", "已按“{rule}”计算"),
    "only_whole": ("only each whole {amount} counts", "每满{amount}才计算"),
    "nothing_there": ("there is nothing that it could count", "没有可计算的内容"),
    "does_not_apply": ("does not apply", "不适用"),
    # what gave and what took
    "headline": ("{points} {wallet}", "{points} {wallet}"),
    "nothing": ("no points", "没有积分"),
    "gave": ("{points} from {rule}", "“{rule}”送{points}"),
    "gave_on": ("{points} from {rule} on {lines}", "“{rule}”送{points}（{lines}）"),
    "more": ("{points} more from {rule} on {lines}", "“{rule}”另送{points}（{lines}）"),
    "less": ("{points} less by {rule}", "“{rule}”少{points}"),
    "level_more": ("{points} more as {level} member", "{level}会员另送{points}"),
    "level_less": ("{points} less as {level} member", "{level}会员少{points}"),
    "capped": (
        "{points} over the cap {cap} of {most} {per}",
        "超出上限{cap}（{per}{most}）{points}",
    ),
    "capped_all": (
        "{points} over the cap {cap} of {most} {per} for everyone together",
        "超出全体会员上限{cap}（{per}{most}）{points}",
    ),
    "rounded_down": ("{points} dropped in rounding", "取整舍去{points}"),
    "rounded_up": ("{points} added in rounding", "取整补上{points}"),
    "gave_nothing": ("nothing from {rule}: {reason}", "“{rule}”未送：{reason}"),
    "left_nothing_out": ("nothing left out by {rule}: {reason}", "“{rule}”未排除商品：{reason}"),
    "left_out": ("{lines} left out by {rule}", "{lines}不参与（{rule}）"),
    "stays": ("{kept} of {points} {wallet} stay after what was returned", "退货后，{points}{wallet}中保留{kept}"),
}


@dataclass(frozen=True, slots=True)
class Tongue:
    """One language to speak in: `zh`, `zh-CN`, or one that only names may know."""

    language: str

    def say(self, key: str, **parts: object) -> str:
        """Return the phrase of that key with its places filled in."""
        base = _base(self.language)
        phrase = PHRASES[key][LANGUAGES.index(base) if base in LANGUAGES else 0]
        return phrase.format(**parts)

    def name(self, texts: Texts, otherwise: str) -> str:
        """Return the text in this language, else in English, else in any, else the id."""
        for language in (self.language, _base(self.language), "en", "", *sorted(texts)):
            if texts.get(language):
                return texts[language]
        return otherwise

    def joined(self, how: str, words: Sequence[str]) -> str:
        """List the words with `and` or `or` before the last."""
        *first, last = words
        return self.say(how, first=self.say("comma").join(first), last=last) if first else last


def _base(language: str) -> str:
    return language.replace("_", "-").split("-", 1)[0].lower()


_TEN_THOUSANDTHS: Final = 10_000


def number(value: Number) -> str:
    """Write an exact number as people do, without its sign: `2,000`, `8.75`; `8 1/3` where four decimals don't end it."""
    whole, part = divmod(abs(Fraction(value)), 1)
    if not part:
        return f"{whole:,}"
    if _TEN_THOUSANDTHS % part.denominator == 0:
        return f"{whole:,}.{int(part * _TEN_THOUSANDTHS):04}".rstrip("0")
    return f"{whole:,} {part}" if whole else str(part)
