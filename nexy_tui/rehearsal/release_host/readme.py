"""A repository's README as GitHub's REST API gives it, read from the git host's own repository."""

from __future__ import annotations

import asyncio
import base64
import os
import re
from pathlib import Path
from typing import Any

from nexy_tui.rehearsal.release_host.access import not_found
from nexy_tui.rehearsal.release_host.documents import API, WEB

_ENTRY = re.compile(r"\d+ blob (?P<sha>[0-9a-f]+) +(?P<size>\d+)\t(?P<name>readme(\.\w+)?)", re.IGNORECASE)
_REF = re.compile(r"[\w./]+")


async def readme(bare: Path, full_name: str, ref: str) -> dict[str, Any]:
    """The README of a branch, tag or commit. Raises 404 where there is none."""
    if _REF.fullmatch(ref) is None:
        raise not_found()
    listed = await git(bare, "ls-tree", "--long", "-z", ref)
    found = next((match for entry in listed.decode().split("\0") if (match := _ENTRY.fullmatch(entry))), None)
    if found is None:
        raise not_found()
    name, sha = found["name"], found["sha"]
    links = {
        "self": f"{API}/repos/{full_name}/contents/{name}?ref={ref}",
        "git": f"{API}/repos/{full_name}/git/blobs/{sha}",
        "html": f"{WEB}/{full_name}/blob/{ref}/{name}",
    }
    return {
        "type": "file",
        "encoding": "base64",
        "size": int(found["size"]),
        "name": name,
        "path": name,
        "content": base64.encodebytes(await git(bare, "cat-file", "blob", sha)).decode(),
        "sha": sha,
        "url": links["self"],
        "git_url": links["git"],
        "html_url": links["html"],
        "download_url": f"https://raw.githubusercontent.com/{full_name}/{ref}/{name}",
        "_links": links,
    }


async def git(bare: Path, *arguments: str) -> bytes:
    """What git says of a repository. Raises 404 where it does not know what was asked for."""
    environment = {"PATH": os.environ.get("PATH", os.defpath), "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}
    quiet = asyncio.subprocess.DEVNULL
    command = ("git", "--git-dir", str(bare), *arguments)
    child = await asyncio.create_subprocess_exec(*command, stdin=quiet, stdout=asyncio.subprocess.PIPE, stderr=quiet, env=environment)
    output, _ = await child.communicate()
    if child.returncode != 0:
        raise not_found()
    return output
