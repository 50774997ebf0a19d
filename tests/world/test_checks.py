"""The checklist's looks at a real world: after a release everything holds, in the dark nothing outside does, and each new hand in
the checkout, on a clock or on a certificate is seen by its item."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from conftest import Inside, seldom
from driving import terminal

from checks.base import Scope
from nexy_tui.checklist import CHECKLIST
from nexy_tui.config import load_settings
from nexy_tui.core.clock import Clock, SystemClock
from nexy_tui.core.finding import Finding, Status
from nexy_tui.core.plan import Plan
from nexy_tui.engine.evaluate import evaluate
from nexy_tui.engine.notice import unobserved
from nexy_tui.engine.opening import keys_of, look_session
from nexy_tui.services import Services

NOT_HERE = {"inbox.pkg", "inbox.apple"}
"""Does not apply in a world as it is made: no publisher script, no package, no Apple team."""

LOCAL = {
    "remotes.script",
    "remotes.publisher",
    *("remotes.code", "remotes.rulebook", "remotes.disk"),
    *("ready.signing", "ready.sparkle", "ready.filters", "ready.commit"),
    *("version.manifests", "version.tree", "version.ignored", "version.files", "gate.files", "database.runbooks"),
    *("inbox.exists", "inbox.dmg", "inbox.application", "inbox.version", "inbox.new", "inbox.signature", "final.inbox"),
}
"""What is seen on this machine alone, and so also in the dark."""

GUIDE = "server/Docs/SERVER_RELEASE_AND_UPDATE_GUIDE.md"
PUBLISHER = "server/scripts/publish_assets_and_sync.py"


class Ahead(SystemClock):
    """This machine's clock, set wrong."""

    def __init__(self, by: timedelta) -> None:
        super().__init__(20.0)
        self.by = by

    def now(self) -> datetime:
        return super().now() + self.by


@contextmanager
def looking(inside: Inside, *, clock: Clock | None = None, **environ: str) -> Iterator[tuple[Services, Plan]]:
    """Services in the world, `environ` over its own; the plan is made while everything can be seen."""
    with terminal(inside):
        plan = look_session(Services(load_settings(inside.environ), inside.checkout, environ=inside.environ), CHECKLIST).plan
    changed = replace(inside, environ={**inside.environ, **environ})
    with terminal(changed):
        services = Services(load_settings(changed.environ), inside.checkout, environ=changed.environ, clock=clock)
        try:
            yield services, plan if clock is None else replace(plan, now=clock.now())
        finally:
            services.github.close()


def look(inside: Inside, *items: str, clock: Clock | None = None, **environ: str) -> dict[str, Finding]:
    """Findings by item, looked at together in one pass."""
    with looking(inside, clock=clock, **environ) as (services, plan):
        wanted = [CHECKLIST.item(name) for name in items] if items else CHECKLIST.items
        return {found.item: found for found in evaluate(wanted, Scope(services, plan, keys_of(services).trusted), unobserved)}


def statuses(findings: Mapping[str, Finding], *wanted: Status) -> set[str]:
    return {name for name, finding in findings.items() if finding.status in wanted}


def test_after_a_release_every_item_holds_each_with_evidence_of_when(released: Inside) -> None:
    done = released.run("nexy-tui", "check", "--all", "--vm", "--json", check=False)
    document = json.loads(done.stdout)
    items = {item["id"]: item for item in document["items"]}
    assert (done.returncode, document["outcome"]) == (0, "verified"), [i for i in items.values() if i["status"] == "failed"]
    assert set(items) == {item.id for item in CHECKLIST.items}
    assert {name for name, item in items.items() if item["status"] == "not_applicable"} == NOT_HERE
    assert {item["status"] for name, item in items.items() if name not in NOT_HERE} == {"passed"}
    for name, item in items.items():
        if name not in NOT_HERE:
            assert item["evidence"] and all(seen["time"].endswith("Z") and seen["source"] for seen in item["evidence"]), name
    assert "Warning" in items["remotes.tokens"]["summary"], "the world's one token may write to both repositories"


