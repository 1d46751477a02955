"""How members are addressed: by their language, never with an empty hole, never with what is no name."""

import pytest

from rules.salutations import salutation

FEMALE, MALE = {"gender": "female"}, {"gender": "male"}


@pytest.mark.parametrize(
    ("name", "attributes", "zh", "en"),
    [
        ("王芳", FEMALE, "王女士", "王芳"),
        ("王伟", MALE, "王先生", "王伟"),
        ("王小明", {}, "王小明", "王小明"),
        ("欧阳娜娜", FEMALE, "欧阳女士", "欧阳娜娜"),
        ("欧阳", MALE, "欧先生", "欧阳"),
        ("司马光", MALE, "司马先生", "司马光"),
        ("諸葛亮", MALE, "諸葛先生", "諸葛亮"),
        ("王芳", {"gender": "F"}, "王女士", "王芳"),
        ("王芳", {"title": "女士"}, "王女士", "王芳"),
        ("王伟", {"title": "Mr."}, "王先生", "王伟"),
        ("王伟", {"gender": "unknown", "title": "male"}, "王先生", "王伟"),
        ("王伟", {"gender": "other"}, "王伟", "王伟"),
        ("Anna Smith", FEMALE, "Anna", "Anna"),
        ("  Anna   Smith ", {}, "Anna", "Anna"),
        ("Smith, Anna Maria", {}, "Anna", "Anna"),
        ("Jean-Luc O'Neill", {}, "Jean-Luc", "Jean-Luc"),
        ("Zoë", {}, "Zoë", "Zoë"),
        (None, {}, "您", "there"),
        ("", FEMALE, "您", "there"),
        ("   ", {}, "您", "there"),
        ("Smith,", {}, "您", "there"),
        ("-", {}, "您", "there"),
        ("evil.example/win", {}, "您", "there"),
        ("Win 1000000", {}, "您", "there"),
        ("{points}", {}, "您", "there"),
        ("Anna\u0007", {}, "您", "there"),
        ("Anna\u202eeve", {}, "您", "there"),
        ("A" * 24, {}, "A" * 24, "A" * 24),
        ("A" * 25, {}, "您", "there"),
    ],
)
def test_members_are_addressed_as_their_language_does(
    name: str | None, attributes: dict[str, str], zh: str, en: str
) -> None:
    assert (salutation(name, attributes, "zh"), salutation(name, attributes, "en")) == (zh, en)


@pytest.mark.parametrize(
    ("language", "said"), [("zh-Hant", "王女士"), ("ZH", "王女士"), ("en-GB", "王芳"), ("fr", "王芳")]
)
def test_chinese_of_any_kind_is_chinese_and_every_other_language_is_spoken_to_as_english(
    language: str, said: str
) -> None:
    assert salutation("王芳", FEMALE, language) == said
