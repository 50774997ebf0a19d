"""Git reads and writes the same whatever the operator has configured: every key of git's own list is set, kept or of no matter here."""

from __future__ import annotations

import os
import re
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from nexy_tui.core.event import Emit, Event, OutputLine, silent
from nexy_tui.core.problem import ActionFailed, Cancelled, CouldNotLook
from nexy_tui.core.surroundings import Needs, surroundings
from nexy_tui.core.target import Target
from nexy_tui.services import processes
from nexy_tui.services.git import Git, GitFailure
from nexy_tui.services.git.apart import commit_apart, commit_onto, follow, lying
from nexy_tui.services.git.commands import LOCAL_TIMEOUT
from nexy_tui.services.git.trial import trial

HOSTILE = """
advice.pushUpdateRejected=false advice.statusHints=false advice.detachedHead=false color.ui=always color.advice=always color.branch=always
color.diff=always color.push=always color.remote=always color.status=always color.transport=always color.decorate.tag=red
column.ui=always column.status=always column.tag=always column.branch=always commit.cleanup=strip commit.status=true commit.verbose=true
commit.template=/nowhere/template core.abbrev=no core.bigFileThreshold=1 core.commentChar=R core.editor=false core.fsmonitor=/bin/false
core.ignoreStat=true core.pager=false core.quotePath=true core.safecrlf=true core.autocrlf=true core.useReplaceRefs=true
core.untrackedCache=true core.whitespace=tab-in-indent core.warnAmbiguousRefs=true diff.algorithm=patience diff.colorMoved=zebra
diff.context=9 diff.external=/bin/false diff.ignoreSubmodules=all diff.interHunkContext=50 diff.mnemonicPrefix=true diff.noprefix=true
diff.orderFile=/nowhere/order diff.relative=true diff.renames=copies diff.submodule=log diff.suppressBlankEmpty=true diff.wordRegex=.
diff.wsErrorHighlight=all diff.indentHeuristic=false fetch.output=compact fetch.prune=true fetch.pruneTags=true
fetch.recurseSubmodules=true fetch.writeCommitGraph=true fetch.showForcedUpdates=true format.pretty=raw format.signOff=true
format.notes=true i18n.commitEncoding=ISO-8859-1 i18n.logOutputEncoding=UTF-16 log.abbrevCommit=true log.date=relative log.decorate=full
log.diffMerges=first-parent log.follow=true log.mailmap=true log.showRoot=false log.showSignature=true merge.ff=only pull.rebase=true
push.autoSetupRemote=true push.default=nothing push.followTags=true push.gpgSign=true push.pushOption=ci.skip
push.recurseSubmodules=on-demand push.useForceIfIncludes=true rebase.autoStash=true rerere.enabled=true stash.showPatch=true
status.branch=true status.relativePaths=true status.renames=copies status.short=true status.showStash=true
status.showUntrackedFiles=no status.submoduleSummary=true status.displayCommentPrefix=true status.aheadBehind=false
submodule.recurse=true tag.sort=-version:refname branch.sort=-committerdate trace2.normalTarget=2 transfer.advertiseSID=true
remote.origin.mirror=true remote.origin.prune=true remote.origin.tagOpt=--tags remote.origin.push=refs/heads/*:refs/heads/stray-*
alias.log=show alias.status=diff alias.push=fetch pager.log=false pager.status=false
"""
"""Keys that change what a command run here would print or do. Each is set, and nothing may come of it."""

KEPT = """
author committer user gpg credential credentialCache credentialStore http url protocol ssh remote branch include includeIf extensions safe
filter transfer uploadpack core.hooksPath core.sshCommand core.askPass core.gitProxy core.attributesFile core.excludesFile core.eol
core.symlinks core.fileMode core.ignoreCase core.precomposeUnicode core.protectHFS core.protectNTFS core.sparseCheckout
core.sparseCheckoutCone core.worktree core.bare core.repositoryFormatVersion commit.gpgSign tag.gpgSign tag.forceSignAnnotated index
fetch.fsck fetch.fsckObjects fsck diff.<driver>
"""
"""Sections and keys that are the operator's or the repository's own: who commits, what signs, hooks, filters, the way to the host."""