def test_an_item_alone_is_looked_at_alone(released: Inside) -> None:
    done = released.run("nexy-tui", "check", "gate.certificate", "--json", check=False)
    assert [(item["id"], item["status"]) for item in json.loads(done.stdout)["items"]] == [("gate.certificate", "passed")]


def test_in_the_dark_nothing_outside_passes(released: Inside) -> None:
    """The proxy is gone, and so are git host, release host, update server and cloud; the database listens nowhere."""
    dark: dict[str, Any] = {"HTTPS_PROXY": "http://127.0.0.1:1", "https_proxy": "http://127.0.0.1:1", "DB_PORT": "1"}
    found = look(released, **dark)
    assert statuses(found, Status.PASSED) == LOCAL
    assert statuses(found, Status.NOT_APPLICABLE) == NOT_HERE
    assert statuses(found, Status.FAILED) == {"database.reachable", "ready.database"}, "that nothing answers is what these find"
    for name in statuses(found, Status.INCONCLUSIVE):
        assert found[name].remedy and "broke:" not in found[name].summary, found[name]


def test_an_own_token_for_the_artifacts_is_no_warning(released: Inside) -> None:
    finding = look(released, "remotes.tokens", GH_TOKEN=released.world.secrets.artifacts_token)["remotes.tokens"]
    assert finding.status is Status.PASSED and "Warning" not in finding.summary


@pytest.mark.parametrize(("by", "said"), [(timedelta(minutes=5), "ahead of"), (timedelta(minutes=-5), "behind")])
def test_a_clock_that_is_wrong_is_held_against_both_hosts(released: Inside, by: timedelta, said: str) -> None:
    finding = look(released, "remotes.clock", clock=Ahead(by))["remotes.clock"]
    assert finding.status is Status.FAILED and finding.summary.count(said) == 2
    assert "https://github.com/" in finding.summary and released.world.update_host in finding.summary
    assert abs(int(finding.summary.split()[4]) - 300) <= 3


def test_a_clock_is_told_by_the_release_host_while_the_update_server_is_down(released: Inside) -> None:
    released.fault("server-down")
    try:
        found = look(released, "remotes.clock", "gate.certificate")
    finally:
        released.fault("server-down", on=False)
    assert found["remotes.clock"].status is Status.PASSED and "github.com" in found["remotes.clock"].summary
    assert found["gate.certificate"].status is Status.INCONCLUSIVE and "gives no answer" in found["gate.certificate"].summary


def test_a_certificate_is_judged_by_its_end_and_by_who_signed_it(released: Inside) -> None:
    with looking(released) as (services, plan):
        scope = Scope(services, plan, keys_of(services).trusted)
        item = CHECKLIST.item("gate.certificate")
        shown = item.check.look(scope)
    ends = shown.expires
    for left, status, said in ((3, Status.FAILED, "ends in 3 days"), (10, Status.PASSED, "Warning"), (60, Status.PASSED, "60 days left")):
        verdict = item.check.judge(shown, replace(plan, now=ends - timedelta(days=left, minutes=5)))
        assert verdict.status is status and said in verdict.summary, verdict
    stranger = look(released, "gate.certificate", SSL_CERT_FILE="", NEXY_CA="")["gate.certificate"]
    assert stranger.status is Status.FAILED and "is refused" in stranger.summary


@contextmanager
def changed(inside: Inside, path: str, content: str | None) -> Iterator[Path]:
    """A file of the checkout with another content (None: without it), and afterwards as it was."""
    file = inside.checkout / path
    before = file.read_bytes() if file.exists() else None
    file.parent.mkdir(parents=True, exist_ok=True)
    if content is None:
        file.unlink()
    else:
        file.write_text(content)
    try:
        yield file
    finally:
        if before is None:
            file.unlink(missing_ok=True)
        else:
            file.write_bytes(before)


def script(repository: str = "Seregawpn/Nexy_production", tag: str = "Update") -> str:
    return f"TARGET_REPO = {repository!r}\nARTIFACT_MAPPING = {{'Nexy.dmg': {{'tag': {tag!r}}}, 'Nexy.pkg': {{'tag': 'App'}}}}\n"


