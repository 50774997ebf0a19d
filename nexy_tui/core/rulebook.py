"""The rulebook's numbered sections, and for those that no checklist item can hold: why not.

Numbers are the rulebook's own. A phase of section 3 is written `3 Phase 2`, a numbered line in it `3 Phase 2.4`;
`3 Phase 1.1` is the heading of that name, so line 1 of Phase 1 belongs to `3 Phase 1`.
"""

from __future__ import annotations

SECTIONS = {
    "0": "Two pipelines",
    "0.1": "GitHub routing guard",
    "1.1": "Critical infrastructure",
    "1.2": "Repository separation",
    "1.3": "Fixed production tags",
    "2": "Versioning architecture",
    "3 Phase 1": "Local preparation",
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
    "3 Phase 2.5": "Verify publication",
    "3 Phase 2.6": "Verify the manifest in the code repository",
    "3 Phase 2.7": "Consistency gate",
    "3 Phase 3": "Server deployment",
    "4.1": "Inbox not found",
    "4.2": "Script not found",
    "4.3": "GH CLI error",
    "4.4": "Wrong target repository",
    "4.5": "Manifest pushed to wrong code repo",
    "4.6": "Azure run-command conflict",
    "4.7": "Gemini key invalid or expired",
    "4.8": "config.env parse crash",
    "4.9": "AppCast serves stale artifact",
    "5": "Search and logs",
    "6.1": "Inbox holds the expected artifacts",
    "6.2": "Script completed with RELEASE COMPLETE",
    "6.3": "Artifacts visible in the fixed tags",
    "6.4": "Manifest updated and pushed",
    "6.5": "/health and appcast show the new version",
    "6.6": "Pre-release backup created",
    "6.7": "Last restore drill not older than 7 days",
}
"""Number and subject of every section and numbered line that says something to do, to have or to see."""

_TROUBLE = "Troubleshooting is no condition of a release: its fixer says what to do when an item fails."

WITHOUT_ITEM = {
    "3 Phase 2": "A heading: each of its numbered lines has items of its own.",
    "3 Phase 2.3": "Laying the artifacts in is the operator's own step; inbox.exists and inbox.dmg see that it was done.",
    **{f"4.{number}": _TROUBLE for number in range(1, 10)},
    "5": "Places to look, no condition: the signed run log keeps what the publisher's output held.",
}
"""Why a section has no item. Every other section of `SECTIONS` has at least one."""