ELSEWHERE = """
add am apply blame browser bundle checkout clean clone commitGraph completion difftool fastimport feature fsmonitor gc gitcvs gitweb grep
gui guitool help imap init instaweb interactive lsrefs mailinfo mailmap maintenance man merge mergetool notes pack pretty pull rebase
receive remotes repack rerere revert sendemail sequence showBranch sparse splitIndex submodule tar trace2 uploadarchive uploadpackfilter
versionsort web worktree alias pager
advice color.blame color.grep color.interactive color.pager color.showBranch color.decorate color.diff color.branch color.push color.remote
color.status color.transport color.advice column.clean log.excludeDecoration log.graphColors log.initialDecorationSet diff.autoRefreshIndex
diff.colorMovedWS diff.dirstat diff.guitool diff.renameLimit diff.statGraphWidth diff.tool fetch.negotiationAlgorithm fetch.parallel
fetch.unpackLimit format push.negotiate push.useBitmaps stash status.renameLimit core.alternateRefsCommand core.alternateRefsPrefixes
core.checkRoundtripEncoding core.checkStat core.commitGraph core.compression core.createObject core.deltaBaseCacheLimit
core.filesRefLockTimeout core.fsmonitorHookVersion core.fsync core.fsyncMethod core.fsyncObjectFiles core.hideDotFiles
core.logAllRefUpdates core.looseCompression core.multiPackIndex core.notesRef core.packedGitLimit core.packedGitWindowSize
core.packedRefsTimeout core.preferSymlinkRefs core.preloadIndex core.restrictinheritedhandles core.sharedRepository core.splitIndex
core.trustctime core.unsetenvvars
"""
"""Sections and keys of commands that are not run here, of how git stores and speeds up, and of colours, which are off as a whole."""

VARIABLES = """
GIT_DIR=/nowhere GIT_WORK_TREE=/nowhere GIT_INDEX_FILE=/nowhere GIT_OBJECT_DIRECTORY=/nowhere GIT_NAMESPACE=x GIT_CEILING_DIRECTORIES=/
GIT_EXTERNAL_DIFF=/bin/false GIT_DIFF_OPTS=--unified=9 GIT_PAGER=false GIT_EDITOR=false GIT_SEQUENCE_EDITOR=false GIT_TRACE=2
GIT_TRACE_SETUP=2 GIT_TRACE_CURL=2 GIT_TRACE2=2 GIT_TRACE2_EVENT=2 GIT_TRACE2_PERF=2 GIT_LITERAL_PATHSPECS=1 GIT_ICASE_PATHSPECS=1
GIT_NOGLOB_PATHSPECS=1 GIT_GLOB_PATHSPECS=1 GIT_REFLOG_ACTION=x GIT_REF_PARANOIA=0 GIT_NOTES_REF=refs/x GIT_ALLOW_PROTOCOL=file
GIT_DEFAULT_HASH=sha256 GIT_FLUSH=0 GIT_PREFIX=x/ GIT_SHALLOW_FILE=/nowhere GIT_QUARANTINE_PATH=/nowhere GIT_MERGE_VERBOSITY=5
GIT_ATTR_SOURCE=HEAD GIT_CONFIG=/nowhere GIT_CONFIG_PARAMETERS='color.ui=always'
GIT_DISCOVERY_ACROSS_FILESYSTEM=1 GIT_PRINT_SHA1_ELLIPSIS=yes
GIT_NO_LAZY_FETCH=1 GIT_REPLACE_REF_BASE=refs/x LC_ALL=de_DE.UTF-8 LANGUAGE=de LANG=de_DE.UTF-8
"""


class Local(Git):
    """A clone whose code repository is a bare one beside it."""

    lost: str = ""
    """What git says of a push that the host took."""

    def code_remote(self) -> str:
        return "origin"

    def code_source(self) -> str:
        return "origin"

    def raw(self, *arguments: str, timeout: float = 60, emit: Emit = silent, told: Mapping[str, str] | None = None) -> str | GitFailure:
        out = super().raw(*arguments, timeout=timeout, emit=emit, told=told)
        if arguments[0] == "push" and self.lost:
            return GitFailure(128, self.lost)
        return out


def plainly(folder: Path, *arguments: str) -> str:
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder.parent), "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    stamps = {f"GIT_{who}_{what}": text for who in ("AUTHOR", "COMMITTER") for what, text in IDENTITY.items()}
    return subprocess.run(
        ["git", *arguments], cwd=folder, env=environ | stamps, check=True, capture_output=True, text=True, timeout=60
    ).stdout.strip()


IDENTITY = {"NAME": "Ada", "EMAIL": "ada@example.org", "DATE": "2026-01-02T03:04:05Z"}


