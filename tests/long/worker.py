"""A worker's process that only sends: `python -m tests.long.worker`, killed by whoever started it."""

import time

from loyalty_engine import create_app
from loyalty_engine.services.jobs.sending import Sender
from loyalty_engine.store.ids import new_id


def main() -> None:
    """Send for ever."""
    app, sender = create_app(), Sender(new_id())
    with app.app_context():
        while True:
            list(sender.send(lambda: False))
            time.sleep(0.05)


if __name__ == "__main__":
    main()
