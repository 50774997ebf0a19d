"""The release version `X.Y.Z.Build` (contracts: version)."""

from __future__ import annotations

import re
from dataclasses import dataclass

_FORM = re.compile(r"(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})")

NAME_VERSION = "Name the version (nexy-tui release 1.6.1.43, say), or write it into VERSION."
"""What to do by hand where no version is known."""


@dataclass(frozen=True, order=True, slots=True)
class Version:
    """Four non-negative integers, compared numerically field by field; rulebook section 2."""

    major: int
    minor: int
    patch: int
    build: int

    @classmethod
    def parse(cls, text: str) -> Version:
        """Read `X.Y.Z.Build`: no prefix, no leading zeros. Raises ValueError naming the text."""
        match = _FORM.fullmatch(text)
        if match is None:
            raise ValueError(f"{text[:60]!r} is not a version of the form X.Y.Z.Build (as 1.6.1.43)")
        return cls(*(int(group) for group in match.groups()))

    @classmethod
    def parse_tag(cls, tag: str) -> Version:
        """Read `vX.Y.Z.Build`. Raises ValueError naming the text."""
        if not tag.startswith("v"):
            raise ValueError(f"{tag[:60]!r} is not a release tag of the form vX.Y.Z.Build (as v1.6.1.43)")
        return cls.parse(tag[1:])

    @property
    def tag(self) -> str:
        """The git tag of this version's release."""
        return f"v{self}"

    def next_build(self) -> Version:
        """The smallest higher version: the same with the build raised by one."""
        return Version(self.major, self.minor, self.patch, self.build + 1)

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}.{self.build}"
