"""Posts purchases through the whole application in one process, and prints the CPU microseconds of one.

Run by `benchmarks.commits`, with the code of some commit on the path.
"""

import time
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from benchmarks.databases import upgrade
from benchmarks.purchases import purchase_body
from benchmarks.setting import FIRST_CARD, furnish
from loyalty_engine import create_app
from loyalty_engine.config import Settings

_MEMBERS, _WARM, _COUNTED = 500, 300, 2_000


def main() -> None:
    """Measure on SQLite: the driver's share is the smallest there, so that ours shows most."""
    with TemporaryDirectory(prefix="loyalty-bench-") as folder:
        url = f"sqlite:///{Path(folder) / 'cpu.db'}"
        upgrade(url)
        setting = furnish(url, members=_MEMBERS)
        client = create_app(Settings(database_url=url)).test_client()
        headers = {"Authorization": f"Bearer {setting.till}", "Content-Type": "application/json"}
        bodies = _bodies()
        began = 0.0
        for number, body in enumerate(bodies):
            if number == _WARM:
                began = time.process_time()
            answer = client.post("/v1/purchases", data=body, headers=headers)
            assert answer.status_code == 201, answer.text
        print((time.process_time() - began) / _COUNTED * 1e6)


def _bodies() -> list[str]:
    template, random = purchase_body(), Random(1)
    return [
        template % (1, number, FIRST_CARD + random.randrange(_MEMBERS), 1, number) for number in range(_WARM + _COUNTED)
    ]


if __name__ == "__main__":
    main()
