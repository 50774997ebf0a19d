"""The configuration file: a table that was removed is refused with the lines to delete."""

from __future__ import annotations

import re

import pytest

from nexy_tui.config import load_settings
from nexy_tui.config.file import parse_config
from nexy_tui.core.problem import Unusable

WAITING = "[waiting]\nspeed = 2.0\n"


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ('[steps]\npublish = "script"\n', "lines 1 to 2"),
        ('[steps]\nbackup = "builtin"  # ours\n\n# the rest\n[waiting]\nspeed = 2.0\n', "lines 1 to 2"),
        (f'{WAITING}\n[ "steps" ]  # who does what\nbump = "script"\n# not yet\ndeploy = "builtin"\n', "lines 4 to 7"),
        (f"{WAITING}[steps]\n", "line 3"),
        (f'steps = {{ bump = "script" }}\n{WAITING}', "line 1"),
        (f'steps.bump = "script"\n{WAITING}', "line 1"),
        ('steps.bump = "script"\nsteps.deploy = "script"\n', "lines 1 to 2"),
        (f'{WAITING}[paths]\nlayout = """\n[steps]\n"""\n[steps]\nbump = "script"\n', "[steps] and its keys"),
    ],
)
def test_steps_were_removed_and_the_lines_to_delete_are_named(text: str, lines: str) -> None:
    with pytest.raises(Unusable) as caught:
        parse_config(text, "c")
    assert caught.value.exit_code == 2 and "[steps], which was removed" in caught.value.what
    assert caught.value.remedy == f"Delete {lines}, then run again."
    if found := re.findall(r"\d+", lines):
        kept = text.split("\n")
        del kept[int(found[0]) - 1 : int(found[-1])]
        parse_config("\n".join(kept), "c")


def test_an_unknown_home_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NEXY_CONFIG", "NEXY_STATE_DIR", "XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", ".")
    monkeypatch.setattr("pwd.getpwuid", {}.__getitem__)
    with pytest.raises(Unusable) as caught:
        load_settings({})
    assert "HOME" in str(caught.value.remedy) and "NEXY_CONFIG" in str(caught.value.remedy)
