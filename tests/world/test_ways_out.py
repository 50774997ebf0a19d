"""The way out is never shut: from every moment at which a release can be killed or fail, each way that is named is accepted, and ends it.

The moments are the steps of push, publish and deploy that write outside, each before its effect and after it (`leaving.MOMENTS`).
"""

from __future__ import annotations

import itertools
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Inside, MakeWorld, seldom
from driving import NEXY, Bench, assert_released, release
from leaving import MOMENTS, SWAPPED, agreed, left, named
from meeting import hook as hook_of_ours

from nexy_tui.core.target import DMG
from nexy_tui.rehearsal import world as worlds
from nexy_tui.rehearsal.names import CODE

RESUME, PUBLISH, ROLLBACK, RECOVER, CLOSE = "release --resume", "publish", "rollback", "publish --recover", "runs close"


@pytest.fixture(scope="module")
def bench(make_module_world: MakeWorld) -> Iterator[Bench]:
    made = Bench(make_module_world)
    yield made
    made.drop()


def ways(moment: str, kind: str) -> tuple[str, ...]:
    """What can be named at a moment: going on always; while customers wait the ways forward and back; before that, ending it."""
    if moment not in SWAPPED:
        return (RESUME, CLOSE, *((PUBLISH,) if "aside" in moment or "upload" in moment else ()))
    return (RESUME, ROLLBACK, PUBLISH, RECOVER) if kind == "full" or moment != "in the deploy" else (RESUME, ROLLBACK, PUBLISH)


ORDINARY = (("update-only", "between the swap and the branch", RESUME),)
EVERY = [
    case if case in ORDINARY else seldom(*case)
    for kind, moment in itertools.product(("full", "update-only"), MOMENTS)
    if kind == "full" or "tag" not in moment
    for case in ((kind, moment, way) for way in ways(moment, kind))
]


def did(inside: Inside, *words: str) -> str:
    """A command that is accepted: what it said."""
    done = inside.run(NEXY, *words, check=False, timeout=240)
    assert done.returncode == 0, f"nexy-tui {shlex.join(words)}: {done.returncode}\n{done.stdout[-1500:]}\n{done.stderr[-3000:]}"
    return done.stdout + done.stderr


@pytest.mark.parametrize(("kind", "moment", "way"), EVERY)
def test_killed_there_each_way_out_is_accepted(bench: Bench, tmp_path: Path, kind: str, moment: str, way: str) -> None:
    inside, version = bench.take()
    before = agreed(inside)
    log = left(inside, str(version), kind, moment, tmp_path / "said")
    run = log.name.partition(".")[0]
    if way == RESUME:
        ended = release(inside, "--resume", run)
        assert (ended.exit, ended.document["outcome"]) == (0, "verified"), ended.said
    elif way == PUBLISH:
        did(inside, "publish", "--yes")
        did(inside, "deploy", f"v{version}", "--yes")
    elif way == ROLLBACK:
        did(inside, "rollback", "--yes")
    elif way == RECOVER:
        assert named(did(inside, "publish", "--recover", "--yes"))[-1] == f"release --resume {run}"
        ended = release(inside, "--resume", run)
        assert (ended.exit, ended.document["outcome"]) == (0, "verified"), ended.said
    else:
        did(inside, "runs", "close", run)
    assert agreed(inside) == (before if way in (ROLLBACK, CLOSE) else str(version))
    if way == ROLLBACK:
        did(inside, "runs", "close", run)
    if kind == "full" and way in (RESUME, RECOVER):
        assert_released(inside, version)
    bench.whole = way not in (CLOSE, ROLLBACK)


@pytest.mark.exhaustive
def test_a_way_back_takes_the_version_from_the_log_where_version_says_another(bench: Bench, tmp_path: Path) -> None:
    inside, version = bench.take()
    before = agreed(inside)
    left(inside, str(version), "update-only", "between the swap and the branch", tmp_path / "said")
    inside.git("checkout", "--", "VERSION")
    refused = inside.run(NEXY, "rollback", "--yes", check=False, timeout=240)
    assert refused.returncode == 1 and f"VERSION does not say {version} yet" in refused.stderr, refused.stderr
    told = re.search(r"nexy-tui (bump [\d.]*\d)", refused.stderr)
    assert told is not None, refused.stderr
    did(inside, *told[1].split())
    did(inside, "rollback", "--yes")
    assert agreed(inside) == before


TROUBLES = (
    seldom("update-only", "push-rejected", "publish.asset", RESUME),
    seldom("full", "download-other-bytes=final", "publish.asset", RESUME),
    seldom("full", "service-down", "deploy.service", ROLLBACK),
    seldom("update-only", "service-down", "deploy.service", RESUME),
    seldom("update-only", "deploy-exit-123=manifests", "deploy.manifests", ROLLBACK),
    seldom("full", "deploy-exit-123=restart", "deploy.health", RESUME),
    seldom("full", "wheel-broken", "deploy.config", RESUME),
)


@pytest.mark.parametrize(("kind", "fault", "item", "way"), TROUBLES)
def test_failed_there_what_it_names_is_accepted_once_the_trouble_is_over(
    make_world: MakeWorld, kind: str, fault: str, item: str, way: str
) -> None:
    inside = make_world()
    before = agreed(inside)
    name, _, parameter = fault.partition("=")
    inside.fault(name, True, parameter or None)
    ended = release(inside, inside.world.next, "--kind", kind)
    assert (ended.exit, ended.document["stopped_by"], ended.item(item)["status"]) == (1, item, "failed"), ended.said
    inside.fault(name, False)
    (command,) = {command for command in named(ended.said) if command.startswith(way)}
    words = shlex.split(command)
    if way == RESUME:
        gone_on = release(inside, *words[1:])
        assert (gone_on.exit, gone_on.document["outcome"]) == (0, "verified"), gone_on.said
    else:
        did(inside, *words, "--yes")
    assert agreed(inside) == (before if way == ROLLBACK else inside.world.next)


