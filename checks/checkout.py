"""What the team keeps in the checkout: the publisher script and its target, the rulebook's own copy, and what git must ignore."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from checks.base import Check, Scope
from nexy_tui.core import publisher_script
from nexy_tui.core.finding import Evidence, Verdict, failed, inconclusive, not_applicable, noted, passed
from nexy_tui.core.layout import LAYOUTS, PUBLISHER, Layout
from nexy_tui.core.plan import Plan
from nexy_tui.core.problem import CouldNotLook
from nexy_tui.core.remedy import Mend
from nexy_tui.core.repository import is_repository
from nexy_tui.core.rulebook_edition import MAX_SIZE, TITLE, UPDATED, Drift, drift, is_rulebook, resembles, sections, updated
from nexy_tui.core.target import DMG, PKG, Target
from nexy_tui.core.text import printable
from nexy_tui.services import Services
from nexy_tui.services.plain_file import read_plain

"""The core automation script, from the rulebook's repo root (rulebook 1.1)."""

TARGET_KEYS = ("artifacts_repository", "dmg_tag", "pkg_tag")
"""What the script's constants name, by configuration key (rulebook 4.4)."""


# --- the publisher script ---


@dataclass(frozen=True, slots=True)
class ScriptFacts:
    """Whether the script is at its path, the commit has it there, and where else one of its name lies; `moved`: where in the commit."""

    path: str
    there: bool
    committed: bool = False
    elsewhere: tuple[str, ...] = ()
    moved: tuple[str, ...] = ()


def look_script(scope: Scope) -> ScriptFacts:
    """The working tree and the commit, at this layout's path and at the other's."""
    services = scope.services
    layout, path = services.layout, str(services.layout.relative(PUBLISHER))
    known = (*(str(Layout(kind, layout.root).relative(PUBLISHER)) for kind in LAYOUTS), f"server/server/{PUBLISHER}")
    others = [other for other in known if other != path]
    elsewhere = tuple(other for other in others if (layout.root / other).is_file())
    committed = services.git.files_at("HEAD", path, *others)
    moved = tuple(other for other in others if other in committed and other not in elsewhere and path not in committed)
    return ScriptFacts(path, (layout.root / path).is_file(), path in committed, elsewhere, moved)


def judge_script(facts: ScriptFacts, plan: Plan) -> Verdict:
    """It is where the rulebook's command looks for it. A checkout may do without: this tool does what it does."""
    evidence = (
        Evidence("publisher script", "there" if facts.there else "missing", facts.path),
        *(Evidence("publisher script", "another one", path) for path in facts.elsewhere),
    )
    if facts.there and facts.moved:
        what = f"{facts.path} is there, and in no commit: what is committed still has it at {facts.moved[0]}."
        return failed(what, "Commit that move and push it.", *evidence)
    if facts.there:
        return passed(f"{facts.path} is there.", *evidence)
    if facts.committed:
        return failed(f"{facts.path} is missing in the checkout.", Mend("script-paths", then="lays it there again."), *evidence)
    if facts.elsewhere:
        remedy = f"See which is right: git mv {facts.elsewhere[0]} {facts.path}, or set target.layout in the configuration."
        return failed(f"The publisher script lies at {facts.elsewhere[0]}, not at {facts.path}.", remedy, *evidence)
    return not_applicable(f"This checkout has no {facts.path}: nexy-tui publish does its work.", *evidence)


@dataclass(frozen=True, slots=True)
class PublisherFacts:
    """What the script names, or why that cannot be read; neither where there is no script. And what it has to name."""

    path: str
    wanted: Mapping[str, str]
    found: tuple[str, str, str | None] | None = None
    problem: str = ""

    @property
    def there(self) -> bool:
        """Whether there is a script."""
        return self.found is not None or bool(self.problem)


def read_publisher(services: Services, target: Target) -> PublisherFacts:
    """The script's constants, from its syntax tree: nothing of it is run. Raises CouldNotLook."""
    path, wanted = str(services.layout.relative(PUBLISHER)), {key: str(getattr(target, key)) for key in TARGET_KEYS}
    try:
        source = read_plain(services.layout.path(PUBLISHER), publisher_script.MAX_SIZE + 1, services.checkout)
    except FileNotFoundError:
        return PublisherFacts(path, wanted)
    except OSError as error:
        raise CouldNotLook(f"{path} cannot be read: {error.strerror}.", remedy="Mend its permissions, then look again.") from None
    try:
        return PublisherFacts(path, wanted, publisher_script.read(source).values())
    except publisher_script.UnreadableScript as error:
        return PublisherFacts(path, wanted, problem=str(error))


def look_publisher(scope: Scope) -> PublisherFacts:
    """The script beside the target in force."""
    return read_publisher(scope.services, scope.plan.target)


