"""What marshmallow says of a field by itself, as a sentence that also says what would be right."""

import re
from functools import lru_cache
from typing import Final

_WHOLE: Final = r"(-?[0-9]+)"
_SENTENCES: Final = tuple(
    (re.compile(said), sentence)
    for said, sentence in (
        (r"Missing data for required field\.", "is missing: write it."),
        (r"Field may not be null\.", "null stands here: write a value."),
        (r"Not a valid list\.", "is no list: write it in [ ]."),
        (r"Not a valid (?:utf-8 )?string\.", "is no text: put it in quotes."),
        (r"Not a valid UUID\.", 'is no id of ours: they look like "01a2b3c4-0000-7000-8000-000000000000".'),
        (r"(?:Not a valid mapping|Invalid) type\.", "is no JSON object: write {…}."),
        (rf"Length must be between 0 and {_WHOLE}\.", r"there are too many: send at most \1."),
        (rf"Length must be between {_WHOLE} and {_WHOLE}\.", r"there are too few or too many: send \1 to \2."),
        (rf"Longer than maximum length {_WHOLE}\.", r"there are too many: send at most \1."),
        (
            rf"Must be greater than or equal to {_WHOLE} and less than or equal to {_WHOLE}\.",
            r"is out of bounds: write a whole number from \1 to \2.",
        ),
        (r"Must be one of: (.*)\.", r"is none of those there are: write one of \1."),
    )
)


@lru_cache(maxsize=1_000)
def sentence(said: str) -> str:
    """Return the sentence for one of marshmallow's own messages; what schemas say themselves stays as it is."""
    for pattern, better in _SENTENCES:
        if found := pattern.fullmatch(said):
            return found.expand(better)
    return said
