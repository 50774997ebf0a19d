"""Secrets that do not print themselves, and text with credentials taken out."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit, urlunsplit

_USERINFO = re.compile(r"(?<![A-Za-z0-9+.-])(?P<scheme>[A-Za-z][A-Za-z0-9+.-]{0,20}://)[^/\s@'\"]{1,2000}@")
_ADDRESS = re.compile(r"(?P<url>https?://[^\s?'\"]+)(?P<query>\?[^\s'\"<>]*)?")
_TOKENS = re.compile(r"\b(gh[pousr]_[A-Za-z0-9]{16,}|github_pat_[A-Za-z0-9_]{20,}|AIza[0-9A-Za-z_-]{30,})")
_JWT = re.compile(r"\beyJ[A-Za-z0-9_-]{10,}(?P<rest>\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]*)?")
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
    text = _USERINFO.sub(r"\g<scheme>[redacted]@", text)
    text = _ADDRESS.sub(lambda found: f"{found['url']}?[redacted]" if found["query"] else found[0], text)
    text = _JWT.sub(lambda found: "[redacted]" if found["rest"] else found[0], text)
    return _TOKENS.sub("[redacted]", text)


def bare_url(url: str) -> str:
    """A URL without credentials, query and fragment, fit for a log."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
