"""The last gate before the log: secrets and URL credentials are taken out of every free text, and what was changed is listed."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote

from nexy_tui.core.problem import Problem
from nexy_tui.core.secret import Secret, redact

TEXT_LIMIT = 8 * 1024
"""Characters of one text; a log is read by people and carried in a git tag. Known secrets are taken out before the cut."""

_HEX = re.compile(r"[0-9a-f]{32,128}")
_SHORT = 12


class Redactor:
    """Cleans the free parts of one record; `pointers` (RFC 6901, into the statement) name what it changed."""

    def __init__(self, secrets: Iterable[Secret]) -> None:
        forms = {form: secret.source for secret in secrets for form in _forms(secret.reveal())}
        self._forms = tuple(Secret(forms[form], form) for form in sorted(forms, key=len, reverse=True))
        self.pointers: list[str] = []

    def clean(self, value: object, pointer: str) -> object:
        """`value` with every text in it cleaned, at any depth. Keys are names the program chose and stay."""
        match value:
            case str():
                return self._text(value, pointer)
            case Mapping():
                return {key: self.clean(inner, f"{pointer}/{_escape(str(key))}") for key, inner in value.items()}
            case list() | tuple():
                return [self.clean(inner, f"{pointer}/{index}") for index, inner in enumerate(value)]
            case _:
                return value

    def demand_absent(self, payload: bytes) -> None:
        """Raises Problem if a secret is still in the bytes to be written. Short ones are passed over: digests hold them by chance."""
        text = payload.decode("ascii")
        for form in self._forms:
            if len(form.reveal()) >= _SHORT and form.reveal() in text:
                raise Problem(
                    f"A record was about to carry the secret from {form.source}.",
                    "The run log is published; the record was not written.",
                    "Report this as a defect of nexy-tui; nothing was started.",
                )

    def _text(self, text: str, pointer: str) -> str:
        whole = text.encode("utf-8", "replace").decode("utf-8")
        digest = _HEX.fullmatch(whole) is not None
        for form in self._forms:
            if not digest or len(form.reveal()) >= _SHORT:
                whole = whole.replace(form.reveal(), "[redacted]")
        begin, left_out = whole[:TEXT_LIMIT], len(whole) - TEXT_LIMIT
        clean = redact(begin)
        if whole != text or clean != begin:
            self.pointers.append(pointer)
        return clean if left_out <= 0 else f"{clean}… ({left_out} characters left out)"


def _forms(secret: str) -> set[str]:
    """The secret as it stands, and as base64, URL quoting and JSON would spell it."""
    if len(secret) < 4:
        return set()
    raw = secret.encode("utf-8", "replace")
    coded = {base64.b64encode(raw).decode("ascii"), base64.urlsafe_b64encode(raw).decode("ascii")}
    return {secret, quote(secret, safe=""), json.dumps(secret)[1:-1]} | coded | {text.rstrip("=") for text in coded}


def _escape(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")
