"""The rulebook's troubleshooting chapter (sections 4.1 to 4.9): symptom, and what to do, one entry each."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Trouble:
    """One section: how the trouble shows itself, and the steps that end it, in this tool's commands."""

    name: str
    section: str
    title: str
    symptom: str
    steps: tuple[str, ...]


TROUBLES = (
    Trouble(
        "inbox",
        "4.1",
        "Inbox not found",
        "release_inbox is missing, or the artifacts are not in it.",
        (
            "Make it at the rulebook's repo root: mkdir -p release_inbox",
            "Lay Nexy.dmg (and Nexy.pkg, if it was announced) into it.",
            "Look again on the inbox screen, or: nexy-tui check inbox.exists inbox.dmg",
        ),
    ),
    Trouble(
        "script-paths",
        "4.2",
        "Script not found",
        "python3: can't open file … publish_assets_and_sync.py",
        (
            "Run it from the rulebook's repo root: python3 server/scripts/publish_assets_and_sync.py",
            "server/server/scripts/… is not the path, except seen from the git root of a nested checkout.",
            "Or publish without it: nexy-tui publish",
        ),
    ),
    Trouble(
        "github-auth",
        "4.3",
        "Release host refuses the token",
        "authentication required, HTTP 401 or 403 on upload, gh: command not found.",
        (
            "Put a token that may write to the artifacts repository into GH_TOKEN, or keep it: keyring set nexy-tui github-token",
            "Where gh is there, gh auth login is enough: its token is used.",
            "See that it holds: nexy-tui check remotes.artifacts",
        ),
    ),
    Trouble(
        "target-repository",
        "4.4",
        "Wrong target repository",
        "Assets were published to an unexpected repository or URL.",
        (
            "See the target in force: nexy-tui config show",
            "Mend target.artifacts_repository, target.dmg_tag and target.pkg_tag in your configuration (nexy-tui config path).",
            "In the team's script, TARGET_REPO and ARTIFACT_MAPPING must say the same.",
        ),
    ),
    Trouble(
        "manifest-repository",
        "4.5",
        "Manifest pushed to the wrong code repository",
        "The manifest commit appeared in another repository, or a remote pushes elsewhere.",
        (
            "See where each remote really pushes: nexy-tui check remotes.code",
            "Set the address right: git remote set-url origin URL (and --push, where a pushurl is set).",
            "Run the release again; it pushes what is missing. Revert the stray commit over there with git revert, never by force.",
        ),
    ),
    Trouble(
        "azure-busy",
        "4.6",
        "Azure run-command conflict",
        "Run command extension execution is in progress.",
        (
            "Another command runs on the VM; it cannot be cancelled. Wait for it (90 minutes at most).",
            "Run the action again: the deploy waits for the slot by itself and says so.",
        ),
    ),
    Trouble(
        "gemini-key",
        "4.7",
        "Gemini key invalid or expired",
        "API_KEY_INVALID, API key expired; TextProcessor does not start.",
        (
            "Get a new key and set GEMINI_API_KEY in both config.env files on the VM (server/config.env, server/server/config.env).",
            "Restart the service: sudo systemctl restart voice-assistant.service",
            "Read the journal for API_KEY_INVALID.",
        ),
    ),
    Trouble(
        "config-env",
        "4.8",
        "config.env crash",
        "ValueError: illegal environment variable name, from unified_config.py.",
        (
            "Only the first = separates name and value: unified_config.py must use split('=', 1), not rsplit.",
            "A name may hold letters, digits and _ only; mend the line in config.env.",
            "Restart the service and see /health: nexy-tui check --vm deploy.config deploy.service deploy.health",
        ),
    ),
    Trouble(
        "stale-appcast",
        "4.9",
        "Appcast serves a stale artifact",
        "/updates/appcast.xml shows an old URL or size; clients get 404 or a size mismatch.",
        (
            "Make the manifests agree with the download: nexy-tui sync-manifests",
            "Look at the gate again: nexy-tui gate",
            "Deploy again, which lays the manifests on the VM and restarts the service: nexy-tui deploy TAG",
        ),
    ),
)


def trouble(name: str) -> Trouble | None:
    """The entry of a name or a section number, or None."""
    return next((entry for entry in TROUBLES if name in (entry.name, entry.section)), None)
