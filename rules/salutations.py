"""How a member is addressed: 王女士 or 王先生 in Chinese, a first name in English, and a neutral word without a name.

A name is what the member typed: one that is no plain name (a link, digits, signs) is never repeated in a text of ours.
"""

import re
import unicodedata
from collections.abc import Mapping
from typing import Final

LONGEST: Final = {"zh": 6, "en": 16}
"""What a salutation is taken to be at most, when a template is measured."""

_NEUTRAL: Final = {"zh": "您", "en": "there"}
_TITLES: Final = {"female": "女士", "male": "先生"}
_FEMALE: Final = frozenset({"female", "f", "woman", "ms", "mrs", "miss", "女", "女士", "小姐"})
_MALE: Final = frozenset({"male", "m", "man", "mr", "男", "先生"})
_TWO_SIGNS: Final = frozenset(
    "欧阳 太史 端木 上官 司马 东方 独孤 南宫 万俟 闻人 夏侯 诸葛 尉迟 公羊 赫连 澹台 皇甫 宗政 濮阳 公冶 太叔 申屠 公孙"
    " 慕容 仲孙 钟离 长孙 宇文 司徒 鲜于 司空 闾丘 子车 亓官 司寇 巫马 公西 颛孙 壤驷 公良 漆雕 乐正 宰父 谷梁 拓跋 夹谷"
    " 轩辕 令狐 段干 百里 呼延 东郭 南门 羊舌 微生 左丘 梁丘 东门 西门 歐陽 司馬 東方 獨孤 諸葛 尉遲 皇甫 濮陽 公孫 長孫"
    " 鮮于 鍾離".split()
)
_HAN: Final = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]{2,}")
_JOINS: Final = frozenset(" -'’.·")
_MOST_SIGNS: Final = 24


def salutation(name: str | None, attributes: Mapping[str, str], language: str) -> str:
    """Return how to address somebody in a text of `language`; `attributes` may tell `gender` or `title`."""
    tongue = "zh" if language.lower().startswith("zh") else "en"
    known = _plain(name)
    if known is None:
        return _NEUTRAL[tongue]
    if _HAN.fullmatch(known):
        gender = _gender(attributes)
        return _family(known) + _TITLES[gender] if tongue == "zh" and gender else known
    return _first(known) or _NEUTRAL[tongue]


def _plain(name: str | None) -> str | None:
    """Return a name that is made of letters; None for anything else."""
    known = " ".join(unicodedata.normalize("NFC", name or "").split())
    letters = known.replace(",", "", 1)
    if not letters or not all(_is_letter(sign) or sign in _JOINS for sign in letters):
        return None
    return known if any(map(str.isalpha, known)) else None


def _is_letter(sign: str) -> bool:
    return unicodedata.category(sign)[0] in "LM"


def _gender(attributes: Mapping[str, str]) -> str | None:
    for name in ("gender", "title"):
        said = attributes.get(name, "").strip().rstrip(".").lower()
        if said in _FEMALE:
            return "female"
        if said in _MALE:
            return "male"
    return None


def _family(name: str) -> str:
    return name[:2] if len(name) > 2 and name[:2] in _TWO_SIGNS else name[0]


def _first(name: str) -> str | None:
    """Return the first name: the first word, or after `Family, First` the one behind the comma."""
    words = name.rpartition(",")[2].split()
    first = words[0].strip("-'’.·") if words else ""
    return first if 0 < len(first) <= _MOST_SIGNS else None
