"""What commands are for, by example: the end of every `--help`, of the command reference and of the man page."""

from __future__ import annotations

import typer

EXAMPLES: dict[str, tuple[str, ...]] = {
    "": ("nexy-tui", "nexy-tui doctor", "nexy-tui --checkout ~/Nexy_server release"),
    "release": (
        "nexy-tui release",
        "nexy-tui release 1.6.1.43 --dry-run",
        "nexy-tui release 1.6.1.43 --headless --yes",
        "nexy-tui release --resume RUN --headless --yes",
    ),
    "rehearse": ("nexy-tui rehearse", "nexy-tui rehearse --headless --auto"),
    "check": ("nexy-tui check --list", "nexy-tui check remotes.push", "nexy-tui check --all --vm --json"),
    "verify": ("nexy-tui verify", "nexy-tui verify --json"),
    "gate": ("nexy-tui gate", "nexy-tui gate --profile post-deploy --json"),
    "bump": ("nexy-tui bump 1.6.1.43",),
    "publish": ("nexy-tui publish --dry-run", "nexy-tui publish --recover"),
    "rollback": ("nexy-tui rollback",),
    "sync-manifests": ("nexy-tui sync-manifests --check", "nexy-tui sync-manifests --yes"),
    "deploy": ("nexy-tui deploy v1.6.1.43",),
    "save-drift": ("nexy-tui save-drift",),
    "fix": ("nexy-tui fix", "nexy-tui fix --list", "nexy-tui fix inbox --dry-run"),
    "scaffold": ("nexy-tui scaffold --dry-run",),
    "where": ("nexy-tui where", "nexy-tui where --json"),
    "completion": ('eval "$(nexy-tui completion bash)"', "nexy-tui completion fish > ~/.config/fish/completions/nexy-tui.fish"),
    "doctor": ("nexy-tui doctor", "nexy-tui doctor --offline --json"),
    "setup": ("nexy-tui setup",),
    "db": ("nexy-tui db status",),
    "db backup": ("nexy-tui db backup",),
    "db drill": ("nexy-tui db drill",),
    "db harden": ("nexy-tui db harden",),
    "db status": ("nexy-tui db status", "nexy-tui db status --json"),
    "runs": ("nexy-tui runs list",),
    "runs list": ("nexy-tui runs list", "nexy-tui runs list --json"),
    "runs show": ("nexy-tui runs show RUN",),
    "runs verify": ("nexy-tui runs verify RUN", "nexy-tui runs verify FILE.intoto.jsonl --json"),
    "runs report": ("nexy-tui runs report RUN > report.html",),
    "runs close": ("nexy-tui runs close RUN",),
    "keys": ("nexy-tui keys list",),
    "keys create": ("nexy-tui keys create",),
    "keys use": ("nexy-tui keys use --file ~/.ssh/nexy-release", "nexy-tui keys use --agent", "nexy-tui keys use"),
    "keys list": ("nexy-tui keys list",),
    "keys export": ("nexy-tui keys export > ada.pub",),
    "keys trust": ("nexy-tui keys trust ada.pub",),
    "keys rotate": ("nexy-tui keys rotate", "nexy-tui keys rotate --file ~/.ssh/nexy-release-2"),
    "secrets": ("nexy-tui secrets list",),
    "secrets set": ("nexy-tui secrets set github-token", "nexy-tui secrets set sparkle-private-key < exported.txt"),
    "secrets list": ("nexy-tui secrets list",),
    "secrets delete": ("nexy-tui secrets delete github-token",),
    "config": ("nexy-tui config check",),
    "config path": ("nexy-tui config path",),
    "config show": ("nexy-tui config show", "nexy-tui config show --json"),
    "config check": ("nexy-tui config check",),
    "config template": ("nexy-tui config template",),
    "world": ("nexy-tui world up ~/rehearsal",),
    "world up": ("nexy-tui world up ~/rehearsal", "nexy-tui world up ~/rehearsal --layout nested"),
    "world status": ("nexy-tui world status ~/rehearsal",),
    "world env": ('eval "$(nexy-tui world env ~/rehearsal)"',),
    "world down": ("nexy-tui world down ~/rehearsal",),
    "world fault": ("nexy-tui world fault ~/rehearsal --list", "nexy-tui world fault ~/rehearsal token-invalid on"),
    "world build": ("nexy-tui world build ~/rehearsal 1.6.1.44",),
}
"""By the command's words; the empty name is nexy-tui itself."""

COMMON = "Common to every command: --checkout DIR, --world DIR, -h. First time here? nexy-tui rehearse"


def epilog(name: str) -> str | None:
    """The end of a command's help, or None for a command without examples."""
    lines = EXAMPLES.get(name)
    return None if lines is None else "\n\n".join(["Examples:", *(f"  {line}" for line in lines)])


def attach(app: typer.Typer, path: tuple[str, ...] = ()) -> None:
    """Put its examples at the end of every command's help."""
    for command in app.registered_commands:
        name = command.name or getattr(command.callback, "__name__", "").replace("_", "-")
        command.epilog = epilog(" ".join((*path, name)))
    for group in app.registered_groups:
        if group.typer_instance is not None and isinstance(group.name, str):
            group.epilog = epilog(" ".join((*path, group.name)))
            attach(group.typer_instance, (*path, group.name))