def clone(folder: Path, settings: str = "", variables: str = "", made: type[Local] = Local) -> Local:
    """A clone with a history, changes and a stray tag, and git as an operator with these settings and variables would run it."""
    folder.mkdir()
    plainly(folder, "init", "-q", "--bare", "-b", "main", "bare.git")
    plainly(folder, "clone", "-q", "bare.git", "work")
    work = folder / "work"
    (work / "VERSION").write_text("1\n")
    (work / "sträng.txt").write_text("a\n" * 40)
    plainly(work, "add", ".")
    plainly(work, "commit", "-qm", "Räelease v1\n\nbody")
    plainly(work, "tag", "-a", "-m", "stray", "stray")
    plainly(work, "push", "-q", "origin", "HEAD:main")
    (work / "moved.txt").write_text((work / "sträng.txt").read_text())
    (work / "sträng.txt").unlink()
    plainly(work, "add", "-A")
    plainly(work, "commit", "-qm", "Second")
    (work / "VERSION").write_text("2\n")
    (work / "new file").write_text("x\n")
    config = folder / "config"
    for setting in settings.split():
        key, _, value = setting.partition("=")
        plainly(folder, "config", "--file", str(config), key, value)
    config.touch()
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}
    environ |= dict(word.split("=", 1) for word in variables.split())
    environ |= {"GIT_CONFIG_GLOBAL": str(config)} | {
        f"GIT_{who}_{what}": text for who in ("AUTHOR", "COMMITTER") for what, text in IDENTITY.items()
    }
    return made(work, Target(), environ)


def everything(git: Local) -> dict[str, object]:
    """All that is read, and what a commit, a tag and a push made."""
    head = git.head()
    first = git.read("rev-list", "--max-parents=0", "HEAD")
    read = {
        "head": (head, git.branch(), git.resolve("stray"), git.has_commit(head), git.ancestor(first, head)),
        "changes": git.changes(),
        "show": git.show(head, "VERSION"),
        "log": (git.last_commit_of(head, ["VERSION"]), git.commit_time(head), git.describe_commit(first)[7:]),
        "between": (git.commits_between(first, head), git.changed_paths(first, head), git.patches(first, head)),
        "uncommitted": git.uncommitted(),
        "files": (git.files_at(head, "sträng.txt", "moved.txt"), git.ignored("new file"), git.has_conflicts(), git.stashes()),
        "remote": (git.remote_refs(), git.may_push(), git.release_branch(), git.remote_commit("main")),
    }
    made = git.commit_files(["VERSION"], "Release v2\n\nRöw of the message")
    git.create_tag("v2", made, "Release v2\nRow")
    git.fetch()
    git.push([f"{made}:refs/heads/main", "refs/tags/v2:refs/tags/v2"])
    raw = plainly(git.checkout, "cat-file", "commit", made)
    return read | {"commit": raw, "tag": plainly(git.checkout, "cat-file", "tag", "v2"), "pushed": git.remote_refs()}


def test_no_setting_and_no_variable_changes_what_is_read_or_written(tmp_path: Path) -> None:
    expected = everything(clone(tmp_path / "plain"))
    found = everything(clone(tmp_path / "hostile", HOSTILE, VARIABLES))
    for name, value in expected.items():
        assert found[name] == value, name
    assert set(found["pushed"]) == {"HEAD", "refs/heads/main", "refs/tags/v2", "refs/tags/v2^{}"}  # type: ignore[call-overload]


@pytest.mark.exhaustive
@pytest.mark.parametrize("setting", HOSTILE.split())
def test_no_setting_by_itself_changes_what_is_read_or_written(tmp_path: Path, setting: str) -> None:
    assert everything(clone(tmp_path / "hostile", setting)) == everything(clone(tmp_path / "plain"))


def test_every_key_of_gits_own_list_is_set_kept_or_of_no_matter() -> None:
    listed = subprocess.run(["git", "help", "--config"], capture_output=True, text=True, check=True, timeout=60).stdout.split()
    keys = [key for key in listed if re.fullmatch(r"[a-z0-9A-Z]+\.\S+", key)]
    assert len(keys) > 500
    known = {setting.partition("=")[0] for setting in HOSTILE.split()} | set(KEPT.split()) | set(ELSEWHERE.split())
    lower = {name.lower() for name in known}

    def is_known(key: str) -> bool:
        parts = key.lower().split(".")
        return any(".".join(parts[:length]) in lower for length in range(1, len(parts) + 1))

    assert [key for key in keys if not is_known(key)] == []


