"""Where what is known of a request lies, beside what came with it: in its environment, where reaching it costs least."""

from typing import Final

ACTOR: Final = "loyalty.actor"
REQUEST_ID: Final = "loyalty.request_id"
BEGAN: Final = "loyalty.began"
