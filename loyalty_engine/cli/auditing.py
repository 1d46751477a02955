"""`loyalty audit`: proves the books right, or names what is wrong in them."""

import click

from loyalty_engine.cli.output import engine, is_json, json_option, say_json, watching
from loyalty_engine.services import auditing
from loyalty_engine.services.auditing import Report


@click.command()
@json_option
@click.pass_context
def audit(ctx: click.Context) -> None:
    """Work every figure out again from what it follows from, and name the rows that disagree.

    Nothing is changed, and nobody has to wait: it looks at the database as it was when the audit began. Exit code 1
    when something is wrong.
    """
    with engine():
        report = auditing.audit(watching())
    if is_json():
        say_json(report.as_json())
    else:
        _tell(report)
    ctx.exit(0 if report.clean else 1)


def _tell(report: Report) -> None:
    looked_at = ", ".join(f"{count:,} {what}" for what, count in report.looked_at.items())
    if report.clean:
        click.echo(f"Nothing is wrong: {looked_at}.")
        return
    for broken in report.broken:
        rule = broken.rule
        click.echo(f"Invariant {rule.invariant}, {rule.table}: {rule.says}. Broken rows: {broken.count:,}")
        for finding in broken.first:
            click.echo(f"  {finding}")
        if broken.count > len(broken.first):
            click.echo(f"  … and {broken.count - len(broken.first):,} more")
    click.echo(f"{len(report.broken)} rules are broken. Looked at {looked_at}.")
