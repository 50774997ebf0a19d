"""No side doors, tried from a terminal in a world: what an acting command refuses, and that nothing outside changed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from conftest import Inside, MakeWorld
from driving import outside

from nexy_tui.runlog.read import read_log

NEXT = "1.6.1.43"


@dataclass(frozen=True)
class Said:
    """How a command ended: exit status, its lines for people, its JSON document."""

    exit: int
    lines: str
    document: dict[str, Any]

    @property
    def ran(self) -> list[str]:
        """The actions whose intent the log holds."""
        return [str(record.action) for record in read_log(Path(self.document["log"])) if record.kind == "intent"]

    @property
    def refused(self) -> list[tuple[str, str]]:
        """Action and message of every refusal that the log holds."""
        records = read_log(Path(self.document["log"]))
        return [(str(record.action), str(record.message)) for record in records if (record.kind, record.status) == ("result", "refused")]

    def status(self, item: str) -> str:
        return str(next(one["status"] for one in self.document["items"] if one["id"] == item))


def alone(inside: Inside, *words: str) -> Said:
    """`nexy-tui WORDS --json`, to its end."""
    done = inside.run("nexy-tui", *words, "--json", check=False, timeout=120)
    assert done.stdout, done.stderr
    return Said(done.returncode, done.stderr, json.loads(done.stdout))


def refuses(inside: Inside, item: str, *words: str) -> Said:
    """The command is refused because of `item`: it says so, nothing ran, and nothing outside changed."""
    before = outside(inside)
    said = alone(inside, *words)
    assert said.exit == 1, said.lines
    assert (said.document["outcome"], said.document["stopped_by"]) == ("refused", item)
    assert said.status(item) == "failed"
    assert item in said.document["message"] and item in said.lines and "next: " in said.lines
    assert said.ran == []
    [(_, message)] = said.refused
    assert message.startswith(f"{item} is wrong")
    now = outside(inside)
    assert now.changed(before) == set() and now.lock is None and now.assets == before.assets
    return said


@pytest.fixture
def broken(module_world: Inside) -> Iterator[Callable[[str], Inside]]:
    """`broken(FAULT)` is the module's world with a fault switched on, until the test ends."""
    on: list[str] = []

    def switch(name: str) -> Inside:
        module_world.fault(name)
        on.append(name)
        return module_world

    yield switch
    for name in on:
        module_world.fault(name, False)


@pytest.mark.parametrize(
    "words", [("publish", "--yes"), ("bump", NEXT), ("db", "backup", "--yes"), ("deploy", "v1.6.1.42", "--yes")], ids=lambda words: words[0]
)
def test_a_wrong_remote_keeps_every_action_from_running(words: tuple[str, ...], broken: Callable[[str], Inside]) -> None:
    inside = broken("wrong-code-remote")
    said = refuses(inside, "remotes.code", *words)
    assert said.document["items"][0]["fixers"] == ["manifest-repository"]
    assert inside.run("nexy-tui", "runs", "verify", said.document["log"], check=False).returncode == 10


def test_a_missing_tag_keeps_the_artifacts_from_being_published(broken: Callable[[str], Inside]) -> None:
    refuses(broken("missing-tag"), "remotes.artifacts", "publish", "--yes")


def test_a_dirty_tree_keeps_the_version_from_being_written(module_world: Inside) -> None:
    path = module_world.checkout / "server/main.py"
    text = path.read_text()
    path.write_text(text + "# half-done\n")
    try:
        refuses(module_world, "version.tree", "bump", NEXT)
    finally:
        path.write_text(text)
    assert module_world.changes() == []


@pytest.fixture
def bumped(make_world: MakeWorld) -> Inside:
    """A world whose operator wrote, committed, tagged and pushed the release by hand, as the rulebook's Phase 1 says."""
    inside = make_world()
    said = alone(inside, "bump", NEXT)
    assert (said.exit, said.ran, said.document["outcome"]) == (0, ["bump"], "verified"), said.lines
    inside.commit(f"Release v{NEXT}")
    inside.git("tag", f"v{NEXT}")
    inside.git("push", "-q", "server_repo", "HEAD:main", f"v{NEXT}")
    return inside


