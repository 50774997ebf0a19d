"""The target of the last run, kept so that the next one can show what changed since."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict

from nexy_tui.core import strict_json
from nexy_tui.core.text import printable
from nexy_tui.services import Services
from nexy_tui.services.plain_file import read_plain

_STATE_LIMIT = 64 * 1024


def target_change(services: Services) -> list[str]:
    """Lines `key: before → now` for what differs from the target of the last run; empty when nothing does or none was.

    What was kept and cannot be read may have been any other target, so it counts as a change.
    """
    path = services.settings.state_dir / "last-target.json"
    now = flat(asdict(services.target))
    try:
        last = strict_json.loads(read_plain(path, _STATE_LIMIT))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except (OSError, ValueError):
        last = None
    if not isinstance(last, dict):
        return [f"target: not to be read from {path} → {services.target.name}, {now['code_repository']}, {now['artifacts_repository']}"]
    return [printable(f"{key}: {last.get(key, '')} → {value}", 600) for key, value in now.items() if last.get(key, value) != value]


def remember_target(services: Services) -> None:
    """Keep the target, so that the next run can show what changed since."""
    path = services.settings.state_dir / "last-target.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(flat(asdict(services.target)), indent=2) + "\n", "utf-8")


def flat(value: Mapping[str, object], prefix: str = "") -> dict[str, str]:
    """Nested settings as one table of `key.inner` and text."""
    out: dict[str, str] = {}
    for key, inner in value.items():
        if isinstance(inner, Mapping):
            out.update(flat(inner, f"{prefix}{key}."))
        else:
            out[prefix + key] = "" if inner is None else str(inner)
    return out
