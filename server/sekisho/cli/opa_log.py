"""The command that tells where OPA's log and its answers are not the same."""

from __future__ import annotations

import click

from sekisho.cli.session import Session, session
from sekisho.client.gate import Gate
from sekisho.kernel.clock import from_epoch_ms, iso


@click.command("log")
@click.option("--since", type=click.IntRange(min=0), default=0, help="Epoch milliseconds; by default all.")
@session
def opa_log(state: Session, since: int) -> None:
    """Where OPA's decision log and its answers are not the same. Needs a server, and a role that operates everywhere.

    Exit code 1 where a line differs or is missing; a question that somebody else put to OPA is listed only.
    """
    found = Gate(state.connection, state.project).decision_log_findings(since)
    lines = [
        f"{iso(from_epoch_ms(item['at']))}  {item['verdict']:<8} {item['decision_id']}  {'; '.join(item['reasons'])}"
        for item in found["items"]
    ]
    nothing = "OPA's log says what it answered" if found["on"] else "this server takes no decision log"
    state.show(found, "\n".join(lines) or nothing)
    if any(item["verdict"] != "strange" for item in found["items"]):
        raise SystemExit(1)
