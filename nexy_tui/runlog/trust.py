"""Whose keys are trusted: the `allowed_signers` file in OpenSSH's format (ssh-keygen(1), ALLOWED SIGNERS)."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from nexy_tui.config.keys import OPERATOR
from nexy_tui.config.origins import require_unwritten
from nexy_tui.core.problem import Refused, Unusable
from nexy_tui.core.text import printable
from nexy_tui.runlog import sshwire
from nexy_tui.services.plain_file import read_plain

NAMESPACE = "release-log@nexy-tui"
"""The signature namespace of run logs."""

NAMESPACES = f"git,{NAMESPACE}"
"""What an operator's key is allowed for: run logs, and git's signed tags."""

MAX_SIZE = 256 * 1024
"""Bytes; a line has about two hundred."""

_KEY_TYPES = ("ssh-", "ecdsa-", "sk-")
_STAMP = re.compile(r"(\d{8})(\d{4}(?:\d{2})?)?(Z?)", re.ASCII)
_BLANK = " \t\r"
"""What OpenSSH passes over around a line; its lines end at a newline and nowhere else."""


@dataclass(frozen=True, slots=True)
class AllowedSigner:
    """One Ed25519 key: for which operators, which namespaces, and from when to when."""

    principals: str
    public: bytes
    namespaces: str | None = None
    valid_after: datetime | None = None
    valid_before: datetime | None = None

    @property
    def keyid(self) -> str:
        """The key's SSH fingerprint."""
        return sshwire.fingerprint(self.public)

    def objection(self, principal: str | None, namespace: str, at: datetime | None) -> str | None:
        """Why this entry does not cover the signature, or None when it does."""
        moment = at.replace(microsecond=0) if at is not None else None
        if principal is not None and not _matches(principal, self.principals):
            return f"the key is not listed for the operator {principal}"
        if self.namespaces is not None and not _matches(namespace, self.namespaces):
            return f"the key is not listed for the namespace {namespace}"
        if moment is not None and self.valid_after is not None and moment < self.valid_after:
            return f"the key was not valid yet at {stamp(moment)}"
        if moment is not None and self.valid_before is not None and moment > self.valid_before:
            return f"the key was no longer valid at {stamp(moment)}"
        return None

    def line(self) -> str:
        """The entry as a line of the file."""
        options = [
            f'{name}="{value}"'
            for name, value in (
                ("namespaces", self.namespaces),
                ("valid-after", self.valid_after and stamp(self.valid_after)),
                ("valid-before", self.valid_before and stamp(self.valid_before)),
            )
            if value
        ]
        return " ".join([self.principals, *([",".join(options)] if options else []), sshwire.openssh_public(self.public)])


