"""What the fake release consists of: phases, items, and what each item shows when it holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nexy_tui.core.finding import Evidence

SHA = "3f2a9c51d0e8b7746c1f5a2e9d8b3c7046f1e2d5a9b8c7d6e5f4a3b2c1d09c1b"


def _item(id: str, section: str, title: str, why: str, **rest: Any) -> dict[str, Any]:
    return {"id": id, "section": section, "title": title, "why": why, **rest}


PHASES: Sequence[tuple[str, str, str, str, Sequence[dict[str, Any]]]] = (
    (
        "remotes",
        "Remotes",
        "0.1",
        "Code goes to the code repository, artifacts to the artifacts repository, and never the other way round.",
        (
            _item(
                "remotes.code",
                "0.1",
                "Code remote",
                "A push to the wrong repository publishes source or tags where nobody looks for them.",
                fixers=("manifest-repository",),
            ),
            _item(
                "remotes.rights",
                "0.1",
                "Rights on the code repository",
                "Without the right to push, the release stops half-way.",
                fixers=("github-auth",),
            ),
            _item(
                "remotes.artifacts",
                "1.3",
                "Artifacts repository and tags",
                "Clients download from the fixed tags Update and App.",
                fixers=("target-repository",),
            ),
            _item("remotes.token", "0", "Token separation", "The two pipelines have different owners.", attestable=True),
            _item("remotes.lock", "0.1", "Nobody else is releasing", "Two releases at once overwrite each other."),
        ),
    ),
    (
        "version",
        "Version",
        "3, phase 1",
        "The version is raised everywhere, committed and tagged.",
        (
            _item("version.next", "2", "Version comes next", "A client is never offered a lower version."),
            _item("version.clean", "3", "Checkout is clean", "What is not committed is not released."),
            _item("version.files", "3", "Version in every file", "The server reads its version from more than one place.", action="bump"),
            _item("version.commit", "3", "Release commit", "The tag must name exactly this state.", action="bump"),
            _item("version.tag", "3", "Tag on the code repository", "The VM checks out the tag.", action="push"),
        ),
    ),
    (
        "database",
        "Database",
        "3, phase 1.1",
        "A backup of this run and a recent restore drill, before anything is published or deployed.",
        (
            _item("database.answers", "1.1", "Database answers", "Nothing can be backed up that cannot be reached."),
            _item(
                "database.backup",
                "1.1",
                "Backup of this run",
                "A deploy that damages data must be undone from today's state.",
                action="backup",
            ),
            _item(
                "database.drill",
                "1.1",
                "Restore drill not older than 7 days",
                "A backup that was never restored is a hope.",
                remedy="drill",
            ),
            _item(
                "database.hardened",
                "1.1",
                "Hard deletes are refused",
                "A bug in the server must not be able to delete users.",
                remedy="harden",
            ),
            _item("database.runbooks", "1.1", "Runbooks in the checkout", "They are the canon for database operations."),
        ),
    ),
    (
        "inbox",
        "Inbox",
        "3, phase 2",
        "The artifacts are there, whole, and of this version.",
        (
            _item("inbox.exists", "1.1", "release_inbox", "The publisher takes its files from there.", fixers=("inbox",)),
            _item("inbox.dmg", "3", "Nexy.dmg is whole", "A truncated image is what every client would download.", fixers=("inbox",)),
            _item(
                "inbox.version",
                "5",
                "Nexy.dmg carries this version",
                "Else clients are offered the same update without end.",
                attestable=True,
            ),
            _item("inbox.pkg", "3", "Nexy.pkg as announced", "What was announced at the start is what is published."),
        ),
    ),
    (
        "publish",
        "Publish",
        "3, phase 2",
        "The download is replaced, verified from outside, and the manifests say what is really there.",
        (
            _item(
                "publish.rights",
                "4.3",
                "Rights on the artifacts repository",
                "An upload without rights fails after minutes.",
                fixers=("github-auth",),
            ),
            _item(
                "publish.asset",
                "3",
                "Nexy.dmg under the tag Update",
                "Clients know this one address.",
                action="publish",
                fixers=("target-repository",),
            ),
            _item(
                "publish.download",
                "4.1",
                "Download equals the inbox",
                "Size and digest are taken from the download, not from the disk.",
                action="publish",
            ),
            _item(
                "publish.manifests",
                "3",
                "Four manifests pushed",
                "Both runtime paths are read.",
                action="publish",
                fixers=("stale-appcast",),
            ),
        ),
    ),
    (
        "gate",
        "Gate",
        "3, phase 2.7",
        "Every source is compared with what it must say before deploy.",
        (
            _item(
                "gate.files",
                "3",
                "Files and manifests agree",
                "Drift between the two paths serves an old update.",
                fixers=("stale-appcast",),
            ),
            _item("gate.release", "3", "Release asset agrees", "What clients download must be what the manifest says."),
            _item(
                "gate.live",
                "3",
                "Live server is consistent",
                "It serves the release before this one or this one, nothing else.",
                fixers=("stale-appcast",),
            ),
        ),
    ),
    (
        "deploy",
        "Deploy",
        "3, phase 3",
        "The tag on the VM, the service restarted, every step's status seen.",
        (
            _item("deploy.slot", "4.6", "Run-command slot is free", "The VM takes one command at a time.", fixers=("azure-busy",)),
            _item("deploy.tag", "3", "VM stands on the tag", "What runs must be what was tagged.", action="deploy"),
            _item(
                "deploy.service",
                "3",
                "Service is active",
                "A service that does not come up is an outage.",
                action="deploy",
                fixers=("config-env", "gemini-key"),
            ),
        ),
    ),
    (
        "final",
        "Final verification",
        "6",
        "The rulebook's seven points, asked of the world and not of ourselves.",
        (
            _item("final.inbox", "6.1", "release_inbox holds the artifacts", "Rulebook 6, point 1."),
            _item("final.published", "6.2", "Publication is complete", "Rulebook 6, point 2."),
            _item("final.visible", "6.3", "Visible under the fixed tags", "Rulebook 6, point 3."),
            _item("final.manifest", "6.4", "Manifest pushed", "Rulebook 6, point 4."),
            _item("final.live", "6.5", "/health and appcast show the version", "Rulebook 6, point 5."),
            _item("final.backup", "6.6", "Backup was made", "Rulebook 6, point 6."),
            _item("final.drill", "6.7", "Drill not older than 7 days", "Rulebook 6, point 7."),
        ),
    ),
)


def _gate(source: str, **cells: str) -> tuple[Evidence, ...]:
    return tuple(Evidence(f"{source} {name}", f"{value} (passed)", source) for name, value in cells.items())


SEEN: dict[str, tuple[str, tuple[Evidence, ...]]] = {item["id"]: ("Holds.", ()) for phase in PHASES for item in phase[4]} | {
    "remotes.code": (
        "server_repo pushes to Seregawpn/Nexy_server.",
        (
            Evidence("server_repo", "https://github.com/Seregawpn/Nexy_server.git", "git remote get-url --push"),
            Evidence("origin", "https://github.com/Seregawpn/Nexy_server.git", "git remote get-url --push"),
        ),
    ),
    "remotes.rights": (
        "Seregawpn/Nexy_server grants its write service.",
        (Evidence("push --dry-run", "accepted", "Seregawpn/Nexy_server"),),
    ),
    "remotes.artifacts": (
        "Seregawpn/Nexy_production has the tags Update and App.",
        (Evidence("release Update", "Nexy.dmg, 315.7 MB", "api.github.com"),),
    ),
    "remotes.token": ("The artifacts token cannot write to the code repository.", ()),
    "remotes.lock": ("Nobody else is releasing.", (Evidence("lock", "free", "refs/nexy/lock"),)),
    "version.next": ("1.6.1.43 comes after 1.6.1.42, which is served.", ()),
    "version.clean": ("Nothing uncommitted, branch main is level with the remote.", ()),
    "version.files": ("VERSION and four more files say 1.6.1.43.", ()),
    "version.commit": ("Release commit 8d1f0c2e77ab.", ()),
    "version.tag": ("v1.6.1.43 is on the code repository and names the release commit.", ()),
    "database.answers": ("PostgreSQL 16.4 at 127.0.0.1:5432.", ()),
    "database.backup": ("nexy_db_20260214T100912Z.tar.gz, 41.2 MB, made in this run.", ()),
    "database.drill": ("Restored 2 days ago: 4 tables, 8,120 rows.", ()),
    "database.hardened": ("nexy_user may not delete on 10 tables.", ()),
    "database.runbooks": ("Both are there.", ()),
    "inbox.exists": ("release_inbox holds Nexy.dmg.", ()),
    "inbox.dmg": (
        "UDIF image, 315.7 MB, settled.",
        (Evidence("Nexy.dmg size", "315718837", "release_inbox/Nexy.dmg"), Evidence("Nexy.dmg sha256", SHA, "release_inbox/Nexy.dmg")),
    ),
    "inbox.version": ("Info.plist says 1.6.1.43.", ()),
    "publish.rights": ("The token may write to Seregawpn/Nexy_production.", ()),
    "publish.asset": ("Nexy.dmg, uploaded, 315.7 MB.", ()),
    "publish.download": (
        "The bytes at the release URL are the inbox's.",
        (Evidence("Nexy.dmg remote sha256", SHA, "https://github.com/Seregawpn/Nexy_production/releases/download/Update/Nexy.dmg"),),
    ),
    "publish.manifests": ("Four files at a1b2c3d4e5f6, identical.", ()),
    "gate.files": (
        "VERSION and four manifests say the same.",
        _gate("VERSION", version="1.6.1.43")
        + _gate("server/updates/manifests/manifest.json", version="1.6.1.43", build="1.6.1.43", size="315718837", sha256=SHA)
        + _gate("server/server/updates/manifests/manifest.json", version="1.6.1.43", build="1.6.1.43", size="315718837", sha256=SHA),
    ),
    "gate.release": (
        "The asset and the download agree.",
        _gate("release asset (API)", size="315718837", sha256=SHA) + _gate("release URL", size="315718837", sha256=SHA),
    ),
    "gate.live": (
        "1.6.1.42 is served, consistently.",
        _gate("/health", version="1.6.1.42", build="1.6.1.42") + _gate("appcast", version="1.6.1.42", size="315700101"),
    ),
    "deploy.slot": ("The VM Nexy takes commands.", ()),
    "deploy.tag": ("HEAD is v1.6.1.43, the four manifests lie over it.", ()),
    "deploy.service": ("voice-assistant.service is active since 10:31:40Z.", ()),
    "final.live": ("/health, /updates/health and appcast show 1.6.1.43.", ()),
    "final.drill": ("2 days ago.", ()),
}


@dataclass(frozen=True)
class Fixer:
    """A section of the troubleshooting chapter."""

    name: str
    section: str
    title: str
    symptom: str
    steps: tuple[str, ...]


FIXERS = (
    Fixer("inbox", "4.1", "Inbox not found", "release_inbox is missing or empty.", ("mkdir -p release_inbox", "Lay Nexy.dmg into it.")),
    Fixer("script-paths", "4.2", "Script not found", "can't open file publish_assets_and_sync.py", ("Run it from the repo root.",)),
    Fixer("github-auth", "4.3", "Release host refuses the token", "HTTP 401 or 403 on upload.", ("gh auth login", "Publish again.")),
    Fixer("target-repository", "4.4", "Wrong target repository", "Assets at an unexpected URL.", ("nexy-tui config show",)),
    Fixer(
        "manifest-repository",
        "4.5",
        "Manifest pushed to the wrong code repository",
        "The manifest commit appeared in another repository, or a remote pushes elsewhere.",
        ("See where each remote really pushes: nexy-tui check remotes.code", "Set the address right: git remote set-url origin URL"),
    ),
    Fixer("azure-busy", "4.6", "Azure run-command conflict", "Run command extension execution is in progress.", ("Wait for its end.",)),
    Fixer("gemini-key", "4.7", "Gemini key invalid or expired", "API_KEY_INVALID", ("Set GEMINI_API_KEY in both config.env files.",)),
    Fixer("config-env", "4.8", "config.env crash", "ValueError: illegal environment variable name", ("Mend the line.", "Restart.")),
    Fixer("stale-appcast", "4.9", "Appcast serves a stale artifact", "An old URL or size.", ("nexy-tui sync-manifests", "nexy-tui gate")),
)
