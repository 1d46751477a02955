"""An SMS costs by its parts: where each part ends, in both alphabets, with the signs that take twice the room."""

import pytest

from rules.segments import is_gsm, segments


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("a" * 459, 3),
        ("a" * 460, 4),
        ("é" * 160, 1),
        ("€" * 80, 1),
        ("€" * 80 + "a", 2),
        ("a" * 158 + "€", 1),
        ("a" * 159 + "€", 2),
        # An escape is never cut from its sign: 152 and half a euro leave a place empty in the first part.
        ("a" * 152 + "€" + "a" * 152, 3),
        ("a" * 151 + "€" + "a" * 153, 2),
        ("a" * 152 + "€" + "a" * 151, 2),
        ("茶" * 70, 1),
        ("茶" * 71, 2),
        ("茶" * 134, 2),
        ("茶" * 135, 3),
        ("茶" * 201, 3),
        ("茶" * 202, 4),
        ("茶" + "a" * 69, 1),
        ("茶" + "a" * 70, 2),
        # A sign beyond the first plane takes two units, and both stand in the same part.
        ("🎂" * 35, 1),
        ("🎂" * 36, 2),
        ("茶" * 66 + "🎂" + "茶" * 66, 3),
        ("茶" * 66 + "🎂" + "茶" * 65, 2),
    ],
)
def test_a_text_is_cut_where_its_alphabet_cuts_it(text: str, count: int) -> None:
    assert segments(text) == count


@pytest.mark.parametrize("sign", "^{}\\[~]|€")
def test_a_sign_of_the_extension_table_takes_two_places(sign: str) -> None:
    assert is_gsm(sign)
    assert (segments(sign + "a" * 158), segments(sign + "a" * 159)) == (1, 2)


@pytest.mark.parametrize("sign", ["ç", "`", "“", "’", "…", "，", "\t", "ñ́"])
def test_a_sign_that_gsm_lacks_makes_it_ucs_2(sign: str) -> None:
    assert not is_gsm(sign)
    assert segments(sign + "a" * (70 - len(sign))) == 1
    assert segments(sign + "a" * (71 - len(sign))) == 2


@pytest.mark.parametrize("sign", "@£$¥èéùìòÇØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ¤¡¿§ÄÖÑÜäöñüà")
def test_the_signs_of_the_default_alphabet_take_one_place(sign: str) -> None:
    assert (segments(sign * 160), segments(sign * 161)) == (1, 2)
