"""`api.github.com` of a rehearsal: the REST endpoints a release is published with, answered as GitHub answers them."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote, urlencode

from nexy_tui.rehearsal.names import CODE, RENAMED, World
from nexy_tui.rehearsal.net.wire import Request, Response, json_response
from nexy_tui.rehearsal.release_host import documents as shapes
from nexy_tui.rehearsal.release_host import graphql, queries, rules
from nexy_tui.rehearsal.release_host.access import DOCS, Access, Account, ApiError, invalid, not_found
from nexy_tui.rehearsal.release_host.readme import git, readme
from nexy_tui.rehearsal.release_host.sign import UrlSigner
from nexy_tui.rehearsal.release_host.store import REPOSITORIES, UPLOADED, StoredAsset, clean_name
from nexy_tui.rehearsal.release_host.view import Found, ReleaseView, first

_PAGE, _LARGEST_PAGE = 30, 100
_OCTETS = "application/octet-stream"
_BY_NUMBER = re.compile(r"/repositories/(?P<id>\d+)(?P<rest>/.*|)")
_BY_OLD_NAME = re.compile(rf"/repos/{re.escape(CODE)}(?P<rest>/.*|)", re.IGNORECASE)

_Answer = Callable[[Request, Account, Found], Awaitable[Response]]


class ApiHandler:
    """The handler of `api.github.com`."""

    def __init__(self, world: World, access: Access, view: ReleaseView, signer: UrlSigner) -> None:
        self._world = world
        self._access = access
        self._view = view
        self._store = view.store
        self._signer = signer
        self._refused_once: set[int] = set()
        repo = "/repos/(?P<owner>[^/]+)/(?P<repo>[^/]+)"
        releases = f"{repo}/releases"
        table: list[tuple[str, str, _Answer]] = [
            ("GET", "/", self._root),
            ("GET", "/user", self._user),
            ("GET", "/rate_limit", self._rate_limit),
            ("POST", "/graphql", self._graphql),
            ("GET", repo, self._repository),
            ("GET", f"{repo}/readme", self._readme),
            ("GET", f"{repo}/branches/(?P<branch>.+)", self._branch),
            ("GET", f"{repo}/rules/branches/(?P<branch>.+)", self._rules),
            ("GET", f"{repo}/rulesets/(?P<id>[0-9]+)", self._ruleset),
            ("GET", releases, self._list_releases),
            ("POST", releases, self._create_release),
            ("GET", f"{releases}/latest", self._latest),
            ("GET", f"{releases}/tags/(?P<tag>.+)", self._by_tag),
            ("GET", f"{releases}/(?P<id>[0-9]+)", self._get_release),
            ("PATCH", f"{releases}/(?P<id>[0-9]+)", self._edit_release),
            ("DELETE", f"{releases}/(?P<id>[0-9]+)", self._delete_release),
            ("GET", f"{releases}/(?P<id>[0-9]+)/assets", self._list_assets),
            ("GET", f"{releases}/assets/(?P<id>[0-9]+)", self._get_asset),
            ("PATCH", f"{releases}/assets/(?P<id>[0-9]+)", self._edit_asset),
            ("DELETE", f"{releases}/assets/(?P<id>[0-9]+)", self._delete_asset),
        ]
        self._routes = [(method, re.compile(pattern), answer) for method, pattern, answer in table]

    async def handle(self, request: Request) -> Response:
        """Answer one request: authenticate, count, dispatch, and turn every refusal into GitHub's form of it."""
        account: Account | None = None
        try:
            account = self._access.account(request)
            self._access.check_rate()
            response = await self._dispatch(request, account)
        except ApiError as error:
            response = error.response()
        given = {name for name, _ in response.headers}
        extra = [pair for pair in self._access.headers(account) if pair[0] not in given]
        return Response(response.status, [*response.headers, *extra], response.body)

    async def _dispatch(self, request: Request, account: Account) -> Response:
        method = "GET" if request.method == "HEAD" else request.method
        path = request.path.rstrip("/") or "/"
        if by_number := _BY_NUMBER.fullmatch(path):
            path = self._by_name(by_number)
        elif self._view.renamed and (by_name := _BY_OLD_NAME.fullmatch(path)) and account.sees(REPOSITORIES[CODE.lower()]):
            return self._moved(by_name["rest"])
        for expected, pattern, answer in self._routes:
            found = pattern.fullmatch(path)
            if found is not None and method == expected:
                return await answer(request, account, found.groupdict())
        raise not_found()

    def _by_name(self, found: re.Match[str]) -> str:
        """A path by a repository's number, which its renaming does not change, as one by its name."""
        known = first([each for each in REPOSITORIES.values() if each.id == int(found["id"])])
        name = RENAMED if self._view.renamed and known.full_name == CODE else known.full_name
        return f"/repos/{name}{found['rest']}"

    def _moved(self, rest: str) -> Response:
        address = f"{shapes.API}/repositories/{REPOSITORIES[CODE.lower()].id}{rest}"
        document = {"message": "Moved Permanently", "url": address, "documentation_url": DOCS}
        return json_response(document, HTTPStatus.MOVED_PERMANENTLY, [("location", address)])

    # --- the asker ---

    async def _root(self, request: Request, account: Account, found: Found) -> Response:
        return json_response({"current_user_url": f"{shapes.API}/user", "rate_limit_url": f"{shapes.API}/rate_limit"})

    async def _user(self, request: Request, account: Account, found: Found) -> Response:
        return json_response(shapes.account(account.require_user()))

    async def _rate_limit(self, request: Request, account: Account, found: Found) -> Response:
        now = dict(self._access.headers(account, count=False))
        core = {name: int(now[f"x-ratelimit-{name}"]) for name in ("limit", "remaining", "used", "reset")}
        return json_response({"resources": {"core": core, "search": core, "graphql": core}, "rate": core})

    async def _graphql(self, request: Request, account: Account, found: Found) -> Response:
        login = account.require_user()
        asked = await _json(request)
        query, variables = str(asked.get("query", "")), asked.get("variables")
        tree = queries.root(self._view, account, login)
        return json_response(graphql.answer(query, variables if isinstance(variables, dict) else {}, tree))

    # --- repositories and releases ---

    async def _repository(self, request: Request, account: Account, found: Found) -> Response:
        return json_response(self._view.repository_document(self._view.repository(found, account), account))

    async def _readme(self, request: Request, account: Account, found: Found) -> Response:
        known = self._view.repository(found, account)
        shown = self._view.repository_document(known, account)
        ref = request.query.get("ref") or shown["default_branch"]
        return json_response(await readme(self._world.bare(known.full_name), shown["full_name"], ref))

    async def _branch(self, request: Request, account: Account, found: Found) -> Response:
        name, branch = self._view.repository(found, account).full_name, unquote(found["branch"])
        tip = await git(self._world.bare(name), "rev-parse", "--verify", f"refs/heads/{branch}^{{commit}}")
        return json_response(rules.branch(name, branch, tip.decode().strip(), self._view.faults))

    async def _rules(self, request: Request, account: Account, found: Found) -> Response:
        name = self._view.repository(found, account).full_name
        return json_response(rules.rules(name, unquote(found["branch"]), self._view.faults))

    async def _ruleset(self, request: Request, account: Account, found: Found) -> Response:
        told = rules.ruleset(self._view.repository(found, account).full_name, int(found["id"]), self._view.faults)
        return json_response(first([told] if told is not None else []))

    async def _list_releases(self, request: Request, account: Account, found: Found) -> Response:
        known = self._view.repository(found, account)
        shown = [each for each in self._view.releases(known) if not each.draft or account.may_write(known)]
        return _page(request, [self._view.document(each) for each in shown])

    async def _latest(self, request: Request, account: Account, found: Found) -> Response:
        known = self._view.repository(found, account)
        return json_response(self._view.document(first([r for r in self._view.releases(known) if not r.draft and not r.prerelease])))

    async def _by_tag(self, request: Request, account: Account, found: Found) -> Response:
        return json_response(self._view.document(self._view.tagged(self._view.repository(found, account), found["tag"])))

    async def _get_release(self, request: Request, account: Account, found: Found) -> Response:
        return json_response(self._view.document(self._view.release(self._view.repository(found, account), found["id"])))

    async def _create_release(self, request: Request, account: Account, found: Found) -> Response:
        known = self._view.repository(found, account)
        login = account.require_write(known)
        asked = await _json(request)
        tag = asked.get("tag_name")
        if not isinstance(tag, str) or not tag:
            raise invalid("Release", "missing_field", "tag_name")
        if any(each.tag == tag for each in self._store.of(known)):
            raise invalid("Release", "already_exists", "tag_name")
        made = self._store.add_release(known, tag, login, **{"name": asked.get("name") or "", **_release_fields(asked)})
        return json_response(self._view.document(made), HTTPStatus.CREATED)

    async def _edit_release(self, request: Request, account: Account, found: Found) -> Response:
        known = self._view.repository(found, account)
        account.require_write(known)
        release = self._view.release(known, found["id"])
        asked = await _json(request)
        self._view.require_open(release, "Cannot edit an immutable release.")
        tag = asked.get("tag_name", release.tag)
        if any(each.tag == tag and each is not release for each in self._store.of(known)):
            raise invalid("Release", "already_exists", "tag_name")
        release.tag = tag
        for name, value in _release_fields(asked).items():
            setattr(release, name, value)
        release.name = asked.get("name", release.name)
        self._store.save()
        return json_response(self._view.document(release))

    async def _delete_release(self, request: Request, account: Account, found: Found) -> Response:
        known = self._view.repository(found, account)
        account.require_write(known)
        self._store.remove_release(self._view.release(known, found["id"]))
        return Response(HTTPStatus.NO_CONTENT)

    # --- assets ---

    async def _list_assets(self, request: Request, account: Account, found: Found) -> Response:
        release = self._view.release(self._view.repository(found, account), found["id"])
        return _page(request, [shapes.asset(release, each) for each in release.assets.values()])

    async def _get_asset(self, request: Request, account: Account, found: Found) -> Response:
        release, asset = self._view.asset(self._view.repository(found, account), found["id"])
        if _OCTETS not in request.headers.get("accept", ""):
            return json_response(shapes.asset(release, asset))
        if asset.state != UPLOADED:
            raise not_found()
        return Response(HTTPStatus.FOUND, [("location", self._signer.url(asset)), ("x-nexy-asset-id", str(asset.id))])

    async def _edit_asset(self, request: Request, account: Account, found: Found) -> Response:
        known = self._view.repository(found, account)
        account.require_write(known)
        release, asset = self._view.asset(known, found["id"])
        asked = await _json(request)
        self._refuse_once(asset)
        self._view.require_open(release, "Cannot edit assets of an immutable release.")
        name = clean_name(str(asked.get("name", asset.name)))
        if not name:
            raise invalid("ReleaseAsset", "missing_field", "name")
        other = release.named(name)
        if other is not None and other is not asset:
            raise invalid("ReleaseAsset", "already_exists", "name")
        self._store.edit(release, asset, name, str(asked.get("label", asset.label) or ""))
        return json_response(shapes.asset(release, asset))

    async def _delete_asset(self, request: Request, account: Account, found: Found) -> Response:
        known = self._view.repository(found, account)
        account.require_write(known)
        release, asset = self._view.asset(known, found["id"])
        self._view.require_open(release, "Cannot delete assets from an immutable release.")
        self._store.remove(release, asset, keep_bytes=self._view.faults.active("download-stale-once"))
        return Response(HTTPStatus.NO_CONTENT)

    def _refuse_once(self, asset: StoredAsset) -> None:
        """Just after an upload a rename can answer 404 for a moment (fault `rename-404-once`)."""
        if self._view.faults.active("rename-404-once") and asset.id not in self._refused_once:
            self._refused_once.add(asset.id)
            raise not_found()


