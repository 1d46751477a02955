"""One night's reviews on a database, in a process of its own so that its memory can be told: prints seconds and MiB."""

import json
import sys
import time
from datetime import date, datetime

from benchmarks.engine import engine_of, peak_mib
from loyalty_engine.services.reviews import review_day


def main(database_url: str) -> None:
    """Run the night and say what it took."""
    with engine_of(database_url):
        began = time.perf_counter()
        done = review_day(date(2027, 1, 1), 1, now=datetime.fromisoformat("2027-01-01T00:30:00+08:00"))
        seconds = time.perf_counter() - began
    told = {"seconds": seconds, "peak_mib": peak_mib(), "outcomes": dict(done.outcomes)}
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1])
