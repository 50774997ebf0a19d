"""What is trusted is the operator's own: a configuration, CA or list of signers that lies in the checkout is refused."""

from __future__ import annotations

import json
import shutil

import pytest
from conftest import Inside


@pytest.mark.parametrize("variable", ["NEXY_CONFIG", "NEXY_ALLOWED_SIGNERS", "NEXY_CA"])
def test_a_trusted_file_of_the_checkout_is_refused(module_world: Inside, variable: str) -> None:
    pushed = module_world.checkout / "server" / "pushed"
    shutil.copyfile(module_world.environ[variable], pushed)
    try:
        done = module_world.run("nexy-tui", "check", "remotes.code", "--json", env={variable: str(pushed)}, check=False)
        problem = json.loads(done.stdout)["problem"]
        assert (done.returncode, str(pushed) in problem["what"]) == (2, True)
        outside = module_world.home / variable
        shutil.move(pushed, outside)
        moved = module_world.run("nexy-tui", "check", "remotes.code", "--json", env={variable: str(outside)}, check=False)
        assert moved.returncode == 0 and variable in problem["remedy"], moved.stdout
    finally:
        pushed.unlink(missing_ok=True)
