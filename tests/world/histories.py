"""Histories of releases: what an operator tries one after the other, what meets it, and what it came to as seen from outside."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import signal
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import CompletedProcess

import forked
import psutil
from conftest import Inside
from driving import HEADLESS, outside
from hypothesis import strategies as st
from leaving import logs, named, offered
from meeting import Trouble, attributes, colleague, gpg_that_fails, says_no
from striking import FAILING, HOLDING, gone, guards, late, length, rows, strike, strikes

from nexy_tui.core.target import DMG
from nexy_tui.core.version import Version
from nexy_tui.rehearsal import world as worlds
from nexy_tui.rehearsal.names import CODE

MARK = "past the point of no return"
PUSHED = "Manifest changes pushed to remote"
PATIENCE = 120.0

FAULTS = (
    *(
        "upload-502=1",
        "upload-502",
        "upload-drop=1",
        "upload-drop",
        "rename-404-once",
        "download-other-bytes",
        "download-other-bytes=final",
    ),
    *("download-stale-once", "rate-limited=2", "push-rejected", "token-invalid", "token-without-scope", "missing-tag", "immutable-release"),
    *("dmg-truncated", "dmg-other-version", "branch-rule"),
)
"""There from the beginning of a step to its end."""

AT_THE_SWAP = (
    *("branch-rule", "push-rejected", "token-invalid", "service-down", "server-down"),
    *("deploy-exit-123=fetch", "deploy-exit-123=checkout", "deploy-exit-123=manifests", "deploy-exit-123=restart"),
)
"""That come when all has been looked at; a deploy that fails at one of its steps is half done."""

MET = ("gpg", "pre-commit", "pre-push", "eol=crlf", "race")
"""What a commit or a push meets: a signing program or a hook that says no, an attribute, a colleague who pushes at the swap."""

READERS = ("leaves", "stops")
"""What whoever reads the output does at the swap."""


@dataclass(frozen=True)
class Step:
    """Something that is tried, and what meets it: nothing, `fault NAME[=PARAMETER]`, `late FAULT`, `meets WHAT`, `reader WHAT`,
    `signal NAME[ later]` (at the swap, or when the manifests are pushed), `strike AT SORT` (a request that goes wrong), or
    `kill AT SORT[ alone]` (killed while a request is held)."""

    verb: str
    trouble: str = ""
    kind: str = "update-only"

    @property
    def told(self) -> str:
        """For counting."""
        sort, _, rest = self.trouble.partition(" ")
        return f"{self.verb}, {sort} {rest.partition(' ')[2] if sort in ('strike', 'kill') else rest}".rstrip(" ,")


_moments = st.one_of(
    st.sampled_from(["PATCH1", "PATCH2", "PATCH3", "POST1", "POST2", "POST5", "POST9", "POST12", "DELETE1"]), st.integers(1, 90).map(str)
)
_troubles = st.one_of(
    st.just(""),
    st.sampled_from(FAULTS).map("fault {}".format),
    st.sampled_from(AT_THE_SWAP).map("late {}".format),
    st.sampled_from(MET).map("meets {}".format),
    st.sampled_from(READERS).map("reader {}".format),
    st.sampled_from(["HUP", "INT", "TERM", "HUP later", "INT later"]).map("signal {}".format),
    st.builds("strike {} {}".format, _moments, st.sampled_from(FAILING)),
    st.builds("kill {} {}{}".format, _moments, st.sampled_from(HOLDING), st.sampled_from(["", " alone"])),
)
_releases = st.builds(Step, st.just("release"), _troubles, st.sampled_from(["update-only", "update-only", "full"]))
_others = st.one_of(
    st.builds(Step, st.sampled_from(["rollback", "publish", "resume"]), _troubles),
    st.builds(Step, st.sampled_from(["resume", "recover", "deploy"])),
)
histories = st.tuples(_releases, st.lists(st.one_of(_releases, _others), max_size=2)).map(lambda parts: (parts[0], *parts[1]))
"""A release, which something meets, and what an operator may then try."""


@dataclass
class Story:
    """One history as it is told in a world where download, manifests, branch and live server agree at its beginning."""

    inside: Inside
    counts: Counter[str] = field(default_factory=Counter)
    known: dict[str, str] = field(default_factory=dict)
    """Every version's digest."""
    said: str = ""
    """By what was tried last."""
    version: Version = field(init=False)
    run: str = ""
    """The release that was begun last."""

    def __post_init__(self) -> None:
        self.version = Version.parse(self.inside.world.previous)

    def tell(self, history: tuple[Step, ...]) -> None:
        """Try each step; then end whatever is open by what is named, and look from outside."""
        world = self.inside.world
        since, before = length(world.log / "assets.jsonl"), self.inside.git("rev-parse", "main", cwd=world.bare(CODE))
        self.said = ""
        begun = offered(self.inside)
        assert begun, "it begins in agreement"
        self.known[begun] = outside(self.inside).download or ""
        for step in history:
            how = self._tried(step)
            self.counts[f"{step.told}: {how}"] += 1
            self._assert_told(step, how)
        self._end()
        assert offered(self.inside), f"{history}: {outside(self.inside)}"
        self._assert_every_moment_whole(since)
        self._assert_pushed_true(before)
        self.counts["histories"] += 1

    def _tried(self, step: Step) -> str:
        """What became of it: `done`, `refused` or `killed`."""
        words, known = self._words(step), logs(self.inside)
        done = self._meeting(step.trouble, words)
        assert gone(guards(), within=60)
        assert "ghp_" not in done.stdout + done.stderr
        if new := logs(self.inside) - known:
            self.run = max(new).name.partition(".")[0] if step.verb == "release" else self.run
        self.said = done.stderr if done.returncode >= 0 else ""  # Who was killed names nothing: closing what is left does.
        if step.trouble.startswith("reader"):  # Whoever heard nothing looks.
            looked = self.inside.run("nexy-tui", "verify", check=False)
            self.said += looked.stdout + looked.stderr
        return "killed" if done.returncode < 0 else "done" if done.returncode == 0 else "refused"

    def _words(self, step: Step) -> list[str]:
        match step.verb:
            case "release":
                self.version = self.version.next_build()
                worlds.build(self.inside.world, str(self.version), (DMG,))
                self.known[str(self.version)] = hashlib.sha256((self.inside.world.checkout_layout.inbox / DMG).read_bytes()).hexdigest()
                return ["release", str(self.version), "--kind", step.kind, *HEADLESS]
            case "resume":
                return ["release", "--resume", self.run or "none", *HEADLESS]
            case "deploy":
                return ["deploy", f"v{self.version}", "--yes", "--json"]
            case "recover":
                return ["publish", "--recover", "--yes", "--json"]
            case verb:
                return [verb, "--yes", "--json"]

    def _meeting(self, trouble: str, words: list[str]) -> CompletedProcess[str]:
        """The command, and what meets it."""
        inside, (sort, _, what) = self.inside, trouble.partition(" ")
        match sort:
            case "signal":
                name, _, later = what.partition(" ")
                return self._run(words, at_the_mark(lambda child: os.kill(child, signal.Signals[f"SIG{name}"]), PUSHED if later else MARK))
            case "late":
                with ExitStack() as stack:
                    return self._run(words, at_the_mark(lambda _: stack.enter_context(inside.faulty(what))))
            case "meets" if what == "race":
                with brought_on(inside):
                    return self._run(words, at_the_mark(lambda child: race(inside, child)))
            case "reader":
                with ExitStack() as stack:
                    heard: list[bytes] = []
                    done = self._run(words, lambda _, said: read_to_the_mark(said, stack, heard, leaves=what == "leaves"), pipe=True)
                    return CompletedProcess(done.args, done.returncode, done.stdout, b"".join(heard).decode())
            case "kill":
                return self._killed(words, *what.split())
        met_by = {"fault": Inside.faulty, "meets": met, "strike": struck}
        with met_by[sort](inside, what) if sort else nullcontext():
            return self._run(words)

    def _run(
        self, words: list[str], meanwhile: Callable[[int, Path], object] = lambda *_: None, *, pipe: bool = False
    ) -> CompletedProcess[str]:
        inside = self.inside
        return forked.run(words, cwd=inside.checkout, env=inside.environ, timeout=PATIENCE * 2, meanwhile=meanwhile, pipe=pipe)

    def _killed(self, words: list[str], at: str, how: str, alone: str = "") -> CompletedProcess[str]:
        """SIGKILL to the one process once a request of its is held, and what it had begun let go; nothing where it ends before."""
        account = strikes(self.inside)
        since = length(account)
        with strike(self.inside, at, how) as let_go:

            def kill(child: int, _: Path) -> None:
                if not until(lambda: length(account) > since or not lives(child)) or not lives(child):
                    return
                left = guards(child)
                for guard in left if alone else ():
                    guard.kill()
                os.kill(child, signal.SIGKILL)
                let_go()
                assert gone(left, within=60)
                if how == "hold-late":
                    late(account, since)

            return self._run(words, kill)

    def _assert_told(self, step: Step, how: str) -> None:
        """A success is one from outside too; whatever else leaves what does not agree names a way out."""
        now = offered(self.inside)
        if how == "done" and step.verb in ("release", "resume", "rollback"):
            assert now, self.said
        if how == "done" and step.verb == "release":
            assert now == str(self.version)
        if not now:
            self.counts["ends that disagree"] += 1
            assert how == "killed" or named(self.said), self.said
        if MARK in self.said and step.trouble.startswith("reader"):
            assert how == "done", "whoever reads, or does not, changes nothing"

    def _end(self) -> None:
        """Each open run is ended by one command that is named: closing it, or what closing names where customers wait."""
        if not offered(self.inside) and (last := [way for way in named(self.said) if not way.startswith("runs close")]):
            self._accepted(last[-1])
        for run in self._open():
            done = self.inside.run("nexy-tui", "runs", "close", run, check=False)
            if done.returncode:
                (way, *_) = [way for way in named(done.stderr) if not way.startswith("runs close")] or [done.stderr]
                self._accepted(way)
                self.inside.run("nexy-tui", "runs", "close", run)

    def _accepted(self, way: str) -> None:
        words = way.split()
        done = self.inside.run("nexy-tui", *words, *(HEADLESS if words[0] == "release" else ["--yes"]), check=False, timeout=240)
        seen_through = done.returncode == 0 or '"stopped_by": "final.inbox"' in done.stdout  # The next release's image lies there by now.
        assert seen_through, f"nexy-tui {way}: {done.returncode}\n{done.stderr[-4000:]}\n--- before:\n{self.said[-4000:]}"
        self.counts[f"ended by: {' '.join(words[:2] if words[0] == 'release' else words[:1])}"] += 1
        if not offered(self.inside) and (then := [way for way in named(done.stdout + done.stderr) if way.startswith("deploy")]):
            self._accepted(then[-1])

    def _open(self) -> list[str]:
        """Every run that is not sealed, the newest first."""
        listed = json.loads(self.inside.run("nexy-tui", "runs", "list", "--json").stdout)["runs"]
        return sorted((run["run"] for run in listed if run["looks"] in ("open", "torn")), reverse=True)

    def _assert_every_moment_whole(self, since: int) -> None:
        """A whole file of a release stood at the URL at every moment but between two renames, and none was sent twice."""
        states = [row["assets"]["Update"] for row in rows(self.inside.world.log / "assets.jsonl", max(since - 1, 0))]
        digests = {f"sha256:{sha256}" for sha256 in self.known.values()}
        for now in states:
            if DMG in now:
                assert now[DMG][1] == "uploaded" and now[DMG][3] in digests, now
            else:
                assert [name for name, asset in now.items() if name != DMG and asset[1] == "uploaded" and asset[3] in digests], now
        sent = {(asset[3], asset[0]) for state in states for asset in state.values() if asset[1] == "uploaded"}
        assert max(Counter(digest for digest, _ in sent).values(), default=1) == 1, "the same bytes were sent twice"

    def _assert_pushed_true(self, before: str) -> None:
        """Every manifest on the branch since names its own version's bytes."""
        inside, bare = self.inside, self.inside.world.bare(CODE)
        for commit in inside.git("rev-list", f"{before}..main", cwd=bare).split():
            stated = json.loads(inside.git("show", f"{commit}:server/updates/manifests/manifest.json", cwd=bare))
            assert stated["artifact"]["sha256"] == self.known[stated["version"]], stated


