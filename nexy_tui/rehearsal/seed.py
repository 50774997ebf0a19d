"""A new world's repositories and the operator's checkout of the code."""

from __future__ import annotations

import asyncio
import base64
import mmap
import os
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from nexy_tui.core.target import DMG, PKG
from nexy_tui.rehearsal import history
from nexy_tui.rehearsal.artifacts import make as artifacts
from nexy_tui.rehearsal.artifacts.bundle import Updater
from nexy_tui.rehearsal.artifacts.make import Built
from nexy_tui.rehearsal.names import ARTIFACTS, CODE, DATABASE_NAME, DATABASE_SUPERUSER, DATABASE_USER, DEFAULT_ARTIFACT_SIZE, World

BRANCH = "main"

GIT_ENVIRONMENT = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_AUTHOR_NAME": "Rehearsal",
    "GIT_AUTHOR_EMAIL": "rehearsal@localhost",
    "GIT_COMMITTER_NAME": "Rehearsal",
    "GIT_COMMITTER_EMAIL": "rehearsal@localhost",
}
"""Git on the world's own repositories reads nobody's configuration."""
_HOST_CONFIG = (
    ("http.receivepack", "true"),
    ("receive.autogc", "false"),
    ("gc.auto", "0"),
    ("uploadpack.allowTipSHA1InWant", "true"),
    ("uploadpack.allowReachableSHA1InWant", "true"),
    ("uploadpack.allowFilter", "true"),
)
_UPDATE_HOOK = """#!/bin/sh
# A rehearsal's branch that somebody else has moved, while the fault push-rejected is on; or that a rule (branch-rule) closes.
case "$1" in
refs/heads/*)
  if grep -qs '"push-rejected"' '{faults}'; then
    echo "error: denying non-fast-forward $1 (you should pull first): the branch was moved by Colleague <colleague@rehearsal>" >&2
    exit 1
  fi
  if grep -qs '"branch-rule": null' '{faults}'; then
    echo "error: GH013: Repository rule violations found for $1." >&2
    echo "- Changes must be made through a pull request." >&2
    exit 1
  fi ;;
esac
"""


def previous_artifact(world: World, name: str) -> Path:
    """Where the previous release's artifact was built."""
    return world.artifacts / world.previous / name


def updater(world: World) -> Updater:
    """What the world's applications know of updates: its key, and its server's address."""
    return Updater(world.sparkle_public_key, world.target.update_server.feed_url)