def put(before: str, after: str) -> Callable[[str], str]:
    """The file's own text with other words in it."""

    def edit(text: str) -> str:
        assert before in text
        return text.replace(before, after)

    return edit


CONSTANTS = "TARGET_REPO = 'Seregawpn/Nexy_production'\nDMG_TAG = 'Update'\nPKG_TAG = 'App'\n"
HANDS: list[tuple[str, Callable[[str], str] | str | None, str, Status, str]] = [
    (GUIDE, put("`Nexy.pkg` -> tag `App`", "`Nexy.pkg` -> tag `Apps`"), "remotes.rulebook", Status.INCONCLUSIVE, "Missing: 1.3."),
    (GUIDE, put("### 4.6 Azure", "### 4.10 Azure"), "remotes.rulebook", Status.INCONCLUSIVE, "Moved: 4.6."),
    (GUIDE, put("### Phase", "### Фаза"), "remotes.rulebook", Status.INCONCLUSIVE, "Changed: 3 Phase 1, 3 Phase 1.1"),
    (GUIDE, put("# Server Release & Update Guide", "# Релиз"), "remotes.rulebook", Status.PASSED, "is the edition"),
    (GUIDE, "# Server Release & Update Guide\n", "remotes.rulebook", Status.FAILED, "none of its sections"),
    (GUIDE, None, "remotes.rulebook", Status.NOT_APPLICABLE, "no document titled"),
    ("Docs/OLD.md", "# Server Release & Update Guide\n\n## 0. One pipeline\n", "remotes.rulebook", Status.FAILED, "two rulebooks"),
    (PUBLISHER, script(), "remotes.publisher", Status.PASSED, "publishes to Seregawpn/Nexy_production"),
    (PUBLISHER, script("Seregawpn/Nexy_server"), "remotes.publisher", Status.FAILED, "Seregawpn/Nexy_server instead of"),
    (PUBLISHER, script(tag="UpdateBeta"), "remotes.publisher", Status.FAILED, "UpdateBeta instead of Update"),
    (PUBLISHER, "TARGET_REPO = input()\n", "remotes.publisher", Status.INCONCLUSIVE, "cannot be read"),
    (PUBLISHER, CONSTANTS, "remotes.publisher", Status.PASSED, "publishes to Seregawpn/Nexy_production"),
    (PUBLISHER, CONSTANTS.replace("Update", "Beta"), "remotes.publisher", Status.FAILED, "Beta instead of Update"),
    (PUBLISHER, script(), "remotes.script", Status.PASSED, "is there"),
    (".gitignore", put("release_inbox/*", "inbox/*"), "version.ignored", Status.FAILED, "release_inbox/Nexy.dmg"),
]


@pytest.mark.parametrize(("path", "content", "item", "status", "said"), HANDS, ids=[f"{hand[2]}-{hand[4]}" for hand in HANDS])
def test_a_hand_in_the_checkout_is_seen(
    released: Inside, path: str, content: Callable[[str], str] | str | None, item: str, status: Status, said: str
) -> None:
    with changed(released, path, content((released.checkout / path).read_text()) if callable(content) else content):
        finding = look(released, item)[item]
    assert finding.status is status and said in finding.summary, finding
    assert finding.remedy or finding.status.satisfied


@contextmanager
def branched(inside: Inside) -> Iterator[None]:
    """What is committed meanwhile is gone afterwards."""
    head = inside.git("rev-parse", "HEAD")
    try:
        yield
    finally:
        inside.reset(head)
        inside.run("git", "stash", "clear")


def commit(inside: Inside, path: str, content: str, *options: str) -> None:
    file = inside.checkout / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content)
    inside.git("add", "--force", path)
    inside.git("commit", "--quiet", "--message", "Work", *options)