@dataclass(frozen=True, slots=True)
class AllowedSigners:
    """The Ed25519 keys of an `allowed_signers` file, in its order."""

    entries: tuple[AllowedSigner, ...] = ()

    @classmethod
    def load(cls, path: Path) -> AllowedSigners:
        """Read a file. Raises Unusable when it cannot be read or a line is malformed."""
        try:
            return cls.parse(read_plain(path, MAX_SIZE + 1), str(path))
        except OSError as error:
            raise Unusable(
                f"The list of trusted keys {path} cannot be read: {error.strerror}.",
                "Without it no signature can be trusted.",
                "Name a file that is there and can be read.",
            ) from None

    @classmethod
    def parse(cls, data: bytes, name: str = "allowed_signers") -> AllowedSigners:
        """Read a file's bytes. Keys of other types and certificate authorities are passed over: no run log is signed by them."""
        entries = []
        if len(data) > MAX_SIZE:
            raise Unusable(f"{name} is larger than {MAX_SIZE} bytes.", "No list of trusted keys is.", "Name an allowed_signers file.")
        for number, raw in enumerate(data.decode("utf-8", "replace").split("\n"), 1):
            text = raw.strip(_BLANK)
            if not text or text.startswith("#"):
                continue
            try:
                entry = _parse_line(text)
            except ValueError as error:
                raise Unusable(
                    f"Line {number} of {name} is not a line of an allowed_signers file: {printable(str(error))}.",
                    "A list of trusted keys that is only half understood is not trusted.",
                    "Correct or remove the line (ssh-keygen(1), ALLOWED SIGNERS).",
                ) from None
            if entry is not None:
                entries.append(entry)
        return cls(tuple(entries))

    def knows(self, keyid: str) -> bool:
        """Whether the key stands in the file at all, valid or not."""
        return any(entry.keyid == keyid for entry in self.entries)

    def covers(self, public: bytes, principal: str) -> bool:
        """Whether the key is listed for an operator's run logs and not ended."""
        return any(
            entry.public == public and entry.valid_before is None and entry.objection(principal, NAMESPACE, None) is None
            for entry in self.entries
        )

    def entry(self, keyid: str, *, principal: str | None = None, namespace: str = NAMESPACE, at: datetime | None = None) -> AllowedSigner:
        """The entry that covers a signature. Raises Refused, saying what stands against the key."""
        why = "it is not in the list of trusted keys"
        for entry in self.entries:
            if entry.keyid == keyid:
                objection = entry.objection(principal, namespace, at)
                if objection is None:
                    return entry
                why = objection
        raise Refused(
            f"The key {keyid[:80]} is not trusted: {why}.",
            "Anyone can make a key; only listed ones speak for an operator.",
            "Get what the operator's `nexy-tui keys export` prints by a way you trust, then: nexy-tui keys trust FILE",
        )


@dataclass(frozen=True, slots=True)
class TrustSource:
    """Where trust comes from, and the keys found there. The verdict names the rule."""

    rule: str
    signers: AllowedSigners


def trust_rules(explicit: Path | None, configured: Path | None, repository: bytes | None) -> tuple[TrustSource, ...]:
    """The sources of trust in their order: `--allowed-signers`, which then stands alone; the user's configuration; the repository's file.

    `repository` is `.nexy/allowed_signers` as of the previous verified release's commit: never a file that the run
    under test could have changed.
    """
    if explicit is not None:
        return (TrustSource(f"--allowed-signers {explicit}", AllowedSigners.load(explicit)),)
    rules = []
    if configured is not None and configured.exists():
        require_unwritten(configured, "list of trusted keys")
        rules.append(TrustSource(f"the user's configuration ({configured})", AllowedSigners.load(configured)))
    if repository is not None:
        name = ".nexy/allowed_signers as of the previous verified release"
        rules.append(TrustSource(name, AllowedSigners.parse(repository, name)))
    return tuple(rules)


def choose(rules: Sequence[TrustSource], keyid: str) -> TrustSource | None:
    """The first source that lists the key: it alone decides, also when it lists the key as ended."""
    return next((rule for rule in rules if rule.signers.knows(keyid)), None)


def new_entry(principal: str, public: bytes, since: datetime) -> AllowedSigner:
    """The entry of an operator's new key, valid from now on."""
    if OPERATOR.fullmatch(principal) is None:
        raise Unusable(
            f"{principal[:60]!r} cannot be an operator's id.",
            "It stands in OpenSSH's allowed_signers file, where spaces, commas and wildcards have a meaning.",
            "Choose letters, digits and . _ @ + - (as ada@example.com).",
        )
    return AllowedSigner(principal, public, NAMESPACES, since.astimezone(UTC).replace(microsecond=0))


def amended(text: str, added: AllowedSigner, ended: str | None = None) -> str:
    """The file's text with a line added, and the lines of the key `ended` closed at the moment the new one begins."""
    lines = [_ended(line, ended, added.valid_after) for line in text.removesuffix("\n").split("\n")] if text else []
    return "\n".join([*lines, added.line()]) + "\n"


def replaced(text: str, handed: AllowedSigner) -> str:
    """The file's text with a line that somebody handed over in the place of those of the same key and operator, or at its end."""
    kept = []
    for line in text.removesuffix("\n").split("\n") if text else []:
        bare = line.strip(_BLANK)
        entry = _parse_line(bare) if bare and not bare.startswith("#") else None
        if entry is None or (entry.public, entry.principals) != (handed.public, handed.principals):
            kept.append(line)
    return "\n".join([*kept, handed.line()]) + "\n"