async def _json(request: Request) -> dict[str, Any]:
    try:
        document = json.loads(await request.read(1 << 20) or b"{}")
    except ValueError:
        raise ApiError(HTTPStatus.BAD_REQUEST, "Problems parsing JSON") from None
    if not isinstance(document, dict):
        raise ApiError(HTTPStatus.BAD_REQUEST, "Body should be a JSON object")
    return document


def _release_fields(asked: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a release that a request sets as they stand."""
    names = {"body": "body", "target_commitish": "target", "draft": "draft", "prerelease": "prerelease"}
    return {field: asked[name] for name, field in names.items() if asked.get(name) is not None}


def _page(request: Request, items: list[dict[str, Any]]) -> Response:
    """One page of a list, with GitHub's Link header."""
    size = max(1, min(_LARGEST_PAGE, _number(request.query.get("per_page"), _PAGE)))
    number = max(1, _number(request.query.get("page"), 1))
    last = max(1, -(-len(items) // size))
    pages = {"prev": number - 1, "next": number + 1, "first": 1, "last": last}
    wanted = [name for name, page in pages.items() if 1 <= page <= last and page != number]
    base = f"{shapes.API}{request.path}"
    links = [f'<{base}?{urlencode({**request.query, "per_page": size, "page": pages[name]})}>; rel="{name}"' for name in wanted]
    return json_response(items[(number - 1) * size : number * size], headers=[("link", ", ".join(links))] if links else [])


def _number(text: str | None, default: int) -> int:
    return int(text) if text is not None and text.isdigit() else default