@pytest.mark.exhaustive
def test_each_command_by_itself_makes_a_release_and_none_runs_before_its_time(bumped: Inside) -> None:
    refuses(bumped, "database.backup", "publish", "--yes")
    backed = alone(bumped, "db", "backup", "--yes")
    assert (backed.exit, backed.ran) == (0, ["backup"]), backed.lines
    bumped.fault("drill-old")
    refuses(bumped, "database.drill", "deploy", f"v{NEXT}", "--yes")
    drilled = alone(bumped, "db", "drill", "--yes")
    assert (drilled.exit, drilled.ran, drilled.status("database.drill")) == (0, ["drill"], "passed"), drilled.lines
    refuses(bumped, "publish.asset", "deploy", f"v{NEXT}", "--yes")

    before = outside(bumped)
    dry = alone(bumped, "publish", "--dry-run")
    assert (dry.exit, dry.ran, dry.document["outcome"]) == (0, ["publish-dry-run"], "verified"), dry.lines
    assert outside(bumped).changed(before) == set()
    published = alone(bumped, "publish", "--yes")
    assert (published.exit, published.ran) == (0, ["publish"]), published.lines
    now = outside(bumped)
    assert now.changed(before) == {"branch", "manifests", "download"} and now.lock is None

    bumped.fault("server-third-version")
    refuses(bumped, "ready.server", "deploy", f"v{NEXT}", "--yes")
    bumped.fault("server-third-version", False)
    deployed = alone(bumped, "deploy", f"v{NEXT}", "--yes")
    assert (deployed.exit, deployed.ran) == (0, ["deploy"]), deployed.lines
    assert outside(bumped).changed(now) == {"vm code", "vm settings"}
    checked = bumped.run("nexy-tui", "verify", "--json", check=False)
    assert (checked.returncode, json.loads(checked.stdout)["outcome"]) == (0, "verified"), checked.stdout


def test_what_a_machine_cannot_see_is_attested_one_item_each_and_never_by_yes(bumped: Inside) -> None:
    config = bumped.world.config
    config.write_text(config.read_text().replace("[target]\n", '[target]\nteam_id = "ABCDE12345"\n', 1))
    alone(bumped, "db", "backup", "--yes")
    before = outside(bumped)
    said = alone(bumped, "publish", "--yes")
    assert (said.exit, said.document["outcome"], said.document["stopped_by"]) == (3, "inconclusive", "inbox.apple"), said.lines
    assert said.ran == [] and outside(bumped).changed(before) == set()
    assert "--attest inbox.apple=REASON" in said.lines
    for pair in ("remotes.code=I looked myself", "inbox.apple"):
        done = bumped.run("nexy-tui", "publish", "--yes", "--attest", pair, check=False)
        assert (done.returncode, done.stdout) == (2, "")
        assert "next:" in done.stderr
    said = alone(bumped, "publish", "--yes", "--attest", "inbox.apple=stapled and accepted on a Mac")
    assert (said.exit, said.ran, said.status("inbox.apple")) == (0, ["publish"], "attested"), said.lines
    log = read_log(Path(said.document["log"]))
    assert [record.message for record in log if record.kind == "attestation"] == ["stapled and accepted on a Mac"]


BARRED = (("db", "backup", "--yes"), ("db", "drill", "--yes"), ("db", "harden", "--yes"), ("save-drift", "--yes"), ("bump", NEXT))


@pytest.mark.exhaustive
def test_what_an_attestable_item_bars_takes_its_attestation(make_world: MakeWorld) -> None:
    newer = make_world(seed=["newer-rulebook"])
    for words in BARRED:
        barred = alone(newer, *words)
        assert (barred.exit, barred.document["stopped_by"], barred.ran) == (3, "remotes.rulebook", []), barred.lines
        assert "--attest remotes.rulebook=REASON" in barred.lines
        done = alone(newer, *words, "--attest", "remotes.rulebook=Read, and it is covered.")
        assert (done.exit, done.document["outcome"], done.status("remotes.rulebook")) == (0, "verified", "attested"), done.lines


@pytest.mark.exhaustive
def test_without_a_terminal_and_without_yes_nothing_is_confirmed(bumped: Inside) -> None:
    alone(bumped, "db", "backup", "--yes")
    before = outside(bumped)
    done = bumped.run("nexy-tui", "publish", check=False)
    assert done.returncode == 2 and "--yes" in done.stderr
    assert outside(bumped).changed(before) == set()
    listed = json.loads(bumped.run("nexy-tui", "runs", "list", "--json").stdout)["runs"]
    assert listed[0]["looks"] != "open", "a command that was not confirmed leaves no run to be resumed"


@pytest.mark.parametrize("more", [(), ("--headless",), ("--headless", "--yes")], ids=" ".join)
def test_auto_plays_nobody_outside_a_world(more: tuple[str, ...], tmp_path: Path) -> None:
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    command = [sys.executable, "-m", "nexy_tui", "release", NEXT, "--auto", *more]
    done = subprocess.run(
        command, cwd=tmp_path, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "this is production" in done.stderr and "nexy-tui rehearse --auto" in done.stderr
    assert list(tmp_path.iterdir()) == []