def stamp(moment: datetime) -> str:
    """A time as OpenSSH writes it, in UTC to the second; also what `ssh-keygen -Overify-time=` takes."""
    return moment.astimezone(UTC).strftime("%Y%m%d%H%M%SZ")


def _ended(line: str, keyid: str | None, at: datetime | None) -> str:
    text = line.strip(_BLANK)
    entry = _parse_line(text) if text and not text.startswith("#") else None
    if entry is None or at is None or entry.keyid != keyid or (entry.valid_before is not None and entry.valid_before <= at):
        return line
    return replace(entry, valid_before=at).line()


def _parse_line(text: str) -> AllowedSigner | None:
    if not text.replace("\t", " ").isprintable():
        raise ValueError("it contains characters that are not seen, and that OpenSSH reads otherwise")
    principals, _, rest = text.partition(" ")
    options: dict[str, str] = {}
    rest = rest.strip()
    if not rest.startswith(_KEY_TYPES):
        raw, rest = _split_options(rest)
        options = _options(raw)
    kind, _, key = rest.partition(" ")
    if not kind.startswith(_KEY_TYPES) or not key.strip():
        raise ValueError("there is no key")
    if kind != sshwire.KEY_TYPE.decode() or "cert-authority" in options:
        return None
    public = sshwire.public_from_blob(sshwire.unbase64(key.split()[0]))
    return AllowedSigner(
        principals.strip('"'),
        public,
        options.get("namespaces"),
        _moment(options.get("valid-after")),
        _moment(options.get("valid-before")),
    )


def _split_options(text: str) -> tuple[str, str]:
    quoted = False
    for index, char in enumerate(text):
        if char == '"' and text[index - 1 : index] != "\\":
            quoted = not quoted
        elif char in " \t" and not quoted:
            return text[:index], text[index:].strip()
    raise ValueError("there is no key")


def _options(text: str) -> dict[str, str]:
    splitter = shlex.shlex(text, posix=True)
    splitter.whitespace, splitter.whitespace_split, splitter.commenters = ",", True, ""
    options = {}
    for part in splitter:
        name, _, value = part.partition("=")
        name = name.lower()
        if name not in ("namespaces", "valid-after", "valid-before", "cert-authority"):
            raise ValueError(f"the option {name[:40]!r} is unknown")
        if name in options:
            raise ValueError(f"the option {name} stands twice")
        options[name] = value
    return options


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    match = _STAMP.fullmatch(text)
    if match is None:
        raise ValueError(f"{text[:40]!r} is not a time of the form YYYYMMDD[HHMM[SS]][Z]")
    try:
        naive = datetime.strptime(match[1] + (match[2] or "0000").ljust(6, "0"), "%Y%m%d%H%M%S")
        return naive.replace(tzinfo=UTC) if match[3] else naive.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"{text!r} is no time of the calendar") from None


def _matches(value: str, patterns: str) -> bool:
    """OpenSSH's pattern-list: `*` and `?`, and a matching `!pattern` refuses whatever else matches."""
    found = False
    for pattern in patterns.split(","):
        if _glob(value, pattern.removeprefix("!")):
            if pattern.startswith("!"):
                return False
            found = True
    return found


def _glob(value: str, pattern: str) -> bool:
    """Whether a pattern of `*` and `?` covers the whole value. Only the last `*` is ever gone back to: no pattern takes long."""
    at = star = kept = 0
    seen = False
    position = 0
    while position < len(value):
        if at < len(pattern) and pattern[at] == "*":
            seen, star, kept = True, at, position
            at += 1
        elif at < len(pattern) and pattern[at] in ("?", value[position]):
            at += 1
            position += 1
        elif seen:
            kept += 1
            at, position = star + 1, kept
        else:
            return False
    return not pattern[at:].strip("*")