@pytest.mark.exhaustive
@pytest.mark.parametrize("since", ["the next image", "no image", "no database"])
@pytest.mark.parametrize("way", [RESUME, ROLLBACK, "deploy"])
def test_what_only_publishing_needs_bars_no_way_out_after_the_swap(make_world: MakeWorld, since: str, way: str) -> None:
    inside = make_world()
    before = agreed(inside)
    inside.fault("deploy-exit-123")
    refused = release(inside, inside.world.next, "--kind", "update-only")
    inside.fault("deploy-exit-123", on=False)
    assert refused.exit == 1, refused.said
    if since == "no database":
        inside.fault("database-down")
    elif since == "no image":
        (inside.world.checkout_layout.inbox / DMG).unlink()
    else:
        worlds.build(inside.world, "1.6.1.99", (DMG,))
    if way == RESUME:
        ended = release(inside, "--resume", refused.id)
        stopped = (3, "final.backup") if since == "no database" else (1, "final.inbox")
        assert (ended.exit, ended.document["stopped_by"]) == stopped, ended.said
    else:
        did(inside, *(("deploy", f"v{inside.world.next}") if way == "deploy" else (way,)), "--yes")
    assert agreed(inside) == (before if way == ROLLBACK else inside.world.next)
    if way == RESUME:
        inside.fault("database-down", on=False)
        inside.run("curl", "-sfLo", inside.world.checkout_layout.inbox / DMG, inside.world.target.asset_url(DMG))
        assert release(inside, "--resume", refused.id).document["outcome"] == "verified"


def test_a_clone_of_depth_one_is_told_to_be_deepened_before_anything_is_done(make_world: MakeWorld) -> None:
    inside = make_world()
    world, checkout = inside.world, inside.checkout
    git, bare = inside.git, world.bare(CODE)
    tip = git("rev-parse", "HEAD")
    (checkout / ".git/shallow").write_text(f"{tip}\n")
    done = inside.run(NEXY, "check", "version.branch", "--json", check=False)
    (item,) = json.loads(done.stdout)["items"]
    assert (done.returncode, item["status"]) == (1, "failed") and "shallow" in item["summary"]
    command = re.search(r"git fetch --unshallow \S+", item["remedy"])
    assert command is not None, item
    inside.run(*command[0].split())
    assert inside.run(NEXY, "check", "version.branch", check=False).returncode == 0
    assert git("rev-list", "--count", "HEAD") == git("rev-list", "--count", "main", cwd=bare)


@pytest.mark.exhaustive
@pytest.mark.parametrize("annotated", [True, False])
def test_a_tag_that_is_here_alone_goes_as_told_and_the_same_version_is_released(make_world: MakeWorld, annotated: bool) -> None:
    inside = make_world()
    version = inside.world.next
    inside.git("tag", *(("-a", "-m", "by hand") if annotated else ()), f"v{version}", "HEAD")
    ended = release(inside, version)
    assert (ended.exit, ended.document["stopped_by"], ended.item("version.number")["status"]) == (1, "version.number", "failed"), ended.said
    told = re.search(r"git tag -d \S+\d", ended.item("version.number")["remedy"])
    assert told is not None, ended.said
    inside.run(*told[0].split())
    gone_on = release(inside, "--resume", ended.id)
    assert (gone_on.exit, gone_on.document["outcome"]) == (0, "verified"), gone_on.said
    assert_released(inside, version)


IN_BETWEEN = """{first}
[ -e {done} ] && exit 0
touch {done}; export GIT_ALLOW_PROTOCOL=file:https; cd {folder} && unset $(git rev-parse --local-env-vars)
git clone -q {bare} theirs && cd theirs && echo theirs > notes.txt && git add notes.txt
git -c user.name=Bot -c user.email=b@x -c core.hooksPath= commit -qm 'A change' && git push -q origin HEAD:main"""


@pytest.mark.parametrize(
    ("name", "first", "item"),
    [seldom("post-commit", "", "version.branch"), seldom("pre-push", "grep -q refs/tags/v || exit 0", "publish.pushed")],
)
def test_a_hook_that_pushes_in_between_is_followed_by_the_advice_to_the_same_version(
    make_world: MakeWorld, tmp_path: Path, name: str, first: str, item: str
) -> None:
    inside = make_world()
    script = IN_BETWEEN.format(first=first, done=tmp_path / "done", folder=tmp_path, bare=inside.world.bare(CODE))
    with hook_of_ours(inside, tmp_path, name, script):
        ended = release(inside, inside.world.next)
        assert (ended.exit, ended.document["stopped_by"]) == (1, item), ended.said
        assert "git pull --rebase --autostash" in ended.said, ended.said
        inside.git("pull", "--quiet", "--rebase", "--autostash")
        gone_on = release(inside, "--resume", ended.id)
    assert (gone_on.exit, gone_on.document["outcome"]) == (0, "verified"), gone_on.said
    assert_released(inside, inside.world.next)
    assert "theirs" in inside.git("show", "main:notes.txt", cwd=inside.world.bare(CODE))
