"""Which repository a git URL names: https, ssh and scp-like spellings are the same one (contracts: section on remotes)."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

_SCP = re.compile(r"(?:[^@/\s]+@)?(?P<host>[A-Za-z0-9.-]+):(?!//)(?P<path>[^\s]+)")
_SCHEMES = {"https", "http", "ssh", "git", "git+ssh", "ssh+git", "git+https"}


def repository_of(url: str) -> tuple[str, str] | None:
    """`(host, "owner/name")` in lower case, or None for anything that is not such an address (a local path, a bundle).

    An address with blanks or control characters, or with letters that only look like others, is none: Python's splitting drops tabs and
    line breaks, git does not.
    """
    if not (url.isascii() and url.isprintable()) or " " in url:
        return None
    if "://" in url:
        try:
            parts = urlsplit(url)
            host, path = parts.hostname, parts.path
        except ValueError:
            return None
        if parts.scheme.lower() not in _SCHEMES or not host:
            return None
    else:
        match = _SCP.fullmatch(url)
        if match is None:
            return None
        host, path = match["host"], match["path"]
    pieces = [piece for piece in unquote(path).split("/") if piece]
    if len(pieces) != 2 or not all(piece.isascii() for piece in pieces):
        return None
    owner, name = pieces
    if name[-4:].lower() == ".git":
        name = name[:-4]
    host = host.lower().rstrip(".")
    if host in ("ssh.github.com", "www.github.com"):
        host = "github.com"
    return host, f"{owner}/{name}".lower()


def is_repository(url: str, host: str, repository: str) -> bool:
    """Whether `url` names `repository` (`owner/name`) on `host`, in any spelling."""
    return repository_of(url) == (host.lower(), repository.lower())
