"""Whoever reads what is said may go away, or stop reading: what is being done goes on to its end, and the exit status is its own."""

from __future__ import annotations

import pytest
from conftest import Inside, MakeWorld
from driving import SEALED, verified_as
from piped import told_to_a_pipe


def _told(inside: Inside, *arguments: str, leaves: bool) -> int:
    return told_to_a_pipe(*arguments, cwd=inside.checkout, env=inside.environ, leaves=leaves)


def test_a_release_ends_verified_though_its_reader_reads_no_more(released: Inside) -> None:
    log = min((released.world.state / "runs").glob("*/*.intoto.jsonl"))
    assert verified_as(released, log) == SEALED


@pytest.mark.exhaustive
def test_a_rollback_ends_verified_though_its_reader_leaves(make_world: MakeWorld) -> None:
    inside = make_world()
    assert _told(inside, "release", "--kind", "update-only", "--headless", "--auto", leaves=False) == 0
    assert _told(inside, "rollback", "--yes", "--json", leaves=True) == 0
    assert inside.world.previous in inside.run("curl", "-sf", f"https://{inside.world.update_host}/health").stdout


@pytest.mark.exhaustive
@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_release_ends_verified_though_its_reader_leaves(make_world: MakeWorld, options: tuple[str, ...]) -> None:
    assert _told(make_world(), "release", "--headless", "--auto", *options, leaves=True) == 0
