"""What the release host answers GraphQL queries out of: the asker, the repositories, their releases.

The fields are those that gh asks for (`gh release list`, `gh release view`, `gh repo view`, `gh auth status`, and its looks
beforehand at what the host can do); any other is refused by name, as GitHub refuses one that it does not have.
"""

from __future__ import annotations

import base64
from typing import Any

from nexy_tui.rehearsal.release_host import documents as shapes
from nexy_tui.rehearsal.release_host.access import Account, ApiError
from nexy_tui.rehearsal.release_host.graphql import Arguments, GraphqlError, Tree
from nexy_tui.rehearsal.release_host.store import Repository, StoredAsset, StoredRelease
from nexy_tui.rehearsal.release_host.view import ReleaseView

_MOST = 100
_RELEASE_FIELDS = ("createdAt", "databaseId", "immutable", "isDraft", "isLatest", "isPrerelease", "name", "publishedAt", "tagName", "url")
_EMPTY = {"__typename": "Connection", "totalCount": 0, "nodes": list[Any](), "edges": list[Any]()}
_NONE = ("codeOfConduct", "homepageUrl", "licenseInfo", "mirrorUrl", "parent", "primaryLanguage", "securityPolicyUrl", "templateRepository")
_FEATURES = {
    "deleteBranchOnMerge": False,
    "hasIssuesEnabled": True,
    "hasProjectsEnabled": False,
    "hasWikiEnabled": False,
    "hasDiscussionsEnabled": False,
    "isArchived": False,
    "isBlankIssuesEnabled": True,
    "isEmpty": False,
    "isFork": False,
    "isInOrganization": False,
    "isMirror": False,
    "isSecurityPolicyEnabled": False,
    "isTemplate": False,
    "isUserConfigurationRepository": False,
    "mergeCommitAllowed": True,
    "rebaseMergeAllowed": True,
    "squashMergeAllowed": True,
    "usesCustomOpenGraphImage": False,
    "viewerHasStarred": False,
}


def root(view: ReleaseView, account: Account, login: str) -> Tree:
    """The tree that an asker's query is answered out of."""

    def repository(asked: Arguments) -> Tree:
        name = f"{asked.get('owner')}/{asked.get('name')}"
        try:
            known = view.repository({"owner": str(asked.get("owner")), "repo": str(asked.get("name"))}, account)
        except ApiError:
            raise GraphqlError(f"Could not resolve to a Repository with the name '{name}'.", "NOT_FOUND") from None
        return _repository(view, known, account)

    return {"__typename": "Query", "viewer": _user(login), "repository": repository, "__type": _type}


def _type(asked: Arguments) -> Tree | None:
    """Introspection, of releases alone: gh asks whether they can be immutable."""
    if asked.get("name") != "Release":
        return None
    fields = [{"__typename": "__Field", "name": name} for name in _RELEASE_FIELDS]
    return {"__typename": "__Type", "name": "Release", "fields": lambda _: fields}


def _user(login: str) -> Tree:
    person = shapes.user(login)
    return {"__typename": "User", "id": person["node_id"], "login": login, "name": "", "url": person["html_url"]}


