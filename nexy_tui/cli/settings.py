"""`config show|check|path`: the target and settings in force."""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import Annotated, Any

import typer

from nexy_tui.cli import common

app = typer.Typer()


@app.command()
def path() -> None:
    """Where the configuration is read from."""
    from nexy_tui.config import config_path

    common.show(str(config_path(os.environ)))


@app.command()
def check() -> None:
    """Read the configuration and say whether it fits."""
    from nexy_tui.config import load_settings

    settings = load_settings()
    found = "fits" if settings.config_found else "is not there: the rulebook's defaults apply"
    common.show(f"{settings.config_path} {found}.")


@app.command()
def show(json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False) -> None:
    """Every setting with its value."""
    from nexy_tui.config import load_settings

    settings = load_settings()
    value: dict[str, Any] = {
        "config": str(settings.config_path),
        "target": asdict(settings.target),
        "waiting": {"speed": settings.speed},
        "trust": {"allowed_signers": str(settings.allowed_signers)},
        "tls": {"ca": str(settings.ca or "")},
        "paths": {"state": str(settings.state_dir)},
        "operator": {"id": settings.operator},
    }
    value["checkout"] = asdict(common.make_services().found())
    if json:
        common.print_json(value)
    else:
        for line in _lines(value):
            common.show(line)


def _lines(value: dict[str, Any], prefix: str = "") -> list[str]:
    out: list[str] = []
    for key, inner in value.items():
        if isinstance(inner, dict):
            out += _lines(inner, f"{prefix}{key}.")
        else:
            shown = ", ".join(inner) if isinstance(inner, tuple) else inner
            out.append(f"{prefix}{key} = {'' if shown is None else shown}")
    return out
