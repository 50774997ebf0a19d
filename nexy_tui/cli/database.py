"""`db backup|drill|harden|status`: the database durability gate by itself (rulebook section 3, Phase 1.1)."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from nexy_tui.cli import common
from nexy_tui.cli.act import Attest, Json, TakeOver, Yes, run_alone
from nexy_tui.core.problem import Unusable
from nexy_tui.core.text import printable

_SHA256 = re.compile(r"[0-9A-Fa-f]{64}")

app = typer.Typer()


@app.command()
def backup(yes: Yes = False, attest: Attest = None, take_over: TakeOver = False, json: Json = False) -> None:
    """Make a backup and verify it."""
    run_alone(["backup"], yes=yes, as_json=json, attest=attest, take_over=take_over)


@app.command()
def drill(
    *,
    adopt: Annotated[str, typer.Option(metavar="ARCHIVE", help="Vouch for an archive of the team's own tool, and drill it.")] = "",
    sha256: Annotated[str, typer.Option(metavar="HEX", help="With --adopt: its sha256, instead of a typed confirmation.")] = "",
    yes: Yes = False,
    attest: Attest = None,
    take_over: TakeOver = False,
    json: Json = False,
) -> None:
    """Restore the newest backup into a database of its own, check it, drop it, and sign a record."""
    from nexy_tui.actions.adopt import Adoption
    from nexy_tui.actions.drill import Drill

    checklist = common.the_checklist()
    if adopt or sha256:
        require_adoption(adopt, sha256, yes=yes)
        checklist = checklist.with_action(Drill(Adoption(adopt, sha256.lower() or None)))
    run_alone(["drill"], checklist=checklist, yes=yes, as_json=json, attest=attest, take_over=take_over)


def require_adoption(adopt: str, sha256: str, *, yes: bool) -> None:
    """Pass for an archive's name with its sha256, or one that will be confirmed by typing. Raises Unusable."""
    from nexy_tui.services.database.archive import taken_at

    if not adopt:
        raise Unusable("--sha256 goes with --adopt.", remedy="Name the archive: --adopt nexy_db_<time>.tar.gz")
    if taken_at(adopt) is None:
        raise Unusable(f"{printable(adopt, 80)} is no archive's name.", remedy="Name it without its folder: nexy_db_<time>.tar.gz")
    if sha256 and _SHA256.fullmatch(sha256) is None:
        raise Unusable("--sha256 is not a sha256.", remedy="Give all 64 hexadecimal digits.")
    if yes and not sha256:
        raise Unusable(
            "--yes does not vouch for an archive.",
            "It would restore whatever lies there by that name.",
            f"Name the sha256 you know it by: nexy-tui db drill --adopt {adopt} --sha256 HEX --yes",
        )


@app.command()
def harden(yes: Yes = False, attest: Attest = None, take_over: TakeOver = False, json: Json = False) -> None:
    """Take from the app user what it must not have, and refuse hard deletes."""
    run_alone(["harden"], yes=yes, as_json=json, attest=attest, take_over=take_over)


@app.command()
def status(json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False) -> None:
    """Every database item, read-only."""
    from nexy_tui.cli.look import look_at

    raise typer.Exit(look_at(common.the_checklist().phase("database").items, json))