def _repository(view: ReleaseView, known: Repository, account: Account) -> Tree:
    shown = view.repository_document(known, account)
    every = [each for each in view.releases(known) if not each.draft or account.may_write(known)]
    latest = next((each for each in every if not each.draft and not each.prerelease), None)
    found = [_release(view, each, each is latest) for each in every]
    times = {name: shown[f"{name.removesuffix('At')}_at"] for name in ("createdAt", "pushedAt", "updatedAt")}
    connections = ("assignableUsers", "issues", "labels", "languages", "mentionableUsers", "milestones", "projects", "projectsV2")
    return {
        "__typename": "Repository",
        "id": shown["node_id"],
        "databaseId": known.id,
        "name": shown["name"],
        "nameWithOwner": known.full_name,
        "owner": _user(shown["owner"]["login"]),
        "description": shown["description"],
        "url": shown["html_url"],
        "sshUrl": shown["ssh_url"],
        "openGraphImageUrl": shown["owner"]["avatar_url"],
        "isPrivate": known.private,
        "visibility": shown["visibility"].upper(),
        "defaultBranchRef": {"__typename": "Ref", "name": shown["default_branch"]},
        "diskUsage": shown["size"],
        "forkCount": 0,
        "stargazerCount": 0,
        "viewerPermission": "ADMIN" if account.may_write(known) else "READ",
        "viewerCanAdminister": account.may_write(known),
        "viewerSubscription": "UNSUBSCRIBED",
        "viewerDefaultMergeMethod": "MERGE",
        "viewerDefaultCommitEmail": None,
        "viewerPossibleCommitEmails": [],
        "contactLinks": [],
        "fundingLinks": [],
        "issueTemplates": [],
        "pullRequestTemplates": [],
        **dict.fromkeys(_NONE),
        **_FEATURES,
        **times,
        **dict.fromkeys((*connections, "pullRequests", "repositoryTopics", "watchers"), lambda _: _EMPTY),
        "latestRelease": _release(view, latest, True) if latest is not None else None,
        "release": lambda asked: next((each for each in found if each["tagName"] == asked.get("tagName")), None),
        "releases": lambda asked: _connection(found, asked),
    }


def _release(view: ReleaseView, shown: StoredRelease, latest: bool) -> Tree:
    document = view.document(shown)
    return {
        "__typename": "Release",
        "id": document["node_id"],
        "databaseId": shown.id,
        "name": shown.name,
        "tagName": shown.tag,
        "description": shown.body,
        "url": document["html_url"],
        "isDraft": shown.draft,
        "isPrerelease": shown.prerelease,
        "isLatest": latest,
        "immutable": document["immutable"],
        "createdAt": document["created_at"],
        "updatedAt": document["updated_at"],
        "publishedAt": document["published_at"],
        "author": _user(shown.author),
        "tagCommit": None,
        "releaseAssets": lambda asked: _connection([_asset(shown, each) for each in shown.assets.values()], asked),
    }


def _asset(of: StoredRelease, shown: StoredAsset) -> Tree:
    document = shapes.asset(of, shown)
    return {
        "__typename": "ReleaseAsset",
        "id": document["node_id"],
        "name": shown.name,
        "size": shown.size,
        "contentType": shown.content_type,
        "digest": document["digest"],
        "downloadCount": shown.download_count,
        "downloadUrl": document["browser_download_url"],
        "url": document["url"],
        "createdAt": document["created_at"],
        "updatedAt": document["updated_at"],
    }


def _connection(items: list[Tree], asked: Arguments) -> Tree:
    """A part of a list, newest first unless asked otherwise, with the cursor that the next part begins behind."""
    if isinstance(order := asked.get("orderBy"), dict) and order.get("direction") == "ASC":
        items = items[::-1]
    first = asked.get("first", asked.get("last"))
    if not isinstance(first, int):
        raise GraphqlError("You must provide a `first` or `last` value to page the connection.", "MISSING_PAGINATION_BOUNDARIES")
    if first > _MOST:
        raise GraphqlError(f"Requesting {first} records exceeds the `first` limit of {_MOST} records.", "EXCESSIVE_PAGINATION")
    begin = _position(asked.get("after"))
    end = min(begin + first, len(items))
    page = {"__typename": "PageInfo", "hasNextPage": end < len(items), "endCursor": _cursor(end) if end > begin else None}
    page |= {"hasPreviousPage": begin > 0, "startCursor": _cursor(begin + 1) if end > begin else None}
    return {"__typename": "Connection", "totalCount": len(items), "nodes": items[begin:end], "pageInfo": page}


def _cursor(position: int) -> str:
    return base64.b64encode(f"cursor:{position}".encode()).decode()


def _position(cursor: object) -> int:
    if cursor is None:
        return 0
    try:
        return int(base64.b64decode(str(cursor), validate=True).removeprefix(b"cursor:"))
    except ValueError:
        raise GraphqlError(f"`{cursor}` does not appear to be a valid cursor.", "INVALID_CURSOR_ARGUMENTS") from None
