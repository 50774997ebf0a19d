"""Every term that people meet here, in a sentence or two. `python -m nexy_tui.glossary` prints docs/glossary.md."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Term:
    """A word, what it means for whoever reads it, and what else it is called."""

    name: str
    meaning: str
    aliases: tuple[str, ...] = ()


GLOSSARY = (
    Term("action", "Something that changes the world: writes the version, commits, pushes, publishes, deploys. It can be repeated."),
    Term("anchor", "A small commit pushed to the code repository that fixes how long the run log was and what it said at that moment."),
    Term("appcast", "The feed that installed clients read to learn of an update: version, address, size and signature of the download."),
    Term("artifact", "A file that is released: Nexy.dmg, and Nexy.pkg where it belongs to the release."),
    Term("artifacts repository", "The repository whose releases hold the downloads. No code goes there.", ("pipeline B",)),
    Term("asset", "A file attached to a release on the release host. The fixed download is an asset."),
    Term("attest", "To vouch, in your own name and with a reason, for something that a machine cannot see. The log says so."),
    Term("backup", "A dump of the database, packed with its checksums, made before anything is published or deployed."),
    Term("check", "Looking at something outside, and the verdict on it. It never changes anything."),
    Term("code repository", "The repository with the server's code; commits, tags and manifests are pushed there.", ("pipeline A",)),
    Term("code-only", "A kind of run that deploys code and publishes no new download: clients keep the version they have."),
    Term("deploy", "To bring the release onto the server: check out the tag, lay the manifests, set the version, restart."),
    Term("digest", "A short number computed from a file's bytes (SHA-256). Two files with the same digest are the same file.", ("sha256",)),
    Term("exposure", "The time between the new download and the new appcast. Customers keep what they have and cannot update meanwhile."),
    Term("fault", "Something that can be switched on in a rehearsal to see what the wizard does about it."),
    Term("fixed tag", "The release tag under which the download always lies: Update for the image, App for the package."),
    Term("fixer", "A guided repair of a known trouble: it finds it, shows what it will do, mends it and looks again."),
    Term("gate", "The comparison of every place that names a version, a size or a digest. All must agree before the release goes on."),
    Term("genesis", "The first line of a run log: who began which release, when, with which key and against which target."),
    Term("hardening", "Taking rights away from the application's database role, so that rows of important tables cannot be deleted."),
    Term("HEAD", "The commit that a checkout stands on now."),
    Term("inbox", "The folder release_inbox, where the built artifacts are laid for publishing."),
    Term("item", "One line of the checklist. It must be verified, or attested where that is allowed, before the release goes on."),
    Term("manifest", "The file in the code repository that says which download a version is. The server makes the appcast from it."),
    Term("manifest commit", "The commit that carries the new manifests; it lies on top of the release commit."),
    Term("not needed", "The item does not concern this kind of run or this target. The reason is shown."),
    Term("phase", "A stage of the release. The next one opens when every item of this one is verified."),
    Term("release commit", "The commit named “Release v…” that carries the new version; the tag names it."),
    Term("release lock", "A mark on the code repository that keeps two people from releasing at once. It expires by itself."),
    Term("restore drill", "Restoring the newest backup into a database of its own, checking it, dropping it: proof that the backup works."),
    Term("rollback", "Putting the release before back at its address. Whoever has installed the new version keeps it."),
    Term("rulebook", "The team's own document on how to release. Each item names its section."),
    Term("run", "One release, action or fix, from its beginning to its sealed log. A run that was cut off can be resumed."),
    Term("run log", "The signed, chained record of a run: what was looked at, done, attested, and how it ended."),
    Term("run-command", "Azure's way to run a script on the server. One at a time; it cannot be cancelled."),
    Term("seal", "The last line of a run log and the signature over the whole file. Nothing can be added after it."),
    Term("Sparkle signature", "The signature over the download that installed clients verify before they install it.", ("ed25519",)),
    Term("survey", "Everything on the server read at once, with nothing changed, shared by all checks."),
    Term("swap", "The moment the download is replaced: two renames on the release host, with nothing missing for longer than that."),
    Term("tag", "A name for a commit. The release's tag is v and the version; the deploy checks it out."),
    Term("target", "What names where a release goes: repositories, hosts, server, database. It comes from your own configuration."),
    Term("unknown", "It could not be seen. Nothing unseen counts as verified.", ("inconclusive",)),
    Term("update-only", "A kind of run that publishes a new download without a new release of the server's code."),
    Term("world", "A rehearsal's complete copy of everything outside, on this machine alone. Nothing leaves it.", ("rehearsal",)),
)
"""In the alphabet's order, whatever the letters' case."""


_FORMS = r"(?:s|es|ed|ing|ation|ations)?"
"""Endings that a term may have in a sentence."""


def used_in(text: str) -> tuple[Term, ...]:
    """The terms that stand in a text, in the glossary's order. One of several words counts where all of them stand there, broken or not."""
    return tuple(term for term in GLOSSARY if any(_stands(name, text) for name in (term.name, *term.aliases)))


def _stands(name: str, text: str) -> bool:
    case = re.NOFLAG if name.isupper() else re.IGNORECASE
    return all(re.search(rf"(?<![\w-]){re.escape(word)}{_FORMS}(?![\w-])", text, case) for word in name.split())


def page() -> str:
    """The glossary as a Markdown page."""
    rows = [f"| **{term.name}**{''.join(f', {alias}' for alias in term.aliases)} | {term.meaning} |" for term in GLOSSARY]
    return "\n".join(["# Glossary", "", "| term | meaning |", "| --- | --- |", *rows, ""])


if __name__ == "__main__":
    print(page(), end="")