@pytest.mark.parametrize(
    ("path", "content", "said"),
    [
        ("server/config.env", "DB_PASSWORD=x\n", "what looks like a secret: server/config.env"),
        ("keys/deploy.pem", "x\n", "what looks like a secret: keys/deploy.pem"),
        ("server/notes.txt", "use ghp_" + "a1" * 18 + " for it\n", "what looks like a secret: server/notes.txt"),
        ("server/notes.txt", "-----BEGIN OPENSSH PRIVATE KEY-----\n", "what looks like a secret: server/notes.txt"),
        ("release_inbox/Nexy.dmg", "koly\n", "an artifact to the code repository: release_inbox/Nexy.dmg"),
        ("server/Old.pkg", "xar!\n", "an artifact to the code repository: server/Old.pkg"),
    ],
)
def test_what_must_not_be_pushed_is_found_in_a_commit_though_deleted_again(released: Inside, path: str, content: str, said: str) -> None:
    image = (released.checkout / "release_inbox/Nexy.dmg").read_bytes()
    with branched(released):
        commit(released, path, content)
        released.git("rm", "--quiet", "--cached", path)
        released.git("commit", "--quiet", "--message", "Take it back")
        (released.checkout / path).unlink()
        finding = look(released, "version.secrets")["version.secrets"]
    (released.checkout / "release_inbox/Nexy.dmg").write_bytes(image)
    assert finding.status is Status.FAILED and said in finding.summary, finding


@pytest.fixture
def tracking(released: Inside) -> Iterator[Inside]:
    """A tree as the team's are: settings tracked with placeholders and changed here, a key pushed long ago, a backup nobody ignores."""
    settings, tip = released.checkout / "server/config.env", released.git("rev-parse", "HEAD")
    before, bare = (settings.read_bytes() if settings.exists() else b"DB_PASSWORD=mine\n"), released.world.bare("Seregawpn/Nexy_server")
    dump = released.checkout / BACKUP
    with branched(released):
        (released.checkout / ".gitignore").write_text("release_inbox/*\n")
        commit(released, "server/certs/old.pem", "x\n")
        commit(released, "server/config.env", "DB_PASSWORD=placeholder\n", "--all")
        released.git("rm", "--quiet", "server/certs/old.pem")
        released.git("commit", "--quiet", "--message", "Away")
        released.git("push", "--quiet", "origin", "HEAD:main")
        settings.write_bytes(before)
        dump.parent.mkdir(parents=True, exist_ok=True)
        dump.write_bytes(b"dump")
        yield released
        dump.unlink()
    released.git("update-ref", "refs/heads/main", tip, cwd=bare)
    settings.write_bytes(before)


BACKUP = "server/backups/postgres/nexy_db_20260214T100000Z.tar.gz"
WHOLE = ("version.tree", "version.secrets", "version.ignored", "version.branch")


def test_tracked_settings_an_old_key_and_a_backup_bar_no_release(tracking: Inside) -> None:
    found = look(tracking, *WHOLE)
    assert {finding.status for finding in found.values()} == {Status.PASSED}, found
    assert "server/certs/old.pem was pushed before" in found["version.secrets"].summary
    assert "server/config.env is tracked" in found["version.ignored"].summary
    assert "/server/backups/postgres/ in .git/info/exclude" in found["version.ignored"].summary


def test_stray_work_is_set_aside_without_settings_and_backups(tracking: Inside) -> None:
    (tracking.checkout / "README.md").write_text("mine\n")
    (tracking.checkout / "new.txt").write_text("mine\n")
    before = (tracking.checkout / "server/config.env").read_bytes()
    finding = look(tracking, "version.tree")["version.tree"]
    assert finding.status is Status.FAILED
    tracking.run("sh", "-c", str(finding.remedy).partition("set them aside: ")[2])
    assert look(tracking, "version.tree")["version.tree"].status is Status.PASSED
    assert (tracking.checkout / "server/config.env").read_bytes() == before
    assert (tracking.checkout / BACKUP).read_bytes() == b"dump"


