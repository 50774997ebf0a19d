"""Secrets that do not print themselves, and text with credentials taken out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

_AUTHORITY = re.compile(r"(?:(?<=://)|(?<=https:/)(?!/)|(?<=http:/)(?!/))(?:(?!://)[^\s'\"])+")
"""What stands behind a scheme; as a path, an address loses one of its slashes."""

_BARE_AUTHORITY = re.compile(r"(?<![^\s'\"(=])[^\s:/@'\"]{1,200}:(?!//)[^\s'\"]{1,2000}@(?=[\w.\[\]:-]{1,300}:\d{1,5}\b)")
"""`user:password@host:port`, as proxies are often given."""

_HOST_AND_PORT = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[^:@\[\]]*)(:\d{0,5})?")
_ADDRESS = re.compile(r"(?P<url>https?://[^\s?'\"]+)(?P<query>\?[^\s'\"<>]*)?", re.IGNORECASE)
_TOKENS = re.compile(r"\b(gh[pousr]_[A-Za-z0-9]{16,}|github_pat_[A-Za-z0-9_]{20,}|AIza[0-9A-Za-z_-]{30,})")
_JWT = re.compile(r"\beyJ[A-Za-z0-9_-]{10,}(?P<rest>\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]*)?")
_SECRET_NAMES = re.compile(r"TOKEN$|SECRET$|PASSWORD$|API_KEY$|PRIVATE_KEY$|^PGPASSWORD$")
"""Environment variables whose values are secrets."""

_SHORTEST = 6

# What makes an address or a JWT worth hiding is optional in its pattern: each stretch of text is then walked once, whatever is in it.


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret and where it came from; its repr and str show the source alone."""

    source: str
    _value: str = field(repr=False)

    def reveal(self) -> str:
        """The secret itself. Call it only where it is handed to the outside."""
        return self._value

    def __str__(self) -> str:
        return f"<secret from {self.source}>"


def redact(text: str, *secrets: Secret) -> str:
    """`text` without URL credentials, URL queries, anything token-shaped, or the given secrets."""
    for secret in secrets:
        if len(secret.reveal()) >= 4:
            text = text.replace(secret.reveal(), "[redacted]")
    text = _AUTHORITY.sub(lambda found: _without_userinfo(found[0], "[redacted]@"), text)
    text = _BARE_AUTHORITY.sub("[redacted]@", text)
    text = _ADDRESS.sub(lambda found: f"{found['url']}?[redacted]" if found["query"] else found[0], text)
    text = _JWT.sub(lambda found: "[redacted]" if found["rest"] else found[0], text)
    return _TOKENS.sub("[redacted]", text)


def bare_url(url: str) -> str:
    """A URL without credentials, query and fragment, fit for a log."""
    scheme, separator, rest = url.partition("://")
    if not separator:
        return url.rpartition("@")[2]
    return scheme + separator + re.split(r"[?#]", _without_userinfo(rest, ""))[0]


def bare_proxy(address: str) -> str:
    """A proxy's address as nothing but scheme (if it has one), host and port: all that stands before the last `@` is a credential."""
    scheme, separator, rest = address.partition("://") if "://" in address else ("", "", address)
    return scheme + separator + re.split(r"[/?#]", rest.rpartition("@")[2])[0]


def _without_userinfo(rest: str, instead: str) -> str:
    """What stands after `://`, its credentials replaced. A password may itself hold `@`, `/`, `?` and `#`: in doubt more is taken out."""
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    if "@" not in rest or _HOST_AND_PORT.fullmatch(authority):
        return rest
    return instead + rest.rpartition("@")[2]


def secrets_of(environ: Mapping[str, str]) -> list[Secret]:
    """Every secret that stands in these variables: by its variable's name, or as the credentials of a proxy's address."""
    found = []
    for name, value in environ.items():
        if name.lower().endswith("_proxy"):
            found += [Secret(f"environment {name}", part) for part in _credentials(value)]
        elif _SECRET_NAMES.search(name) and len(value) >= _SHORTEST:
            found.append(Secret(f"environment {name}", value))
    return found


def _credentials(address: str) -> list[str]:
    """The credentials in an address, and the password alone, as they stand and decoded; the longest first."""
    userinfo = address.partition("://")[2] or address
    if "@" not in userinfo:
        return []
    userinfo = userinfo.rpartition("@")[0]
    parts = {userinfo, userinfo.partition(":")[2]}
    return sorted((part for part in parts | {unquote(part) for part in parts} if len(part) >= _SHORTEST), key=len, reverse=True)
