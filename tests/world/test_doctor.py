"""`doctor` in a world: all fourteen lines ready; and each of them broken in turn is named with its cure, and no other."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from conftest import Inside, some

from nexy_tui.config import load_settings
from nexy_tui.core.clock import SystemClock
from nexy_tui.engine.doctor import LINES, examine
from nexy_tui.services import Services


def diagnosis(inside: Inside, *words: str, env: dict[str, str] | None = None) -> dict[str, Any]:
    done = inside.run("nexy-tui", "doctor", *words, "--json", check=False, env=env)
    said: dict[str, Any] = json.loads(done.stdout)
    assert said["exit"] == done.returncode and said["lines"] == len(LINES) == 14
    return said


def _config(inside: Inside, text: str) -> dict[str, str]:
    path = inside.home / "config.toml"
    path.write_text(inside.world.config.read_text() + text)
    return {"NEXY_CONFIG": str(path)}


def _no_git(inside: Inside) -> dict[str, str]:
    folder = inside.home / "without-git"
    folder.mkdir(exist_ok=True)
    return {"PATH": str(folder)}


def _empty(inside: Inside, name: str) -> str:
    path = inside.home / name
    path.write_text("")
    return str(path)


def _busy(inside: Inside) -> dict[str, str]:
    inside.fault(BUSY, param="1000")
    return {}


BUSY = "run-command-busy"

BREAKS: dict[str, tuple[Callable[[Inside], dict[str, str]], str]] = {
    "install": (_no_git, "xcode-select --install"),
    "configuration": (lambda inside: _config(inside, "\n[operators]\nid = 1\n"), "Known here:"),
    "operator": (lambda _: {"NEXY_OPERATOR": "two words"}, "NEXY_OPERATOR"),
    "key": (lambda _: {"NEXY_OPERATOR": "bob@example.com"}, "nexy-tui keys create"),
    "trusted": (lambda inside: {"NEXY_ALLOWED_SIGNERS": _empty(inside, "signers")}, "nexy-tui keys use"),
    "git": (lambda _: {"GIT_CONFIG_GLOBAL": "/dev/null"}, "gh auth login"),
    "token": (lambda _: {"GH_TOKEN": "ghp_" + "x" * 36}, "GH_TOKEN"),
    "azure": (lambda _: {"AZURE_CLIENT_SECRET": "wrong-s3cr3t-value"}, "AZURE_CLIENT_SECRET"),
    "vm": (_busy, "who is running a command there"),
    "server": (lambda inside: _config(inside, '\n[target.update_server]\nhost = "elsewhere.invalid"\n'), "target.update_server"),
    "database": (lambda _: {"DB_PORT": "1"}, "PostgreSQL"),
    "programs": (lambda inside: {"NEXY_PG_BIN": str(inside.home), "PATH": "/usr/bin:/bin"}, "NEXY_PG_BIN"),
    "sparkle": (lambda _: {"NEXY_SPARKLE_PRIVATE_KEY": "A" * 43 + "="}, "secrets set sparkle-private-key"),
}


def test_in_a_world_every_line_is_ready(module_world: Inside) -> None:
    said = diagnosis(module_world)
    assert (said["outcome"], said["ready"], said["exit"]) == ("verified", 14, 0), said
    assert [item["id"] for item in said["items"]] == [line.id for line in LINES]
    assert said["origins"]["operator.id"] == "environment NEXY_OPERATOR"
    told = module_world.run("nexy-tui", "doctor").stdout
    assert told.endswith("14 of 14 ready.\n")


def test_offline_nobody_is_asked(module_world: Inside) -> None:
    said = diagnosis(module_world, "--offline", env={"HTTPS_PROXY": "http://127.0.0.1:1", "https_proxy": "http://127.0.0.1:1"})
    asked = {line.id for line in LINES if not line.outside}
    assert (said["outcome"], said["exit"], said["ready"]) == ("verified", 0, len(asked))
    assert {item["id"] for item in said["items"] if item["status"] == "not_run"} == {line.id for line in LINES} - asked


@pytest.mark.parametrize("name", some(BREAKS, ("install", "configuration", "operator", "key", "trusted", "token", "sparkle")))
def test_a_broken_line_is_named_with_its_cure_and_no_other(module_world: Inside, name: str) -> None:
    broken, cure = BREAKS[name]
    try:
        said = diagnosis(module_world, env=broken(module_world))
    finally:
        module_world.fault(BUSY, on=False)
    wrong = {item["id"]: item for item in said["items"] if item["status"] in ("failed", "inconclusive")}
    assert set(wrong) == {name}, json.dumps(said, indent=1)
    assert cure in wrong[name]["remedy"] and said["exit"] in (1, 3)
    waiting = [item for item in said["items"] if item["status"] == "not_run"]
    assert all("first mend" in item["summary"] and not item["remedy"] for item in waiting)


def test_without_7_zip_a_linux_machine_is_told_before_a_release_needs_it(module_world: Inside, tmp_path: Path) -> None:
    (tmp_path / "git").symlink_to(str(shutil.which("git")))
    done = module_world.run("nexy-tui", "doctor", "--offline", env={"PATH": str(tmp_path)})
    (told,) = [line for line in done.stdout.splitlines() if "Installation" in line]
    assert done.returncode == 0 and "7-Zip" in told and told.endswith("apt install 7zip")


class Ahead(SystemClock):
    """A clock that somebody has set by hand."""

    def now(self) -> datetime:
        return super().now() + timedelta(hours=1)


def test_a_wrong_clock_is_named_and_no_other(module_world: Inside, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        monkeypatch.delenv(name)
    for name, value in module_world.environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("keyring.core._keyring_backend", None)
    found = examine(lambda: Services(load_settings(), module_world.checkout, clock=Ahead(200)))
    wrong = {finding.item: str(finding.remedy) for finding in found.findings if finding.remedy}
    assert set(wrong) == {"clock"} and "timedatectl" in wrong["clock"]


def test_every_line_is_broken_here() -> None:
    assert set(BREAKS) | {"clock"} == {line.id for line in LINES}


def test_outside_a_checkout_git_push_says_where_to_go(module_world: Inside, tmp_path: Path) -> None:
    done = module_world.run("nexy-tui", "doctor", "--json", cwd=tmp_path, check=False, env={"NEXY_CHECKOUT": ""})
    said = json.loads(done.stdout)
    wrong = {item["id"]: item["remedy"] for item in said["items"] if item["status"] in ("failed", "inconclusive")}
    assert done.returncode == 1 and set(wrong) == {"git"} and "--checkout DIR" in wrong["git"]