def test_the_operators_own_way_to_the_host_is_kept(tmp_path: Path) -> None:
    said = tmp_path / "said"
    (program := tmp_path / "ssh").write_text(f'#!/bin/sh\necho "$0 $*" >> {said}\nexit 1\n')
    program.chmod(0o755)
    git = clone(tmp_path / "one", f"core.sshCommand={program}")
    git.raw("ls-remote", "git@github-work:Seregawpn/Nexy_server.git")
    assert "git@github-work" in said.read_text()
    other = clone(tmp_path / "two", "core.sshCommand=false", f"GIT_SSH_COMMAND={program}")
    said.unlink()
    other.raw("ls-remote", "git@github-work:Seregawpn/Nexy_server.git")
    assert "git@github-work" in said.read_text()


@pytest.mark.parametrize("url", ["gh-nexy:Seregawpn/Nexy_server.git", "ssh://git@gh-nexy/Seregawpn/Nexy_server"])
def test_an_alias_of_the_operators_ssh_is_the_host_it_stands_for(tmp_path: Path, url: str) -> None:
    (program := tmp_path / "ssh").write_text('#!/bin/sh\n[ "$*" = "-G gh-nexy" ] && echo "hostname github.com" || echo "hostname $2"\n')
    program.chmod(0o755)
    git = clone(tmp_path / "one", f"core.sshCommand={program}")
    plainly(git.checkout, "remote", "add", "ours", url)
    plainly(git.checkout, "remote", "add", "theirs", url.replace("gh-nexy", "gh-other"))
    found = {remote.name: remote.is_for("github.com", "Seregawpn/Nexy_server") for remote in git.remotes()}
    assert found == {"origin": False, "ours": True, "theirs": False}
    without = clone(tmp_path / "two", "core.sshCommand=false")
    plainly(without.checkout, "remote", "add", "ours", url)
    assert not any(remote.is_for("github.com", "Seregawpn/Nexy_server") for remote in without.remotes())


def test_a_push_that_the_host_took_before_the_line_broke_is_pushed(tmp_path: Path) -> None:
    git = clone(tmp_path / "one")
    git.lost = "error: RPC failed; curl 56 Recv failure\nfatal: the remote end hung up unexpectedly"
    seen: list[Event] = []
    git.push(["HEAD:refs/heads/main"], emit=seen.append)
    assert git.remote_commit("main") == git.head()
    assert any(isinstance(event, OutputLine) and "hung up" in event.text for event in seen)


@pytest.mark.parametrize(("gone", "why"), [(False, "Nothing was changed there"), (True, "took it is not known")])
def test_a_refused_push_says_what_is_known_of_it(tmp_path: Path, gone: bool, why: str) -> None:
    git = clone(tmp_path / "one")
    hook = tmp_path / "one/bare.git/hooks/update"
    hook.write_text("#!/bin/sh\necho reason one >&2; echo reason two >&2; echo see https://x:hunter2@host/ >&2; exit 1\n")
    hook.chmod(0o755)
    if gone:
        plainly(git.checkout, "remote", "set-url", "origin", str(tmp_path / "nowhere"))
    with pytest.raises(ActionFailed) as raised:
        git.push(["HEAD:refs/heads/main"])
    assert why in raised.value.why and raised.value.remedy and raised.value.exit_code == 1
    assert gone or all(part in raised.value.what for part in ("reason one", "reason two", "hook declined"))
    assert "hunter2" not in str(raised.value)


def test_dubious_ownership_keeps_gits_advice(tmp_path: Path) -> None:
    git = clone(tmp_path / "one")
    text = (
        "fatal: detected dubious ownership in repository at '/x y'\n"
        "To add an exception for this directory, call:\n\n\tgit config --global --add safe.directory '/x y'\n"
    )
    git.raw = lambda *_, **__: GitFailure(128, text)  # type: ignore[method-assign]
    git.lookup = lambda *_: None  # type: ignore[method-assign]
    with pytest.raises(CouldNotLook) as raised:
        git.head()
    assert "dubious ownership" in raised.value.what and "To add an exception" in raised.value.what
    assert str(raised.value.remedy).endswith("git config --global --add safe.directory '/x y'") and raised.value.exit_code == 3


def test_a_commit_that_is_stopped_leaves_no_lock_of_the_index(tmp_path: Path) -> None:
    git = clone(tmp_path / "one")
    begun = tmp_path / "begun"
    hook = git.checkout / ".git/hooks/pre-commit"
    hook.write_text(f"#!/bin/sh\ntouch {begun}\nexec sleep 60\n")
    hook.chmod(0o755)
    env = surroundings(Needs.GIT, git._environ)
    stopping = threading.Event()
    threading.Thread(target=stop_once, args=(begun, stopping), daemon=True).start()
    with pytest.raises(Cancelled):
        argv = ["git", "commit", "-qm", "x", "--only", "--", "VERSION"]
        processes.run(argv, env=env, cwd=git.checkout, cancelled=stopping.is_set)
    assert begun.exists() and not list((git.checkout / ".git").glob("*.lock"))