def judge_target(facts: PublisherFacts, plan: Plan) -> Verdict:
    """The script's constants are the configured target's."""
    wanted = tuple(facts.wanted[key] for key in TARGET_KEYS)
    target = Evidence("target", ", ".join(wanted), "configuration")
    if facts.problem:
        remedy = (
            f"See TARGET_REPO and the tags in it (ARTIFACT_MAPPING, or DMG_TAG and PKG_TAG); they must be {', '.join(wanted)}."
            " If they are, attest it."
        )
        return inconclusive(f"What {facts.path} names cannot be read: {facts.problem}.", remedy, target)
    if facts.found is None:
        return passed(f"There is no {facts.path} in this checkout that could name another target.", target)
    said = Evidence("TARGET_REPO, tags", ", ".join(printable(value or "no pkg") for value in facts.found), facts.path)
    host = plan.target.hosts.web
    wrong = [
        f"{printable(value)} instead of {right}"
        for value, right in zip(facts.found, wanted, strict=True)
        if value is not None and value != right and not (right == wanted[0] and _is_it(value, host, right))
    ]
    if wrong:
        return failed(f"{facts.path} publishes to {', '.join(wrong)}.", Mend("target-repository", then="mends it."), said, target)
    return passed(f"{facts.path} publishes to {facts.found[0]}.", said, target)


def _is_it(written: str, host: str, repository: str) -> bool:
    """Whether a script's text names a repository: `owner/name` or an address, in any letter case, as gh takes it."""
    return any(is_repository(one, host, repository) for one in (written, f"https://{host}/{written}"))


def judge_publisher(facts: PublisherFacts, plan: Plan) -> Verdict:
    """As `judge_target`; without a script there is nothing to compare with the target."""
    if not facts.there:
        return not_applicable(f"This checkout has no {facts.path} that could name another target.")
    return judge_target(facts, plan)


# --- the rulebook's copy ---

_FOLDERS = ("", "Docs", "docs", "server/Docs", "server/docs", "server/server/Docs")
_MOST_DOCUMENTS = 500


@dataclass(frozen=True, slots=True)
class Copy:
    """One copy of the rulebook: what it says of its date, its sections' digests, and how they differ from the edition's."""

    updated: str
    sections: Mapping[str, str]
    drift: Drift
    titled: bool = True


@dataclass(frozen=True, slots=True)
class RulebookCopies:
    """Every copy of the rulebook in the checkout, by path."""

    copies: Mapping[str, Copy] = field(default_factory=dict)


def look_rulebook(scope: Scope) -> RulebookCopies:
    """Every document of the checkout that carries the rulebook's title; without one, those that demand what it does."""
    root = scope.services.checkout
    copies: dict[str, Copy] = {}
    for path in {path.resolve(): path for path in _documents(root)}.values():  # docs and Docs may be one folder
        try:
            with path.open("rb") as stream:
                text = stream.read(MAX_SIZE + 1).decode("utf-8-sig", "replace")
        except OSError as error:
            raise CouldNotLook(f"{path} cannot be read: {error.strerror}.", remedy="Mend its permissions, then look again.") from None
        if (titled := is_rulebook(text)) or resembles(text):
            copy = Copy(printable(updated(text), 60), sections(text), drift(text), titled)
            copies[printable(path.relative_to(root).as_posix())] = copy
    return RulebookCopies({path: copy for path, copy in copies.items() if copy.titled} or copies)


def _documents(root: Path) -> Iterator[Path]:
    """Markdown files where the team keeps its documents. A link is followed by nobody: it may lead out of the checkout."""
    for name in _FOLDERS:
        folder = root / name
        if not folder.is_dir():
            continue
        try:
            found = sorted(path for path in folder.iterdir() if path.suffix.lower() == ".md" and path.is_file() and not path.is_symlink())
        except OSError as error:
            raise CouldNotLook(f"{folder} cannot be read: {error.strerror}.", remedy="Mend its permissions, then look again.") from None
        yield from found[:_MOST_DOCUMENTS]


def judge_rulebook(facts: RulebookCopies, plan: Plan) -> Verdict:
    """One rulebook, and the edition the checklist mirrors. What another edition asks for, only a person can tell."""
    evidence = [Evidence("edition mirrored", UPDATED, "nexy-tui")]
    evidence += [
        Evidence("rulebook", f"{copy.updated or 'no date'}; {str(copy.drift) or 'the same, section by section'}", path)
        for path, copy in facts.copies.items()
    ]
    if not facts.copies:
        return not_applicable(f"The checkout has no document titled “{TITLE}”; the checklist mirrors the one of {UPDATED}.", *evidence)
    hollow = [path for path, copy in facts.copies.items() if copy.drift.hollow and not copy.sections]
    if hollow:
        return failed(
            f"{hollow[0]} has the rulebook's title, but none of its sections.", f"Bring it back: git log -p -- {hollow[0]}", *evidence
        )
    path, copy = next(iter(facts.copies.items()))
    if len({(tuple(copy.sections.items()), copy.drift) for copy in facts.copies.values()}) > 1:
        differ, remedy = f"There are two rulebooks that differ: {' and '.join(facts.copies)}.", "It is the single source of truth: "
        if copy.titled:
            return failed(differ, f"{remedy}remove the wrong one, commit and push that.", *evidence)
        return inconclusive(differ, f"{remedy}attest which of them the checklist covers.", *evidence)
    if said := str(copy.drift):
        return inconclusive(
            f"{path} is not the edition that the checklist mirrors ({UPDATED}). {said[0].upper()}{said[1:]}.",
            "Read those sections beside nexy-tui check --list; attest that the checklist covers them, or update nexy-tui.",
            *evidence,
        )
    return passed(f"{path} is the edition that the checklist mirrors ({UPDATED}).", *evidence)


