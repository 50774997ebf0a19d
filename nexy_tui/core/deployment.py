"""What a deploy has to bring the VM to (contracts: kinds of run)."""

from __future__ import annotations

from dataclasses import dataclass

from nexy_tui.core.kind import Kind
from nexy_tui.core.version import Version


@dataclass(frozen=True, slots=True)
class Deployment:
    """One release as the VM must stand on it, all read from the code repository.

    `tag_commit` is None where the remote has no such tag. The `manifest_files` (two in each directory) are identical at
    `manifest_commit`, with `manifest_sha256`; otherwise `problem` says what is wrong with them there, and the digest is empty.
    """

    version: Version
    kind: Kind
    branch: str
    tag_commit: str | None
    manifest_commit: str | None
    manifest_version: str
    manifest_files: tuple[str, ...]
    manifest_sha256: str
    problem: str = ""

    @property
    def tag(self) -> str:
        """The release's tag."""
        return self.version.tag

    @property
    def manifest_trouble(self) -> str:
        """Why the branch's manifests are not those of this release, or an empty text."""
        if self.kind.publishes and not self.problem and self.manifest_version != str(self.version):
            return f"the manifest on {self.branch} is for {self.manifest_version}, not {self.version}"
        return self.problem

    @property
    def trouble(self) -> str:
        """What still keeps this release from being deployed, or an empty text."""
        if self.kind.tags and self.tag_commit is None:
            return f"the code repository has no tag {self.tag}"
        return self.manifest_trouble

    def parameters(self) -> dict[str, object]:
        """What the deploy on the VM is told of the release."""
        return {
            "kind": self.kind.value,
            "version": str(self.version),
            "tag": self.tag if self.kind.tags else "",
            "tag_commit": (self.tag_commit or "") if self.kind.tags else "",
            "branch": self.branch,
            "manifest_commit": (self.manifest_commit or "") if self.kind.publishes else "",
            "manifest_files": list(self.manifest_files),
            "manifest_sha256": self.manifest_sha256,
        }