def stop_once(path: Path, stopping: threading.Event) -> None:
    while not path.exists():
        time.sleep(0.01)
    stopping.set()


class Hurried(Local):
    """One whose limits all pass fifteen times as fast: an ordinary local command has 4 seconds, and a person 4 minutes."""

    def _run(
        self, arguments: Sequence[str], needs: Needs, told: Mapping[str, str], timeout: float = LOCAL_TIMEOUT, emit: Emit = silent
    ) -> processes.Completed:
        return super()._run(arguments, needs, told, timeout / 15, emit)


def slow_hook(git: Local, name: str) -> None:
    hook = git.checkout / ".git/hooks" / name
    hook.write_text("#!/bin/sh\nsleep 5\n")
    hook.chmod(0o755)


def slow_pinentry(git: Local) -> None:
    (program := git.checkout.parent / "gpg").write_text(
        "#!/bin/sh\nsleep 5\necho '[GNUPG:] SIG_CREATED ' >&2\necho '-----BEGIN PGP SIGNATURE-----'\n"
    )
    program.chmod(0o755)
    for key, value in (("gpg.program", str(program)), ("commit.gpgSign", "true"), ("tag.gpgSign", "true"), ("user.signingKey", "0xAB")):
        plainly(git.checkout, "config", key, value)


def committed(git: Local) -> str:
    return git.commit_files(["VERSION"], "Release v2")


def committed_apart(git: Local) -> str:
    return commit_apart(git, {"VERSION": b"2\n"}, "Release v2")


def committed_onto(git: Local) -> str:
    return commit_onto(git, git.read("rev-parse", "HEAD^"), git.head(), ["moved.txt"])


def tagged(git: Local) -> str:
    git.create_tag("v2", git.head(), "Release v2")
    return git.read("rev-parse", "v2")


def tried(git: Local) -> str:
    with trial(git) as made:
        return made.commit_files([], "Release v2", allow_empty=True)


def pushed(git: Local) -> str:
    assert git.rehearse_push(git.head(), "main") is None
    git.push(["HEAD:refs/heads/main"])
    return git.remote_commit("main")


@pytest.mark.parametrize(
    ("slow", "does"),
    [
        pytest.param(lambda git: slow_hook(git, "pre-commit"), committed, id="hook, commit"),
        pytest.param(slow_pinentry, tagged, id="pinentry, tag"),
        *(
            pytest.param(slow, does, id=name, marks=pytest.mark.exhaustive)
            for name, slow, does in (
                ("hook, apart", lambda git: slow_hook(git, "commit-msg"), committed_apart),
                ("hook, trial", lambda git: slow_hook(git, "pre-commit"), tried),
                ("hook, push", lambda git: slow_hook(git, "pre-push"), pushed),
                ("pinentry, commit", slow_pinentry, committed),
                ("pinentry, apart", slow_pinentry, committed_apart),
                ("pinentry, onto", slow_pinentry, committed_onto),
                ("pinentry, trial", slow_pinentry, tried),
            )
        ),
    ],
)
def test_what_outlasts_the_ordinary_limit_is_waited_for(
    tmp_path: Path, slow: Callable[[Local], None], does: Callable[[Local], str]
) -> None:
    git = clone(tmp_path / "one", made=Hurried)
    slow(git)
    assert does(git)
    assert not list((git.checkout / ".git").glob("*.lock"))


def test_the_branch_follows_to_a_commit_whose_files_lie_there_already(tmp_path: Path) -> None:
    git = clone(tmp_path / "one")
    (git.checkout / "VERSION").write_text("1\n")
    commit = commit_apart(git, {"VERSION": b"3\n", "new.json": b"{}\n", "moved.txt": b"other\n"}, "Update")
    (git.checkout / "VERSION").write_text("3\n")
    (git.checkout / "new.json").write_text("{}\n")
    assert sorted(lying(git, commit)) == ["VERSION", "new.json"]
    follow(git, commit, lying(git, commit))
    assert git.head() == commit and [path for _, path in git.changes()] == ["new file"]


def test_a_lock_that_something_left_is_named_with_the_way_to_remove_it(tmp_path: Path) -> None:
    git = clone(tmp_path / "one")
    (git.checkout / ".git/index.lock").touch()
    with pytest.raises(ActionFailed) as raised:
        git.commit_files(["VERSION"], "Release v2")
    assert f"rm {git.checkout}/.git/index.lock" in str(raised.value.remedy) and "index.lock" in raised.value.what
