"""One night's reviews on a database, in a process of its own so that its memory can be told: prints seconds and MiB."""

import json
import resource
import sys
import time
from datetime import date, datetime

from loyalty_engine import create_app
from loyalty_engine.config import Settings
from loyalty_engine.services.reviews import review_day


def main(database_url: str) -> None:
    """Run the night and say what it took."""
    app = create_app(Settings(database_url=database_url))
    with app.app_context():
        began = time.perf_counter()
        done = review_day(date(2027, 1, 1), 1, now=datetime.fromisoformat("2027-01-01T00:30:00+08:00"))
        seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(json.dumps({"seconds": seconds, "peak_mib": peak, "outcomes": dict(done.outcomes)}))


if __name__ == "__main__":
    main(sys.argv[1])
