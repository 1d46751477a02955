"""The key with which the members' pages seal their forms: one for all processes, made by the first that asks."""

from loyalty_engine.services import deployment_secrets
from loyalty_engine.store.session import in_transaction


def forms() -> bytes:
    """Return the key."""
    return in_transaction(lambda connection: deployment_secrets.secret(connection, "portal"))
