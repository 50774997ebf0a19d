"""`config show|check|path`: the target and settings in force."""

from __future__ import annotations

import os
from collections.abc import Mapping
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


@app.command("template")
def show_template() -> None:
    """Print a configuration to begin with: every key with what it means, commented out."""
    from nexy_tui.config.template import template

    common.show(template({}).rstrip("\n"))


@app.command()
def check() -> None:
    """Read the configuration and judge its values and the files it names: a wrong one is named with line and column."""
    from checks.own import require_whole
    from nexy_tui.config import load_settings
    from nexy_tui.config.origins import require_fitting

    settings = load_settings()
    require_fitting(os.environ)
    require_whole(settings)
    found = "fits" if settings.config_found else "is not there: the rulebook's defaults apply"
    common.show(f"{settings.config_path} {found}.")


@app.command()
def show(json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False) -> None:
    """Every setting with its value, and where that comes from if it is not the default."""
    from nexy_tui.config import load_settings

    settings = load_settings()
    value: dict[str, Any] = {
        "config": str(settings.config_path),
        "target": asdict(settings.target),
        "waiting": {"speed": settings.speed},
        "trust": {"allowed_signers": str(settings.allowed_signers)},
        "tls": {"ca": str(settings.ca or "")},
        "paths": {"state": str(settings.state_dir)},
        "operator": {"id": settings.operator, "signing_key_file": str(settings.key_file or "")},
    }
    value["checkout"] = asdict(common.make_services().found())
    if json:
        common.print_json(value)
    else:
        for line in _lines(value, settings.origins):
            common.show(line)


def _lines(value: dict[str, Any], origins: Mapping[str, str], prefix: str = "") -> list[str]:
    out: list[str] = []
    for key, inner in value.items():
        if isinstance(inner, dict):
            out += _lines(inner, origins, f"{prefix}{key}.")
        else:
            shown = ", ".join(inner) if isinstance(inner, tuple) else inner
            origin = origins.get(f"{prefix}{key}", "default")
            out.append(f"{prefix}{key} = {'' if shown is None else shown}" + ("" if origin == "default" else f"    # {origin}"))
    return out
