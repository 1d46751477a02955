"""Photographs the members' pages for the guides: a café on a frozen day, in a browser of a phone's size, by day and by night.

.venv/bin/python -m tools.portal_images
"""

import tempfile
from pathlib import Path
from typing import Final

from loyalty_engine import clock
from tests.conftest import NOON
from tests.portal.cafe import PURCHASE, STORE, open_cafe, serving
from tests.portal.phone import SIZE, Phone, browser

IMAGES: Final = Path(__file__).parents[1] / "docs" / "images"
SHOTS: Final = (
    ("portal-home-en", "en", "light", "/my"),
    ("portal-home-zh", "zh", "dark", "/my"),
    ("portal-vouchers-en", "en", "light", "/my/vouchers"),
    ("portal-why-zh", "zh", "light", f"/my/why/{STORE}/{PURCHASE.format('zh')}"),
)


def main() -> None:
    """Write every picture."""
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, clock.frozen(NOON):
        cafe = open_cafe(Path(folder) / "cafe.db")
        with serving(cafe.app) as address, browser() as opened:
            for name, language, scheme, path in SHOTS:
                context = opened.new_context(viewport=SIZE, color_scheme=scheme, device_scale_factor=1.25)
                phone = Phone(context, address)
                phone.sign_in(cafe.tokens[language])
                phone.go(path)
                phone.page.screenshot(path=IMAGES / f"{name}.png")
                print(f"{name}.png: {(IMAGES / f'{name}.png').stat().st_size:,} bytes")
                context.close()


if __name__ == "__main__":
    main()