def build_previous(world: World) -> Built:
    """Build both artifacts of the previous release; the disk image's facts are what its manifest says.

    They are not larger than the default size: what is rehearsed is the next release.
    """
    size = min(world.artifact_size, DEFAULT_ARTIFACT_SIZE) - 4096
    artifacts.build(previous_artifact(world, PKG), PKG, world.previous, max(artifacts.SMALLEST, size // 2), world.id)
    return artifacts.build(previous_artifact(world, DMG), DMG, world.previous, size, world.id, updater=updater(world))


def build_into_inbox(world: World, version: str, names: Iterable[str], seed: str = "") -> list[Built]:
    """Build a version's artifacts straight into the operator's inbox."""
    inbox = world.checkout_layout.inbox
    return [artifacts.build(inbox / name, name, version, world.artifact_size, seed or world.id, updater=updater(world)) for name in names]


async def create_repositories(world: World, dmg: Built) -> None:
    """The git host's two repositories: the code's with its history, the artifacts' with little more than its fixed tags."""
    now = datetime.now(UTC).replace(microsecond=0)
    current = _current_manifest(world, dmg, now - timedelta(days=20))
    signers = world.allowed_signers.read_bytes()
    await _create_bare(world, CODE, history.past(world.target, world.layout, world.features, current=current, signers=signers, now=now))
    readme = history.ImportedCommit(
        history.COLLEAGUE, now - timedelta(days=60), "Nexy production artifacts", {"README.md": b"# Nexy\n"}, "Update"
    )
    await _create_bare(world, ARTIFACTS, [readme])
    await git(world.bare(ARTIFACTS), "tag", "App", BRANCH)
    hook = world.bare(CODE) / "hooks" / "update"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(_UPDATE_HOOK.format(faults=world.faults), encoding="utf-8")
    hook.chmod(0o755)


def _current_manifest(world: World, dmg: Built, released: datetime) -> bytes:
    """The previous release's manifest: as this program writes it, or as the team's own programs do."""
    signature = "" if "unsigned-manifest" in world.features else sign(world, dmg.path)
    raw = history.manifest(world.target, world.previous, released, size=dmg.size, sha256=dmg.sha256, signature=signature)
    return history.as_the_team(raw, world.previous) if "team-manifests" in world.features else raw


async def create_checkout(world: World) -> None:
    """The operator's checkout: the branch's head, both remotes by their public address, settings, an inbox with the next image."""
    url = world.target.code_url()
    second = {"remote.server_repo.url": url, "remote.server_repo.fetch": "+refs/heads/*:refs/remotes/server_repo/*"}
    settings = (word for key, value in second.items() for word in ("--config", f"{key}={value}"))
    await git(world.dir, "clone", "--quiet", "--no-hardlinks", *settings, str(world.bare(CODE)), str(world.checkout))
    await git(world.checkout, "remote", "set-url", "origin", url)
    _write_settings(world)
    await asyncio.to_thread(build_into_inbox, world, world.next, [DMG])


def _write_settings(world: World) -> None:
    """The checkout's `config.env`, with the database as it listens now."""
    lines = {
        "SERVER_VERSION": world.previous,
        "SERVER_BUILD": world.previous,
        "GEMINI_API_KEY": world.secrets.gemini_api_key,
        **database_settings(world),
    }
    path = world.checkout_layout.config_env
    path.write_text("".join(f"{key}={value}\n" for key, value in lines.items()), encoding="utf-8")
    path.chmod(0o600)


def refresh_settings(world: World) -> None:
    """Correct the database's port in `config.env`, which may have changed; whatever else stands there is the operator's."""
    path = world.checkout_layout.config_env
    if path.is_file():
        text = path.read_text(encoding="utf-8")
        path.write_text(re.sub(r"(?m)^DB_PORT=.*$", f"DB_PORT={world.ports['database']}", text), encoding="utf-8")


def database_settings(world: World) -> dict[str, str]:
    """The database scripts' settings (contracts: config.env)."""
    return {
        "DB_HOST": "127.0.0.1",
        "DB_PORT": str(world.ports["database"]),
        "DB_NAME": DATABASE_NAME,
        "DB_USER": DATABASE_USER,
        "DB_PASSWORD": world.secrets.database_password,
        "PG_SUPERUSER": DATABASE_SUPERUSER,
        "PG_SUPERUSER_PASSWORD": world.secrets.database_superuser_password,
    }


def sign(world: World, path: Path) -> str:
    """Base64 of the Sparkle signature over a file's exact bytes, by the world's key."""
    key = Ed25519PrivateKey.from_private_bytes(base64.b64decode(world.secrets.sparkle_seed))
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return base64.b64encode(key.sign(memoryview(content))).decode()


async def git(directory: Path, *arguments: str, stdin: bytes | None = None) -> str:
    """Run git on the world's own repositories, apart from the user's configuration. Raises RuntimeError with what it said."""
    process = await asyncio.create_subprocess_exec(
        "git",
        *arguments,
        cwd=directory,
        env={"PATH": os.environ.get("PATH", os.defpath), "HOME": str(directory), **GIT_ENVIRONMENT},
        stdin=asyncio.subprocess.DEVNULL if stdin is None else asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate(stdin)
    if process.returncode != 0:
        raise RuntimeError(f"git {arguments[0]} failed: {err.decode(errors='replace').strip()}")
    return out.decode().strip()


async def _create_bare(world: World, repository: str, commits: list[history.ImportedCommit]) -> None:
    bare = world.bare(repository)
    bare.mkdir(parents=True)
    await git(bare, "init", "--quiet", "--bare", "--template=", f"--initial-branch={BRANCH}")
    with (bare / "config").open("a", encoding="utf-8") as config:
        for key, value in _HOST_CONFIG:
            section, name = key.split(".")
            config.write(f"[{section}]\n\t{name} = {value}\n")
    await git(bare, "fast-import", "--quiet", "--done", stdin=b"".join(history.stream(commits, BRANCH)))