@contextmanager
def struck(inside: Inside, what: str) -> Iterator[None]:
    """While a request goes wrong."""
    at, how = what.split()
    with strike(inside, at, how):
        yield


@contextmanager
def met(inside: Inside, what: str) -> Iterator[None]:
    """What a commit or a push meets meanwhile."""
    folder = inside.home / f"met-{uuid.uuid4().hex}"
    meets: Trouble = gpg_that_fails if what == "gpg" else says_no(what)
    with attributes(inside, f"*.json text {what}") if what.startswith("eol") else meets(inside, folder):
        yield


@contextmanager
def brought_on(inside: Inside) -> Iterator[None]:
    """Afterwards the checkout is brought onto the branch."""
    try:
        yield
    finally:
        inside.git("pull", "--quiet", "--rebase", "--autostash", "origin", "main")


def race(inside: Inside, child: int) -> None:
    """A colleague pushes while the process stands still."""
    folder = inside.home / f"race-{uuid.uuid4().hex}"
    os.kill(child, signal.SIGSTOP)
    try:
        colleague(inside, folder, "notes.txt", f"{folder.name}\n")
    finally:
        os.kill(child, signal.SIGCONT)


def until(seen: Callable[[], bool], within: float = PATIENCE) -> bool:
    """Whether something came to be in that many seconds."""
    end = time.monotonic() + within
    while not seen() and time.monotonic() < end:
        time.sleep(0.01)
    return seen()


def lives(child: int) -> bool:
    """Whether a process has not ended."""
    try:
        return psutil.Process(child).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def at_the_mark(then: Callable[[int], object], mark: str = MARK) -> Callable[[int, Path], None]:
    """What happens when a process says that it is there; nothing where it ends before."""

    def watch(child: int, said: Path) -> None:
        until(lambda: mark in said.read_text() or not lives(child))
        if mark in said.read_text():
            then(child)

    return watch


def read_to_the_mark(said: Path, stack: ExitStack, heard: list[bytes], *, leaves: bool) -> None:
    """Read a pipe up to the swap, or its end; then leave, or read no more."""
    reading = os.open(said, os.O_RDONLY)
    if sys.platform == "linux":
        fcntl.fcntl(reading, fcntl.F_SETPIPE_SZ, 4096)
    while MARK.encode() not in b"".join(heard[-4:]) and (piece := os.read(reading, 256)):
        heard.append(piece)
    if leaves:
        os.close(reading)
    else:
        stack.callback(os.close, reading)
