"""Nothing of a checkout is imported or executed: a trap under every name that could be, in the checkout and on every search path."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import forked
import pytest
from command_tree import EVERY
from conftest import Inside, MakeWorld
from driving import outside
from recording import POSTGRESQL, PROGRAMS
from tmux import terminal

from nexy_tui.fixers import TROUBLES

ONLY_ON_A_MAC = {"hdiutil", "codesign", "spctl", "xcrun", "pkgutil", "sysctl", "security"}
OTHERS = {"initdb", "postgres", "nexy-tui", "git-remote-https", "ssh-keygen", "less", "vi"}
EXECUTABLES = sorted({*PROGRAMS, *POSTGRESQL, *ONLY_ON_A_MAC, *OTHERS})
SEARCH = ("", ".", "bin", "./bin")
"""Entries of a search path that lead into the folder one stands in."""

SAMPLE = ("check --all --vm", "publish --dry-run", "db backup --yes")
SERVED = {"rehearse", "world up no-world"}


def modules() -> set[str]:
    """Every top-level name that can be imported here: the standard library's, ours, and everything that is installed."""
    ours = {"nexy_tui", "screens", "checks", "sitecustomize", "usercustomize"}
    return {name for name in {*sys.stdlib_module_names, *packages_distributions(), *ours, *sys.modules} if name.isidentifier()}


def trap(checkout: Path, marks: Path) -> None:
    """A mark is left by each that is imported or run, with the folder it happened in."""
    marks.mkdir(exist_ok=True)
    leave = "import os, sys\nwith open({mark!r}, 'a') as stream:\n    stream.write(os.getcwd() + ' ' + ' '.join(sys.orig_argv) + chr(10))\n"
    for name in modules():
        (checkout / f"{name}.py").write_text(leave.format(mark=str(marks / f"{name}.py")))
    for name in ("nexy_tui", "screens", "checks"):
        (checkout / name).mkdir()
        for part in ("__init__", "__main__"):
            (checkout / name / f"{part}.py").write_text(leave.format(mark=str(marks / f"{name}.{part}")))
    (checkout / "trap.pth").write_text(f"import os; open({str(marks / 'pth')!r}, 'a').close()\n")
    (checkout / "bin").mkdir()
    for name in EXECUTABLES:
        for folder in (checkout, checkout / "bin"):
            place = folder / name
            if not place.exists():
                place.write_text(f'#!/bin/sh\necho "$(pwd) $0 $*" >> "{marks}/{name}"\nexit 1\n')
                place.chmod(0o755)


def trapped(inside: Inside, marks: Path) -> None:
    """The traps are pushed by a colleague, and pulled."""
    trap(inside.checkout, marks)
    inside.git("add", "--force", "--all", ".")
    inside.git("commit", "--quiet", "--message", "Handy things")
    inside.git("push", "--quiet", "origin", "HEAD")


def searching(inside: Inside) -> dict[str, str]:
    """A terminal whose search paths lead into the checkout, by every spelling there is."""
    into = [*SEARCH, str(inside.checkout), str(inside.checkout / "bin")]
    return {"PATH": os.pathsep.join([*into, inside.environ["PATH"]]), "PYTHONPATH": os.pathsep.join([*into, *into[:1]])}


def found(inside: Inside, marks: Path) -> dict[str, str]:
    """The traps that something of ours fell into. What the VM does with its own clone is the server's own code."""
    said = {mark.name: [line for line in mark.read_text().splitlines() if str(inside.world.vm) not in line] for mark in marks.iterdir()}
    return {name: lines[0] for name, lines in said.items() if lines}


def test_a_trap_that_is_stepped_on_leaves_its_mark(tmp_path: Path) -> None:
    """What the others rest on."""
    trap(tmp_path, tmp_path / "marks")
    environ = {"PATH": f".:{os.environ['PATH']}"}
    subprocess.run([sys.executable, "-c", "import nexy_tui"], cwd=tmp_path, env=environ, check=False, timeout=60)
    subprocess.run(["git", "status"], cwd=tmp_path, env=environ, check=False, timeout=60)
    assert {"nexy_tui.__init__", "git"} <= {mark.name for mark in (tmp_path / "marks").iterdir()}


