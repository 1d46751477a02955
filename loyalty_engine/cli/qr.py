"""`loyalty qr`: codes to be printed, for a store's door and counter."""

from pathlib import Path

import click

from loyalty_engine.cli.output import answer, engine, json_option, settings
from loyalty_engine.portal import qr as codes
from loyalty_engine.services import stores
from loyalty_engine.services.actors import command_line

_FILE = click.Path(dir_okay=False, writable=True, path_type=Path)


@click.group()
def qr() -> None:
    """Make QR codes for print."""


@qr.command()
@click.option("--store", help="The store by which people come in; it is kept with who joins.")
@click.option("--address", help="The address of the members' pages; LOYALTY_PUBLIC_URL where left out.")
@click.option(
    "--out", "file", type=_FILE, required=True, help="The file to write: a drawing (SVG) that prints at any size."
)
@json_option
def join(store: str | None, address: str | None, file: Path) -> None:
    """Make the code that leads a phone to the members' pages, to join or to sign in."""
    address = address or settings().public_url
    if not address:
        raise click.UsageError("say where the pages are: --address https://club.example.com, or LOYALTY_PUBLIC_URL")
    if store is not None:
        with engine():
            store = stores.store(command_line("qr"), store).store_id
    leads_to = codes.way_in(address, store)
    codes.write(leads_to, file)
    answer({"file": str(file), "leads_to": leads_to}, f"{file}: leads to {leads_to}")
