"""What is sent to the VM: one script of Python 3.9's grammar and library, its parameters data, its names its own."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from nexy_tui.services import on_vm
from nexy_tui.services.vm_program import JOBS, LIMIT, compose

MODULES = sorted(Path(on_vm.__file__).parent.glob("*.py"))
NEWER = {"tomllib", "asyncio.taskgroups", "importlib.resources.abc", "wsgiref.types"}
"""Of the standard library, what 3.9 does not have."""

HOSTILE = {"a": "\"'\\\n\u2028\ud800\U0001f600'''", "b": "{x} %s $(id) `id`", "c": [1, None, True]}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_a_module_holds_to_the_grammar_and_the_library_of_3_9(path: Path) -> None:
    tree = ast.parse(path.read_text(), feature_version=(3, 9))
    for node in ast.walk(tree):
        found = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            found = [node.module or ""]
        for name in found:
            mine = name.startswith(f"{on_vm.__name__}.") or name == "__future__"
            assert mine or (name.split(".")[0] in sys.stdlib_module_names and name not in NEWER), name


@pytest.mark.parametrize("job", JOBS)
def test_a_job_is_one_script_without_a_name_twice(job: str) -> None:
    text = compose(job, HOSTILE, "5" * 32)
    assert text.startswith("#!/usr/bin/env python3\n") and len(text.encode()) < LIMIT
    tree = ast.parse(text, feature_version=(3, 9))
    names: list[str] = []
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.append(node.name)
        elif isinstance(node, ast.Assign):
            names += [target.id for target in node.targets if isinstance(target, ast.Name)]
        elif isinstance(node, ast.ImportFrom):
            assert "nexy_tui" not in (node.module or "")
    assert len(names) == len(set(names)), sorted(name for name in names if names.count(name) > 1)


def test_parameters_arrive_as_they_were_and_are_never_code(tmp_path: Path) -> None:
    text = compose("survey", HOSTILE, "5" * 32)
    [call] = [line for line in text.splitlines() if line.startswith("sys.exit(run_job(")]
    (tmp_path / "show.py").write_text(
        f"import json\nrun_job = lambda job, given, nonce: given\nsurvey = 0\nprint(json.dumps({call[9:-1]}))\n"
    )
    done = subprocess.run([sys.executable, tmp_path / "show.py"], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == HOSTILE


def test_what_is_larger_than_run_command_takes_is_refused() -> None:
    with pytest.raises(ValueError, match="larger"):
        compose("survey", {"also": "x" * LIMIT}, "5" * 32)


def python39() -> str | None:
    """A real 3.9, where this machine has one."""
    places = [*Path.home().glob(".pyenv/versions/3.9*/bin/python3.9")]
    return str(places[0]) if places else shutil.which("python3.9")


@pytest.mark.parametrize("job", JOBS)
def test_a_real_3_9_runs_each_job(job: str, tmp_path: Path) -> None:
    if (python := python39()) is None or subprocess.run([python, "-c", ""], capture_output=True, check=False).returncode:
        pytest.skip("there is no Python 3.9 on this machine")
    path = tmp_path / "script.sh"
    given = {
        "directory": str(tmp_path / "none"),
        "service": "s",
        "write": False,
        "manifest_directories": [],
        "manifest_version": "",
        "commit": "",
    }
    path.write_text(compose(job, given, "5" * 32))
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    done = subprocess.run([python, "-I", path], capture_output=True, text=True, env=environ, stdin=subprocess.DEVNULL, check=False)
    assert "is not there" in done.stderr
    assert done.stdout.splitlines()[-1] == f"nexy-exit {'5' * 32} {done.returncode}" and done.returncode
