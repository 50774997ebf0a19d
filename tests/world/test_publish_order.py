"""The publish's order: what can fail has failed before the first rename, and after the swap only the branch's ref moves."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from conftest import Inside, seldom
from meeting import Listening, Trouble, attributes, colleague, configured, gpg_that_fails, hook, says_no
from publishing import MANIFESTS, Killed, Mortal, Publisher, assert_published, unseen
from striking import in_place

from nexy_tui.actions.publish import Publish
from nexy_tui.actions.rollback import Recover, Rollback
from nexy_tui.core.event import Exposure
from nexy_tui.core.kind import Kind
from nexy_tui.core.problem import ActionFailed, Problem, Refused
from nexy_tui.rehearsal.names import CODE


def bare(work: Publisher, *words: str) -> str:
    return work.inside.git(*words, cwd=work.inside.world.bare(CODE))


def prepared(work: Publisher) -> list[str]:
    return bare(work, "for-each-ref", "--format=%(refname)", "refs/nexy/prepared").split()


def dirty(work: Publisher) -> str:
    """What of the release's own files differs from HEAD."""
    return work.inside.git("status", "--porcelain", "--untracked-files=no", "--", *MANIFESTS, "VERSION", "notes.txt")


def untouched(work: Publisher) -> tuple[object, ...]:
    """What a publish that fails before its swap leaves as it was: clients' file, the branches there and here, every file here."""
    git = work.inside.git
    here = git("rev-parse", "HEAD"), git("symbolic-ref", "HEAD"), git("status", "--porcelain", "--untracked-files=all")
    return (
        in_place(work.inside),
        bare(work, "rev-parse", "main"),
        here,
        sorted(path.name for path in (work.inside.checkout / ".git").iterdir()),
    )


def brings_more(inside: Inside, folder: Path) -> AbstractContextManager[None]:
    return hook(inside, folder, "pre-commit", "echo x > built.txt; git add built.txt; rm -f built.txt")


def formats(inside: Inside, folder: Path) -> AbstractContextManager[None]:
    body = f"echo >> {MANIFESTS[0]}/manifest.json; git add {MANIFESTS[0]}/manifest.json"
    return hook(inside, folder, "pre-commit", body)


def refuses_manifests(inside: Inside, folder: Path) -> AbstractContextManager[None]:
    """Which pushes of anything else pass."""
    says_no = "{ echo 'not these manifests' >&2; exit 1; }"
    body = f"while read -r _ oid _; do git log -1 --format=%s $oid | grep -q '^Update manifest' && {says_no}; done; exit 0"
    return hook(inside, folder, "pre-push", body)


def marked(line: str) -> Trouble:
    return lambda inside, _: attributes(inside, line)


@contextmanager
def filtered(inside: Inside, _: Path) -> Iterator[None]:
    with configured(inside, ("filter.upper.clean", "tr a-z A-Z")), attributes(inside, "manifest*.json filter=upper"):
        yield


STOPPED = (
    pytest.param(gpg_that_fails, Problem, "gpg failed to sign", "signing key", id="gpg"),
    pytest.param(says_no("pre-commit"), Problem, "of the team says no", "", id="pre-commit"),
    pytest.param(says_no("commit-msg"), Problem, "of the team says no", "", id="commit-msg", marks=pytest.mark.exhaustive),
    pytest.param(says_no("pre-push"), Problem, "of the team says no", "", id="pre-push"),
    pytest.param(refuses_manifests, Problem, "not these manifests", "", id="a pre-push that reads", marks=pytest.mark.exhaustive),
    pytest.param(brings_more, Refused, "would bring built.txt along", "", id="a hook that adds", marks=pytest.mark.exhaustive),
    pytest.param(
        formats, Refused, "in other bytes than were written", "check-attr", id="a hook that formats", marks=pytest.mark.exhaustive
    ),
    pytest.param(marked("*.json text eol=crlf"), Refused, "eol=crlf", "-text", id="eol=crlf"),
    pytest.param(marked("*.json working-tree-encoding=UTF-16"), Problem, "", "", id="encoding", marks=pytest.mark.exhaustive),
    pytest.param(filtered, Refused, "in other bytes than were written", "check-attr", id="filter", marks=pytest.mark.exhaustive),
)


@pytest.mark.parametrize(("trouble", "kind", "said", "remedy"), STOPPED)
@pytest.mark.parametrize("release", [Kind.UPDATE_ONLY, seldom(Kind.FULL)])
def test_what_a_commit_or_push_can_fail_at_stops_before_the_swap(
    work: Publisher,
    tmp_path: Path,
    trouble: Trouble,
    kind: type[Problem],
    said: str,
    remedy: str,
    release: Kind,
) -> None:
    work.kind = release
    work.services.layout.version_file.write_text(f"{work.version}\n")
    with trouble(work.inside, tmp_path):
        before = untouched(work)
        with pytest.raises(kind, match=said) as raised:
            work.do(Publish())
        assert raised.value.exit_code == 1 and raised.value.remedy and remedy in str(raised.value.remedy)
        assert untouched(work) == before and prepared(work) == [] and work.intents == []
    work.do(Publish())
    assert_published(work)


