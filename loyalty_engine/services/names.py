"""What the programme and the shop call their things, in one language: pages say names, the ledger keeps ids."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from loyalty_engine import clock
from loyalty_engine.services.programmes import plan_for
from loyalty_engine.store import places
from loyalty_engine.store.session import reading
from rules.phrases import Tongue
from rules.programme import PointsOf, Programme, Texts


@dataclass(frozen=True, slots=True)
class Names:
    """The programme of this moment in one language; each mapping leads from an id to a name."""

    programme: str
    money: str
    time_zone: ZoneInfo
    default_language: str
    wallets: Mapping[str, str]
    levels: Mapping[str, str]
    rewards: Mapping[str, str]
    counted: str | None
    """What levels are judged by: the name of a wallet, or `net_spend` or `visits`."""

    def wallet(self, wallet_id: str) -> str:
        """Return a wallet's name; the id of one that the programme no longer has."""
        return self.wallets.get(wallet_id, wallet_id)

    def level(self, level_id: str | None) -> str | None:
        """Return a level's name; None where there is no level."""
        return None if level_id is None else self.levels.get(level_id, level_id)

    def reward(self, reward_id: str) -> str:
        """Return a reward's name."""
        return self.rewards.get(reward_id, reward_id)


def names(language: str) -> Names:
    """Return the names in `language`, else in English; raises `Conflict` before a programme is published."""
    with reading() as connection:
        programme = plan_for(connection, clock.now()).programme
    return names_of(programme, language)


def names_of(programme: Programme, language: str) -> Names:
    """Return a programme's names."""
    name = Tongue(language).name

    def named(things: Iterable[tuple[str, Texts]]) -> dict[str, str]:
        return {thing: name(texts, thing) for thing, texts in things}

    ladder = programme.tiers
    return Names(
        programme=name(programme.name, programme.id),
        money=programme.money,
        time_zone=programme.time_zone,
        default_language=next((language for language in programme.name if language), "en"),
        wallets=named((one.id, one.name) for one in programme.wallets),
        levels=named((one.id, one.name) for one in (ladder.levels if ladder else ())),
        rewards=named((one.id, one.name) for one in programme.rewards),
        counted=_counted(programme, language),
    )


def _counted(programme: Programme, language: str) -> str | None:
    if programme.tiers is None:
        return None
    metric = programme.tiers.metric
    if isinstance(metric, PointsOf):
        wallet = programme.wallet(metric.wallet)
        return Tongue(language).name(wallet.name, wallet.id)
    return metric


def store_names(store_ids: Iterable[str]) -> dict[str, str]:
    """Return the names of those stores that there are."""
    with reading() as connection:
        found = (places.store(connection, store_id) for store_id in sorted(set(store_ids)))
        return {one.store_id: one.name for one in found if one is not None}
