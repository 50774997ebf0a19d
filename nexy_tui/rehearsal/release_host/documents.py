"""The release host's JSON: users, repositories, releases and assets as GitHub's REST API shows them."""

from __future__ import annotations

from typing import Any

from nexy_tui.rehearsal.names import World
from nexy_tui.rehearsal.release_host.access import Account
from nexy_tui.rehearsal.release_host.store import UPLOADED, Repository, StoredAsset, StoredRelease

API = "https://api.github.com"
UPLOADS = "https://uploads.github.com"
WEB = "https://github.com"


def user(login: str) -> dict[str, Any]:
    """A user."""
    return {
        "login": login,
        "id": sum(login.encode()),
        "node_id": f"U_{login}",
        "type": "User",
        "site_admin": False,
        "url": f"{API}/users/{login}",
        "html_url": f"{WEB}/{login}",
    }


def repository(known: Repository, account: Account, world: World) -> dict[str, Any]:
    """A repository, with the asker's permissions where there is an asker."""
    owner, _, name = known.full_name.partition("/")
    document = {
        "id": known.id,
        "node_id": f"R_{known.id}",
        "name": name,
        "full_name": known.full_name,
        "owner": user(owner),
        "private": known.private,
        "visibility": "private" if known.private else "public",
        "url": f"{API}/repos/{known.full_name}",
        "html_url": f"{WEB}/{known.full_name}",
        "clone_url": f"{WEB}/{known.full_name}.git",
        "releases_url": f"{API}/repos/{known.full_name}/releases{{/id}}",
        "default_branch": _default_branch(world, known),
        "archived": False,
        "disabled": False,
        "fork": False,
    }
    if account.login is not None:
        write = account.may_write(known)
        document["permissions"] = {"admin": write, "maintain": write, "push": write, "triage": write, "pull": True}
    return document


def release(shown: StoredRelease, *, immutable: bool) -> dict[str, Any]:
    """A release with its assets."""
    base = f"{API}/repos/{shown.repository}/releases"
    return {
        "url": f"{base}/{shown.id}",
        "assets_url": f"{base}/{shown.id}/assets",
        "upload_url": f"{UPLOADS}/repos/{shown.repository}/releases/{shown.id}/assets{{?name,label}}",
        "html_url": f"{WEB}/{shown.repository}/releases/tag/{shown.tag}",
        "id": shown.id,
        "author": user(shown.author),
        "node_id": f"RE_{shown.id}",
        "tag_name": shown.tag,
        "target_commitish": shown.target,
        "name": shown.name,
        "draft": shown.draft,
        "immutable": immutable,
        "prerelease": shown.prerelease,
        "created_at": shown.created_at,
        "updated_at": shown.created_at,
        "published_at": None if shown.draft else shown.published_at,
        "assets": [asset(shown, each) for each in shown.assets.values()],
        "tarball_url": f"{API}/repos/{shown.repository}/tarball/{shown.tag}",
        "zipball_url": f"{API}/repos/{shown.repository}/zipball/{shown.tag}",
        "body": shown.body,
    }


def asset(of: StoredRelease, shown: StoredAsset) -> dict[str, Any]:
    """An asset."""
    return {
        "url": f"{API}/repos/{of.repository}/releases/assets/{shown.id}",
        "id": shown.id,
        "node_id": f"RA_{shown.id}",
        "name": shown.name,
        "label": shown.label,
        "uploader": user(shown.uploader),
        "content_type": shown.content_type,
        "state": shown.state,
        "size": shown.size,
        "digest": shown.digest if shown.state == UPLOADED else None,
        "download_count": shown.download_count,
        "created_at": shown.created_at,
        "updated_at": shown.updated_at,
        "browser_download_url": f"{WEB}/{of.repository}/releases/download/{of.tag}/{shown.name}",
    }


def _default_branch(world: World, known: Repository) -> str:
    try:
        head = (world.bare(known.full_name) / "HEAD").read_text(encoding="utf-8")
    except OSError:
        return "main"
    return head.strip().removeprefix("ref: refs/heads/")
