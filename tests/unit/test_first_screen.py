"""What the first screen does without: it is drawn before the engine, the checks and the network's libraries are loaded."""

from __future__ import annotations

import subprocess
import sys

import pytest

LATER = ("httpx", "git", "psycopg", "cryptography", "azure", "ruamel", "msgspec", "checks", "nexy_tui.checklist", "nexy_tui.engine.begin")


@pytest.mark.parametrize("module", ["nexy_tui.app", "nexy_tui.cli.backend", "nexy_tui.cli.wizard"])
def test_what_a_run_needs_is_loaded_when_it_is_begun(module: str) -> None:
    code = f"import sys, {module}\nprint(*sys.modules, sep='\\n')"
    loaded = set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True).stdout.split())
    assert not loaded & set(LATER), sorted(loaded & set(LATER))
