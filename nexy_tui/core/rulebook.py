"""The rulebook's sections and numbered lines, and for those that no checklist item can verify: why not.

Numbers are the rulebook's own. A phase of section 3 is written `3 Phase 2`, a numbered line in it `3 Phase 2.4`;
`3 Phase 1.1` is the heading of that name, so the first line of Phase 1 is written `3 Phase 1 (1)`. Where lines are
numbered within a numbered section, their number follows in parentheses: `2 (1)`, `4.6 (2)`.
"""

from __future__ import annotations

SECTIONS = {
    "0": "Two pipelines",
    "0.1": "GitHub routing guard",
    "1": "Release infrastructure rules",
    "1.1": "Critical infrastructure",
    "1.2": "Repository separation",
    "1.3": "Fixed production tags",
    "2": "Versioning architecture",
    "2 (1)": "SERVER_VERSION and SERVER_BUILD on the VM win",
    "2 (2)": "Then the manifests",
    "2 (3)": "Then the file VERSION",
    "3": "Release process checklist",
    "3 Phase 1": "Local preparation",
    "3 Phase 1 (1)": "Update VERSION",
    "3 Phase 1.2": "Run update_version.py",
    "3 Phase 1.3": "Commit, tag, push the tag",
    "3 Phase 1.1": "DB durability gate",
    "3 Phase 1.1.1": "Pre-release backup",
    "3 Phase 1.1.2": "Restore drill not older than 7 days",
    "3 Phase 1.1.3": "Hardening after a restore",
    "3 Phase 1.1.4": "Canon for DB operations",
    "3 Phase 2": "Artifact publication and sync",
    "3 Phase 2.1": "Build artifacts",
    "3 Phase 2.2": "Pre-check infrastructure",
    "3 Phase 2.3": "Place artifacts into release_inbox",
    "3 Phase 2.4": "Run the publisher",
    "3 Phase 2.4.1": "Update-only integrity rule",
    "3 Phase 2.4.1 (1)": "Upload the artifact",
    "3 Phase 2.4.1 (2)": "Download it from the release URL",
    "3 Phase 2.4.1 (3)": "Compute size and sha256",
    "3 Phase 2.4.1 (4)": "Write them to the manifest",
    "3 Phase 2.5": "Verify publication",
    "3 Phase 2.6": "Verify the manifest in the code repository",
    "3 Phase 2.7": "Consistency gate",
    "3 Phase 3": "Server deployment",
    "4": "Troubleshooting and maintenance",
    "4.1": "Inbox not found",
    "4.2": "Script not found",
    "4.3": "GH CLI error",
    "4.4": "Wrong target repository",
    "4.4 (1)": "Open the publisher script",
    "4.4 (2)": "See TARGET_REPO and ARTIFACT_MAPPING",
    "4.4 (3)": "Publish again",
    "4.5": "Manifest pushed to wrong code repo",
    "4.5 (1)": "See where the remotes go",
    "4.5 (2)": "origin must be the code repository",
    "4.5 (3)": "Switch the remote, publish again",
    "4.6": "Azure run-command conflict",
    "4.6 (1)": "Wait for the command before",
    "4.6 (2)": "Retry once",
    "4.7": "Gemini key invalid or expired",
    "4.7 (1)": "Set the key in both settings files",
    "4.7 (2)": "Restart the service",
    "4.8": "config.env parse crash",
    "4.8 (1)": "The parser must split at the first =",
    "4.8 (2)": "Restart, see /health",
    "4.9": "AppCast serves stale artifact",
    "4.9 (1)": "Sync the manifests",
    "4.9 (2)": "See the gate again",
    "4.9 (3)": "Restart, see the appcast again",
    "5": "Search and logs",
    "6": "Final verification checklist",
    "6.1": "Inbox has the expected artifacts",
    "6.2": "Script completed with RELEASE COMPLETE",
    "6.3": "Artifacts visible in the fixed tags",
    "6.4": "Manifest updated and pushed",
    "6.5": "/health and appcast show the new version",
    "6.6": "Pre-release backup created",
    "6.7": "Last restore drill not older than 7 days",
}
"""Number and subject of every section and numbered line."""

_PARTS = "A heading: each of its parts has items or a reason of its own."


def _fixer(name: str) -> str:
    return f"Troubleshooting is no condition of a release: nexy-tui fix {name} finds this trouble and mends it."


def _step(name: str) -> str:
    return f"A step of the mending, which nexy-tui fix {name} takes."


WITHOUT_ITEM = {
    "1": _PARTS,
    "2 (1)": "The order is the server's own; deploy.config sees both settings, and gate.live what they win over.",
    "2 (2)": "The order is the server's own; version.manifests sees the pair, publish.manifests what it says.",
    "2 (3)": "The order is the server's own; version.files sees the file.",
    "3 Phase 2": "A heading: each of its numbered lines has items of its own.",
    "3 Phase 2.3": "Laying the artifacts in is the operator's own step; inbox.exists and inbox.dmg see that it was done.",
    "3 Phase 2.4.1 (1)": "A step of the publisher; publish.asset sees what came of it.",
    "3 Phase 2.4.1 (2)": "A step of the publisher; publish.bytes downloads again and does not take its word.",
    "3 Phase 2.4.1 (3)": "A step of the publisher; publish.bytes computes both again.",
    "3 Phase 2.4.1 (4)": "A step of the publisher; publish.manifests compares what was written with a download.",
    "4": _PARTS,
    "4.1": _fixer("inbox"),
    "4.3": _fixer("github-auth"),
    "4.4 (1)": "Looking into the script is what remotes.publisher does.",
    "4.4 (2)": "The three values are what remotes.publisher reads from the script's syntax tree.",
    "4.4 (3)": "Publishing again is the operator's own step; publish.asset and publish.bytes see what came of it.",
    "4.5": _fixer("manifest-repository"),
    "4.5 (1)": "Where every remote really pushes is what remotes.code shows.",
    "4.5 (2)": "A remote is known by where it pushes, not by its name: remotes.code sees that one goes there and none goes astray.",
    "4.5 (3)": _step("manifest-repository"),
    "4.6": _fixer("azure-busy"),
    "4.6 (1)": _step("azure-busy"),
    "4.6 (2)": _step("azure-busy"),
    "4.7": _fixer("gemini-key"),
    "4.7 (1)": _step("gemini-key"),
    "4.7 (2)": _step("gemini-key"),
    "4.8": _fixer("config-env"),
    "4.8 (1)": _step("config-env"),
    "4.8 (2)": _step("config-env"),
    "4.9": _fixer("stale-appcast"),
    "4.9 (1)": _step("stale-appcast"),
    "4.9 (2)": _step("stale-appcast"),
    "4.9 (3)": _step("stale-appcast"),
    "5": "Places to look, no condition: nexy-tui where lists them, and the signed run log keeps what the publisher's output said.",
    "6": _PARTS,
}
"""Why a section has no item. Every other section of `SECTIONS` has at least one."""
