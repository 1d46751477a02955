"""What an entry of the ledger is about, in words: the purchase, the return, the reward, and why staff did it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from loyalty_engine.services import stores
from loyalty_engine.services.actors import Actor
from loyalty_engine.store import accounts, entries, survivors
from loyalty_engine.store.accounts import Source
from rules.phrases import Tongue
from rules.programme import Programme
from rules.statement_words import say

_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class About:
    """What some entries are about, as far as the one who asks may know it."""

    programme: Programme
    language: str
    sources: Mapping[str, Source]
    rewards: Mapping[str, str]

    def source(self, row: Mapping[str, Any]) -> dict[str, str]:
        """Return where an entry comes from, by names that people know."""
        told = {"kind": str(row["source_kind"]), "id": str(row["source_id"])}
        found = self.sources.get(row["source_id"])
        if found is not None:
            told["store"], _, told["purchase_id"] = found.purchase_key.partition("/")
            if found.return_reference is not None:
                told["return_reference"] = found.return_reference
        if row["source_id"] in self.rewards:
            told["reward"] = self.rewards[row["source_id"]]
        elif row["source_kind"] == "automatic":
            told["reward"] = str(row["source_id"]).partition("/")[0]
        return told

    def words(self, row: Mapping[str, Any], source: Mapping[str, str]) -> str:
        """Say what an entry is about; nothing where only the engine knows it."""
        parts = []
        if row["held"]:
            parts.append(say(self.language, "aside", points=f"{abs(row['held']):,}"))
        if "purchase_id" in source:
            parts.append(say(self.language, "return" if "return_reference" in source else "purchase", **source))
        if "reward" in source:
            parts.append(say(self.language, "reward", reward=self._reward(source["reward"])))
        if row["reason"]:
            parts.append(row["reason"])
        return " · ".join(parts)

    def explained_as(self, row: Mapping[str, Any]) -> str | None:
        """Return the posting whose explanation says why; None where no purchase is behind an entry."""
        found = self.sources.get(row["source_id"])
        return found.posting_id if found else None

    def _reward(self, reward_id: str) -> str:
        names = (reward.name for reward in self.programme.rewards if reward.id == reward_id)
        return Tongue(self.language).name(next(names, {}), reward_id)


def about(
    connection: sa.Connection,
    actor: Actor,
    member_id: str,
    rows: Sequence[Mapping[str, Any]],
    programme: Programme,
    language: str,
) -> About:
    """Look up what a member's entries are about, those of members merged into it included."""
    ids = sorted({str(row["source_id"]) for row in rows})
    sources: dict[str, Source] = {}
    rewards: dict[str, str] = {}
    family = survivors.family(connection, member_id)
    for start in range(0, len(ids), _AT_ONCE):
        some = ids[start : start + _AT_ONCE]
        for one in family:
            found = accounts.sources(connection, one, some)
            sources |= {name: one for name, one in found.items() if may_know(connection, actor, one)}
        rewards |= entries.rewards(connection, member_id, some)
    return About(programme, language, sources, rewards)


def may_know(connection: sa.Connection, actor: Actor, source: Source) -> bool:
    """Tell whether whoever asks may be told which purchase it was: those of a merchant only of their own."""
    if actor.merchant_id is None:
        return True
    place = stores.place(connection, source.purchase_key.partition("/")[0])
    return place is not None and place.merchant_id == actor.merchant_id
