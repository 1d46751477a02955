"""Writes a new revision: `python -m migrations "what changes"`, from the difference between the tables and a database."""

import sys

from loyalty_engine import create_app
from loyalty_engine.services import database

if __name__ == "__main__":
    with create_app().app_context():
        database.migrating().revision(message=sys.argv[1], autogenerate=True)