@pytest.mark.parametrize(
    ("path", "kind", "lying"),
    [
        ("keys/deploy.pem", "a secret", Status.FAILED),
        seldom("old/Nexy.dmg", "an artifact", Status.FAILED),
        ("dumps/db.dump", "a dump of the database", Status.PASSED),
    ],
)
def test_what_belongs_in_no_commit_is_judged_by_how_git_stands_to_it(released: Inside, path: str, kind: str, lying: Status) -> None:
    file, exclude = released.checkout / path, released.checkout / ".git/info/exclude"
    rules = exclude.read_bytes()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("x\n")
    with branched(released):
        tree, secrets = look(released, "version.tree", "version.secrets").values()
        assert (tree.status, secrets.status) == (lying, Status.PASSED)
        assert tree.status.satisfied or f"/{path} to .git/info/exclude" in str(tree.remedy)
        released.git("add", path)
        staged = look(released, "version.secrets")["version.secrets"]
        assert staged.status is Status.FAILED and "The next commit would take" in staged.summary and kind in staged.summary
        released.run("sh", "-c", str(staged.remedy))
        assert look(released, "version.secrets")["version.secrets"].status is Status.PASSED
        commit(released, path, "x\n")
        committed = look(released, "version.secrets")["version.secrets"]
        assert committed.status is Status.FAILED and kind in committed.summary
        for command in str(committed.remedy).partition(": ")[2].split("; ")[:2]:
            released.run("sh", "-c", command)
        exclude.write_bytes(rules + f"/{path}\n".encode())
        assert {found.status for found in look(released, "version.tree", "version.secrets").values()} == {Status.PASSED}
        assert file.read_text() == "x\n"
    exclude.write_bytes(rules)
    file.unlink()


def test_a_tracked_artifact_is_taken_out_of_git_and_stays_in_the_inbox(released: Inside) -> None:
    image = (released.checkout / "release_inbox/Nexy.dmg").read_bytes()
    with branched(released):
        released.git("add", "--force", "release_inbox/Nexy.dmg")
        finding = look(released, "version.ignored")["version.ignored"]
        assert finding.status is Status.FAILED and "git tracks release_inbox/Nexy.dmg" in finding.summary
        released.run("sh", "-c", str(finding.remedy).partition(" (")[0])
        assert look(released, "version.ignored")["version.ignored"].status is Status.PASSED
    assert (released.checkout / "release_inbox/Nexy.dmg").read_bytes() == image


def test_a_secret_that_only_a_merge_brought_in_is_found(released: Inside) -> None:
    with branched(released):
        released.git("switch", "--quiet", "-c", "side")
        commit(released, "side.txt", "side\n")
        released.git("switch", "--quiet", "main")
        commit(released, "main.txt", "main\n")
        released.git("merge", "--quiet", "--no-ff", "--no-commit", "side")
        commit(released, "main.txt", "ghp_" + "b2" * 18 + "\n")
        finding = look(released, "version.secrets")["version.secrets"]
        released.git("branch", "-D", "side")
    assert finding.status is Status.FAILED and "main.txt" in finding.summary, finding


def test_a_stash_left_in_conflict_is_refused_and_a_whole_one_is_told(released: Inside) -> None:
    readme = released.checkout / "README.md"
    with branched(released):
        readme.write_text("mine\n")
        released.git("stash", "push", "--", "README.md")
        finding = look(released, "version.branch")["version.branch"]
        assert finding.status is Status.PASSED and "Stashed work is left out of the release: 1" in finding.summary
        commit(released, "README.md", "theirs\n")
        popped = released.run("git", "stash", "pop", check=False)
        assert popped.returncode != 0, popped.stdout
        finding = look(released, "version.branch")["version.branch"]
    assert finding.status is Status.FAILED and "in conflict" in finding.summary, finding


def test_one_look_at_everything_takes_the_vms_slot_once_with_its_database_too(released: Inside, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text(put('where = "local"', 'where = "vm"')(released.world.config.read_text()))
    there = replace(released, environ={**released.environ, "NEXY_CONFIG": str(config)})
    account = released.world.log / "requests.jsonl"
    before = len(account.read_text().splitlines())
    items = [item.id for phase in ("database", "deploy") for item in CHECKLIST.phase(phase).items]
    found = look(there, *items)
    requests = [json.loads(line) for line in account.read_text().splitlines()[before:]]
    assert [row["method"] for row in requests if row["path"].endswith("/runCommand")] == ["POST"]
    assert statuses(found, Status.INCONCLUSIVE) == set(), found
    assert statuses(found, Status.FAILED) == {"database.backup", "database.drill"}, "those of this world are on this machine, not on the VM"