@pytest.fixture(scope="module")
def marks(tmp_path_factory: pytest.TempPathFactory, module_world: Inside) -> Path:
    place = tmp_path_factory.mktemp("marks")
    trapped(module_world, place)
    return place


def test_no_trap_of_a_checkout_is_stepped_on(module_world: Inside, marks: Path) -> None:
    inside = module_world
    environ = {**inside.environ, **searching(inside)}
    for line in (*SAMPLE, f"--world {inside.world.dir} verify"):
        done = forked.run(line.split(), cwd=inside.checkout, env=environ, timeout=120)
        assert done.returncode in (0, 1, 3), (line, done.stderr[-1000:])
    elsewhere = inside.world.dir.parent
    absolute = {**environ, "PATH": f"{inside.checkout}:{inside.checkout}/bin:{inside.environ['PATH']}"}
    assert forked.run(["--checkout", str(inside.checkout), "verify"], cwd=elsewhere, env=absolute).returncode in (0, 1, 3)
    assert found(inside, marks) == {}


def test_nor_by_the_wizard(module_world: Inside, marks: Path) -> None:
    inside = module_world
    program = inside.world.home / "bin" / "nexy-tui"
    with terminal(f"{shlex.quote(str(program))}; echo ENDED $?; exec cat", inside.checkout, {**inside.environ, **path_of(inside)}) as hand:
        hand.until("the home screen", lambda now: "Start a release" in now and "Quit" in now)
        hand.type("s")
        hand.until("the start screen", lambda now: "Begin the run" in now and "proposed" in now)
        hand.type("Escape")
        hand.until("home again", lambda now: "Start a release" in now and "Quit" in now)
        hand.type("q")
        hand.until("the end", lambda now: "ENDED" in now)
    assert found(inside, marks) == {}


def path_of(inside: Inside) -> dict[str, str]:
    """The first interpreter is started by whoever types the command: only what it starts itself is ours to keep from PYTHONPATH."""
    return {"PATH": searching(inside)["PATH"]}


@pytest.mark.exhaustive
def test_no_command_at_all_steps_on_one(make_world: MakeWorld, tmp_path: Path) -> None:
    inside = make_world()
    marks = tmp_path / "marks"
    trapped(inside, marks)
    environ = {**inside.environ, **searching(inside)}
    fixes = [f"fix {trouble.name} --yes" for trouble in TROUBLES]
    lines = [line for line in EVERY if line not in SERVED]
    for line in (*lines, "release 1.6.1.43 --headless --auto", "rollback --yes", *fixes, "db drill --yes", "verify --save"):
        forked.run(line.split(), cwd=inside.checkout, env=environ, timeout=240)
        assert found(inside, marks) == {}, line
    assert outside(inside).lock is None


@pytest.mark.exhaustive
def test_nor_a_rehearsal_from_home_or_by_command(make_world: MakeWorld, tmp_path: Path) -> None:
    """In a terminal of no world: home's Rehearse stands a world up, and the wizard opens in it."""
    inside = make_world()
    marks = tmp_path / "marks"
    trapped(inside, marks)
    program = inside.world.home / "bin" / "nexy-tui"
    environ = {**path_of(inside), "HOME": str(inside.home), "LANG": "C.UTF-8", "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
    with terminal(f"{shlex.quote(str(program))}; echo ENDED $?; exec cat", inside.checkout, environ) as hand:
        hand.until("the home screen", lambda now: "Rehearse" in now and "Quit" in now)
        hand.type("e")
        hand.until("the question", lambda now: "Enter a rehearsal" in now)
        hand.type("y")
        hand.until("home inside", lambda now: "REHEARSAL" in now and "Start a release" in now)
        hand.type("q")
        hand.until("the end", lambda now: "ENDED 0" in now)
    assert found(inside, marks) == {}
    done = inside.run(program, "rehearse", "--headless", "--auto", env=path_of(inside), check=False, timeout=400)
    assert (done.returncode, found(inside, marks)) == (0, {}), done.stderr[-1000:]