def test_at_the_first_rename_the_commit_waits_aside_and_then_only_the_ref_moves(work: Publisher) -> None:
    tip, seen = bare(work, "rev-parse", "main"), list[str]()

    def look() -> None:
        assert bare(work, "rev-parse", "main") == tip == work.inside.git("rev-parse", "main")
        assert prepared(work) == ["refs/nexy/prepared/run"] and not dirty(work)
        seen.append(bare(work, "rev-parse", "refs/nexy/prepared/run"))

    work.events = Listening(look)
    work.do(Publish())
    assert seen == [bare(work, "rev-parse", "main")] == [work.inside.git("rev-parse", "main")], "just that commit, here too"
    assert prepared(work) == [] and not dirty(work)
    assert bare(work, "log", "-1", "--format=%s", "main") == f"Update manifest for {work.version} (Production)"
    assert_published(work)


def test_a_branch_that_moves_meanwhile_gets_the_same_blobs_on_its_new_tip(work: Publisher, tmp_path: Path) -> None:
    work.events = Listening(lambda: colleague(work.inside, tmp_path, "notes.txt", "theirs\n"))
    work.do(Publish())
    assert [event.open for event in work.events if isinstance(event, Exposure)] == [True]
    assert_published(work)
    assert bare(work, "log", "-2", "--format=%s", "main").split("\n") == [f"Update manifest for {work.version} (Production)", "A change"]
    assert bare(work, "show", "main:notes.txt") == "theirs" == (work.inside.checkout / "notes.txt").read_text().strip()
    assert work.inside.git("rev-parse", "main") == bare(work, "rev-parse", "main") and prepared(work) == []
    assert not dirty(work)


def test_a_branch_whose_manifests_were_changed_meanwhile_puts_the_names_back(work: Publisher, tmp_path: Path) -> None:
    before, path = in_place(work.inside), f"{MANIFESTS[0]}/manifest.json"
    was = bare(work, "show", f"main:{path}")
    work.events = Listening(lambda: colleague(work.inside, tmp_path, path, json.dumps({**json.loads(was), "channel": "theirs"})))
    try:
        with pytest.raises(
            ActionFailed, match=r"has moved meanwhile: .*“A change” by Colleague, \S+, and \S+manifest.json is another"
        ) as raised:
            work.do(Publish())
        assert "back in place" in raised.value.why and "git pull --rebase" in str(raised.value.remedy)
        assert (in_place(work.inside) or [])[3:] == (before or [])[3:] and prepared(work) == []
        assert bare(work, "log", "-1", "--format=%s", "main") == "A change"
        assert [event.open for event in work.events if isinstance(event, Exposure)] == [True, False]
    finally:
        work.inside.git("pull", "--quiet", "--rebase", "--autostash", "origin", "main")
    work.events = []
    work.do(Publish())
    assert_published(work)


def cut_off(work: Publisher) -> None:
    """A publish killed once the swap is made and before the branch moves."""
    with pytest.MonkeyPatch.context() as patch:
        mortal = Mortal(patch)
        steps = list[str]()
        work.events = Listening(lambda: steps.extend(mortal.seen))
        work.do(Publish())
        pushes = [step for step in mortal.seen if step == "git push"]
    work.deploy()
    work.version = unseen()
    work.lay()
    work.events = []
    with pytest.MonkeyPatch.context() as patch:
        Mortal(patch, at=len(pushes), lost="request", of="git push")
        with pytest.raises(Killed):
            work.do(Publish())
    work.services.github.close()
    assert prepared(work) == ["refs/nexy/prepared/run"]


def test_a_run_that_goes_on_takes_the_commit_that_waits_without_asking_a_hook_again(work: Publisher, tmp_path: Path) -> None:
    cut_off(work)
    waiting = bare(work, "rev-parse", "refs/nexy/prepared/run")
    with says_no("pre-commit")(work.inside, tmp_path):
        work.do(Publish())
    assert bare(work, "rev-parse", "main") == waiting and prepared(work) == []
    assert_published(work)


@pytest.mark.parametrize("way", [Rollback, seldom(Recover)])
def test_the_ways_back_take_the_waiting_commit_away(work: Publisher, way: type[Rollback | Recover]) -> None:
    cut_off(work)
    work.do(way())
    assert prepared(work) == []