# --- what git ignores ---


class Standing(StrEnum):
    """How git stands to a path."""

    IGNORED = "ignored"
    OPEN = "not ignored, not tracked"
    TRACKED = "tracked"


@dataclass(frozen=True, slots=True)
class IgnoredFacts:
    """How git stands to what must not be committed: the inbox's artifacts, the settings that are there, and the backups."""

    artifacts: Mapping[str, Standing]
    settings: Mapping[str, Standing] = field(default_factory=dict)
    backups: tuple[str, Standing] = ("", Standing.IGNORED)


def look_ignored(scope: Scope) -> IgnoredFacts:
    """Ask git about each. Of the settings the inner file is asked about always, the outer where it is."""
    layout, git = scope.services.layout, scope.services.git
    artifacts = [str(layout.relative(f"release_inbox/{name}")) for name in (DMG, PKG)]
    settings = [str(path) for path in layout.settings]
    folder = str(layout.backups.relative_to(layout.root))
    backup = f"{folder}/nexy_db_20260214T100000Z.tar.gz"
    ignored, tracked = git.ignored(*artifacts, *settings, backup), git.tracked(*artifacts, *settings)

    def standing(path: str) -> Standing:
        return Standing.TRACKED if path in tracked else Standing.IGNORED if path in ignored else Standing.OPEN

    there = [path for path in settings if path == settings[-1] or path in tracked or (layout.root / path).exists()]
    return IgnoredFacts({p: standing(p) for p in artifacts}, {p: standing(p) for p in there}, (folder, standing(backup)))


def judge_ignored(facts: IgnoredFacts, plan: Plan) -> Verdict:
    """git ignores artifacts. Settings that it does not are said and bar nothing: no commit of a release takes them."""
    folder, backups = facts.backups
    both = {**facts.artifacts, **facts.settings}
    evidence = [Evidence(path, standing, "git check-ignore, git ls-files") for path, standing in both.items()]
    evidence += [Evidence(f"{folder}/", backups, "git check-ignore")] if folder else []
    tracked = [path for path, standing in facts.artifacts.items() if standing is Standing.TRACKED]
    if tracked:
        names, ignoring = " ".join(map(shlex.quote, tracked)), ", ".join(f"/{path}" for path in tracked)
        return failed(
            f"git tracks {', '.join(tracked)}.",
            f"git rm --cached -- {names} (the file stays). Add to .gitignore, each a line: {ignoring}. Commit and push that.",
            *evidence,
        )
    open_ones = [path for path, standing in facts.artifacts.items() if standing is Standing.OPEN]
    if open_ones:
        lines = dict.fromkeys(f"/{path.rpartition('/')[0]}/*" for path in open_ones)
        return failed(
            f"git does not ignore {', '.join(open_ones)}.",
            f"Add to .gitignore, each a line: {', '.join(lines)}. Commit and push that.",
            *evidence,
        )
    said = _settings_said(facts.settings)
    verdict = noted if "Warning" in said else passed
    return verdict(f"git ignores the inbox's artifacts{said}{_backups_said(folder, backups)}", *evidence)


def _settings_said(settings: Mapping[str, Standing]) -> str:
    tracked = [path for path, standing in settings.items() if standing is Standing.TRACKED]
    ignorable = ", ".join(f"/{path}" for path, standing in settings.items() if standing is Standing.OPEN)
    if ignorable and not tracked:
        return f". Warning: not config.env; to keep it out of every commit, add to .git/info/exclude, each a line: {ignorable}."
    if not tracked:
        return " and config.env."
    names, are = " and ".join(tracked), "is" if len(tracked) == 1 else "are"
    return (
        f". Warning: {names} {are} tracked; each deploy of nexy-tui keeps the VM's own. To untrack and keep it:"
        " git rm --cached, an ignoring line, commit, push, and deploy that with nexy-tui; git checkout by hand on the VM would delete it."
    )


def _backups_said(folder: str, standing: Standing) -> str:
    """Backups are left alone wherever they lie; how git learns to ignore them."""
    return f" To have git ignore the backups: the line /{folder}/ in .git/info/exclude." if standing is Standing.OPEN else ""


SCRIPT = Check(look_script, judge_script, "Whoever types the rulebook's command finds it there and nowhere else.")
TARGET = Check(look_publisher, judge_publisher, "TARGET_REPO and the tags beside it decide where whoever runs it publishes.")
RULEBOOK = Check(look_rulebook, judge_rulebook, "This checklist is one edition of the team's rulebook; a newer one may ask for more.")
IGNORED = Check(look_ignored, judge_ignored, "What lies in the inbox belongs to the other pipeline, and config.env contains secrets.")
