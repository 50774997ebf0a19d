"""The release host's JSON: users, repositories, releases and assets as GitHub's REST API shows them.

Every field that GitHub's published schema (https://github.com/github/rest-api-description) requires is there, so that clients
with typed models of it can read them.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nexy_tui.rehearsal.release_host.access import Account
from nexy_tui.rehearsal.release_host.store import UPLOADED, Repository, StoredAsset, StoredRelease

API = "https://api.github.com"
UPLOADS = "https://uploads.github.com"
WEB = "https://github.com"

_FOUNDED = "2024-01-01T00:00:00Z"
"""When every account and repository of the world was made."""

_USER_PATHS = {
    "followers_url": "/followers",
    "following_url": "/following{/other_user}",
    "gists_url": "/gists{/gist_id}",
    "starred_url": "/starred{/owner}{/repo}",
    "subscriptions_url": "/subscriptions",
    "organizations_url": "/orgs",
    "repos_url": "/repos",
    "events_url": "/events{/privacy}",
    "received_events_url": "/received_events",
}
_REPOSITORY_PATHS = {
    "archive_url": "/{archive_format}{/ref}",
    "assignees_url": "/assignees{/user}",
    "blobs_url": "/git/blobs{/sha}",
    "branches_url": "/branches{/branch}",
    "collaborators_url": "/collaborators{/collaborator}",
    "comments_url": "/comments{/number}",
    "commits_url": "/commits{/sha}",
    "compare_url": "/compare/{base}...{head}",
    "contents_url": "/contents/{+path}",
    "contributors_url": "/contributors",
    "deployments_url": "/deployments",
    "downloads_url": "/downloads",
    "events_url": "/events",
    "forks_url": "/forks",
    "git_commits_url": "/git/commits{/sha}",
    "git_refs_url": "/git/refs{/sha}",
    "git_tags_url": "/git/tags{/sha}",
    "hooks_url": "/hooks",
    "issue_comment_url": "/issues/comments{/number}",
    "issue_events_url": "/issues/events{/number}",
    "issues_url": "/issues{/number}",
    "keys_url": "/keys{/key_id}",
    "labels_url": "/labels{/name}",
    "languages_url": "/languages",
    "merges_url": "/merges",
    "milestones_url": "/milestones{/number}",
    "notifications_url": "/notifications{?since,all,participating}",
    "pulls_url": "/pulls{/number}",
    "releases_url": "/releases{/id}",
    "stargazers_url": "/stargazers",
    "statuses_url": "/statuses/{sha}",
    "subscribers_url": "/subscribers",
    "subscription_url": "/subscription",
    "tags_url": "/tags",
    "teams_url": "/teams",
    "trees_url": "/git/trees{/sha}",
}
_COUNTS = ("forks", "forks_count", "network_count", "open_issues", "open_issues_count", "size", "stargazers_count")
_SWITCHES = {"has_issues": True, **dict.fromkeys(("has_discussions", "has_downloads", "has_pages", "has_projects", "has_wiki"), False)}


def user(login: str) -> dict[str, Any]:
    """A user, as one stands in other documents."""
    number = sum(login.encode())
    api = f"{API}/users/{login}"
    return {
        "login": login,
        "id": number,
        "node_id": f"U_{login}",
        "avatar_url": f"https://avatars.githubusercontent.com/u/{number}?v=4",
        "gravatar_id": "",
        "url": api,
        "html_url": f"{WEB}/{login}",
        **{name: api + path for name, path in _USER_PATHS.items()},
        "type": "User",
        "user_view_type": "public",
        "site_admin": False,
    }


def account(login: str) -> dict[str, Any]:
    """A user, as they see themselves."""
    unsaid = dict.fromkeys(("company", "location", "email", "hireable", "bio", "twitter_username"))
    counts = ("followers", "following", "public_gists", "public_repos", "private_gists", "total_private_repos", "owned_private_repos")
    return {
        **user(login),
        "name": "Rehearsal operator",
        "blog": "",
        **unsaid,
        **dict.fromkeys((*counts, "disk_usage", "collaborators"), 0),
        "two_factor_authentication": True,
        "created_at": _FOUNDED,
        "updated_at": _FOUNDED,
    }


def repository(known: Repository, asker: Account, bare: Path) -> dict[str, Any]:
    """A repository, with the asker's permissions where there is an asker. `bare` is where the git host keeps it."""
    owner, _, name = known.full_name.partition("/")
    api, web = f"{API}/repos/{known.full_name}", f"{WEB}/{known.full_name}"
    pushed = _pushed(bare)
    document: dict[str, Any] = {
        "id": known.id,
        "node_id": f"R_{known.id}",
        "name": name,
        "full_name": known.full_name,
        "owner": user(owner),
        "private": known.private,
        "visibility": "private" if known.private else "public",
        "description": None,
        "homepage": None,
        "language": None,
        "license": None,
        "mirror_url": None,
        "topics": [],
        "url": api,
        "html_url": web,
        **{key: api + path for key, path in _REPOSITORY_PATHS.items()},
        "clone_url": f"{web}.git",
        "git_url": f"git://github.com/{known.full_name}.git",
        "ssh_url": f"git@github.com:{known.full_name}.git",
        "svn_url": web,
        "default_branch": _default_branch(bare),
        "archived": False,
        "disabled": False,
        "fork": False,
        "is_template": False,
        "allow_forking": True,
        "web_commit_signoff_required": False,
        **_SWITCHES,
        **dict.fromkeys((*_COUNTS, "subscribers_count", "watchers", "watchers_count"), 0),
        "created_at": _FOUNDED,
        "updated_at": pushed,
        "pushed_at": pushed,
    }
    if asker.login is not None:
        write = asker.may_write(known)
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


def _pushed(bare: Path) -> str:
    """When the repository was last pushed to."""
    try:
        moment = datetime.fromtimestamp(max((bare / name).stat().st_mtime for name in ("refs/heads", "refs/tags")), UTC)
    except OSError:
        return _FOUNDED
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _default_branch(bare: Path) -> str:
    try:
        head = (bare / "HEAD").read_text(encoding="utf-8")
    except OSError:
        return "main"
    return head.strip().removeprefix("ref: refs/heads/")
