"""A configuration to begin with: every key with what it means and its default, commented out, but for those that are set."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from nexy_tui.config.file import ConfigFile
from nexy_tui.config.keys import KEYS

_HEAD = """# nexy-tui: who releases, and where to. `nexy-tui config check` judges it, `nexy-tui doctor` what it names.
# A key that is commented out has the value that stands there. No token, password or private key belongs in this file.
"""


def template(values: Mapping[str, str]) -> str:
    """The text of a new configuration with these keys set, by their dotted names."""
    lines, before = [_HEAD], ""
    for key in KEYS:
        if key.name == "paths.layout":
            continue
        table, _, name = key.name.rpartition(".")
        if table != before:
            lines.append(f"\n[{table}]")
            before = table
        text = f"{name} = {literal(values.get(key.name) or default(key.name))}"
        lines.append(f"# {key.about} {key.wanted[0].upper()}{key.wanted[1:]}.")
        lines.append(text if values.get(key.name) else f"# {text}")
    return "\n".join(lines) + "\n"


def default(name: str) -> Any:
    """A key's default."""
    value: Any = ConfigFile()
    for part in name.split("."):
        value = getattr(value, part)
    return value


def literal(value: Any) -> str:
    """A value as TOML writes it."""
    return json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False)
