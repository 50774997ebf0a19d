"""Phase version: the number, the release commit, its tag, and both on the code repository (rulebook section 3, Phase 1)."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from checks.base import Check, Scope, not_there_yet
from checks.tip import look_refs, look_tag, look_tip
from nexy_tui.core.finding import Evidence, Verdict, failed, not_applicable, passed
from nexy_tui.core.plan import Plan
from nexy_tui.core.problem import CouldNotLook
from nexy_tui.core.remedy import Act, Remedy, Run, anew
from nexy_tui.core.target import DMG
from nexy_tui.core.version import NAME_VERSION, Version
from nexy_tui.services.plain_file import read_version_text

NO_VERSION = "No version is named here, and VERSION names none."


@dataclass(frozen=True, slots=True)
class NumberFacts:
    """Release tags on the code repository, and the commit this release's tag names there and here, if any.

    `offered` is the version of the live appcast, asked only where a code-only run needs to know; None where it was not seen.
    `source` is what the code repository is fetched from. `tagged_by` is the run that made a tag which is here alone, empty where it does
    not say. `written` is what VERSION says where no version is known.
    """

    released: tuple[Version, ...]
    remote_tag: str | None
    local_tag: str | None
    release_commit: str | None
    offered: str | None = None
    source: str = ""
    tagged_by: str = ""
    written: str = ""

    def is_left(self, plan: Plan) -> bool:
        """Whether the tag here is this very run's, never pushed, and its commit was written anew since, as by a rebase."""
        return self.remote_tag is None and bool(self.tagged_by) and self.tagged_by == plan.run and self.release_commit is not None


_TAGGED_BY = re.compile(r"^Nexy-Run: (\S+)$", re.MULTILINE)


def run_of_tag(message: str | None) -> str:
    """The run that a release tag's message names; empty where it names none."""
    found = _TAGGED_BY.search(message or "")
    return found[1] if found else ""


def look_number(scope: Scope) -> NumberFacts:
    """Tags, here and there."""
    git, version = scope.services.git, scope.plan.version
    refs = look_refs(scope)
    released = []
    for ref in refs:
        try:
            released.append(Version.parse_tag(ref.removeprefix("refs/tags/").removesuffix("^{}")))
        except ValueError:
            continue
    if version is None:
        return NumberFacts(tuple(released), None, None, None, written=read_version_text(scope.services.layout))
    name = f"refs/tags/{version.tag}"
    there = refs.get(f"{name}^{{}}") or refs.get(name)
    here, commit = look_tag(scope, version.tag), git.release_commit(version.tag)
    alone = here is not None and there is None and here != commit
    tagged_by = run_of_tag(git.tag_message(version.tag)) if alone else ""
    return NumberFacts(tuple(released), there, here, commit, _offered(scope), git.code_source(), tagged_by)


def _offered(scope: Scope) -> str | None:
    """What the appcast offers, where server and manifest are of two versions, so that it tells which of them it follows."""
    plan = scope.plan
    if plan.kind.publishes or plan.served_before == plan.published_before:
        return None
    try:
        appcast = scope.once("live.appcast", scope.services.update_server.appcast).appcast
    except CouldNotLook:  # That it can be seen is the gate's matter.
        return None
    return None if appcast is None else appcast.version


def going_on(plan: Plan) -> str:
    """The command that takes the release to where a step without a command of its own is due: the open run, or a new one."""
    if plan.run is not None and not plan.standalone:
        return f"release --resume {plan.run}"
    return f"release {plan.version or ''}".rstrip()


def released_in_full(version: Version) -> Run:
    """What ends an offer without end: a file of the version that is offered, under a higher number."""
    return Run(f"release {version} --kind full", f"Build {DMG} as {version}, lay it into the inbox, then release it in full")


def _endless(offered: object, file: object) -> str:
    return (
        f"The appcast offers {offered} with the file of {file}: this server's appcast follows config.env, not the manifest."
        " After a code-only release clients would be offered the same update without end."
    )


def is_out(plan: Plan) -> bool:
    """Whether a look without a run speaks of a version that customers have."""
    return plan.standalone and plan.version is not None and plan.version in (plan.served_before, plan.published_before)


def another_version(released: Sequence[Version], plan: Plan, words: str = "Release as {} instead.", then: str = "") -> Remedy:
    """Another version than this one, higher than everything released; within a run, whose version stands, that takes another run."""
    known = (plan.version, plan.served_before, plan.published_before, *released)
    higher = max(one for one in known if one is not None).next_build()
    return words.format(higher) if plan.standalone or plan.run is None else anew(higher, plan.run, then)


def tagged_again(plan: Plan, source: str) -> Remedy:
    """What takes a release's tag to the code repository: its push, and of a version that is out the tag alone."""
    return f"git push {source} {plan.version.tag}" if is_out(plan) and plan.version else Act("push", going_on(plan))


def judge_number(facts: NumberFacts, plan: Plan) -> Verdict:
    """Higher than everything released before, and its tag unused or used for exactly this release's commit."""
    version = plan.version
    if version is None:
        what = (
            f"VERSION says {json.dumps(facts.written[:80])}, which is no version of the form X.Y.Z.Build." if facts.written else NO_VERSION
        )
        return failed(what, NAME_VERSION)
    before = [("live server at the start", plan.served_before), ("manifest at the start", plan.published_before)]
    evidence = [Evidence(name, str(value), "genesis") for name, value in before if value is not None]
    others = [other for other in facts.released if other != version]
    highest = max(others, default=None)
    if highest is not None:
        evidence.append(Evidence("highest other release tag", highest.tag, "code repository"))
    taken = _tag_taken(facts, version, evidence, plan)
    if taken is not None:
        return taken
    published = facts.remote_tag is not None if plan.kind.tags else plan.published_before == version
    if plan.standalone and published:
        return passed(f"{version} is released.", *evidence)
    if special := _tag_lost(facts, plan, evidence) or _offered_again(facts, plan, evidence):
        return special
    for name, value in (*before, *([("", highest)] if highest is not None else [])):
        if value is not None and version <= value:
            what = f"not higher than {value} ({name})" if name else f"lower than {value.tag}"
            return failed(f"{version} is {what}.", another_version(facts.released, plan, "Choose a higher version, as {}."), *evidence)
    return passed(f"{version} is higher than everything released before.", *evidence)


def _tag_lost(facts: NumberFacts, plan: Plan, evidence: Sequence[Evidence]) -> Verdict | None:
    """The verdict where a release is out whose tag the code repository has lost; else None."""
    if not (is_out(plan) and plan.kind.tags and facts.local_tag is not None and facts.local_tag == facts.release_commit):
        return None
    what = f"{plan.version} is out, and its tag is not on {plan.target.code_repository}."
    return failed(what, tagged_again(plan, facts.source), *evidence)


def _offered_again(facts: NumberFacts, plan: Plan, evidence: Sequence[Evidence]) -> Verdict | None:
    """The verdict where the appcast tells by what it offers that it follows config.env; else None."""
    if plan.version is None or facts.offered is None or facts.offered != str(plan.served_before):
        return None
    offered = Evidence("live appcast", facts.offered, plan.target.update_server.feed_url)
    return failed(_endless(plan.served_before, plan.published_before), released_in_full(plan.version), *evidence, offered)


def _tag_taken(facts: NumberFacts, version: Version, evidence: Sequence[Evidence], plan: Plan) -> Verdict | None:
    """The verdict where the release's tag names something that is not this release; else None."""
    named = {commit for commit in (facts.remote_tag, facts.local_tag) if commit is not None}
    if facts.is_left(plan):
        return None
    here_alone = facts.remote_tag is None and facts.local_tag is not None and facts.local_tag != facts.release_commit
    if here_alone and (facts.release_commit is not None or not plan.standalone):
        what = f"{version.tag} is on this machine alone, and names another commit than this release's."
        return failed(what, f"Nobody else has it: git tag -d {version.tag}, then look again.", *evidence)
    if named and facts.release_commit is not None and named != {facts.release_commit}:
        return failed(f"{version.tag} is already used for another commit.", another_version(facts.released, plan), *evidence)
    if named and facts.release_commit is None and not plan.standalone:
        return failed(
            f"{version.tag} is already used, and its commit is not this checkout's release commit.",
            another_version(facts.released, plan, "Check out the release commit, or release as {}.", "(or check out the release commit)"),
            *evidence,
        )
    return None


def judge_commit(facts: NumberFacts, plan: Plan) -> Verdict:
    """The release commit is in the checkout."""
    if not plan.kind.tags:
        return not_applicable("An update-only run has no release commit: VERSION goes with the manifest commit.")
    if plan.version is None:
        return failed(NO_VERSION, NAME_VERSION)
    if facts.release_commit is None:
        missing = Evidence("release commit", "none at HEAD", "checkout")
        said = f"There is no commit “Release {plan.version.tag}” at HEAD."
        return not_there_yet(plan, said, Act("commit", going_on(plan)), missing)
    return passed(f"Release commit {facts.release_commit[:12]}.", Evidence("release commit", facts.release_commit, "checkout"))


def judge_tag(facts: NumberFacts, plan: Plan) -> Verdict:
    """The tag is here and names the release commit."""
    if not plan.kind.tags:
        return not_applicable("An update-only run has no release tag.")
    if plan.version is None:
        return failed(NO_VERSION, NAME_VERSION)
    evidence = Evidence(plan.version.tag, facts.local_tag or "missing", "checkout")
    if facts.local_tag is None and facts.remote_tag is not None and facts.remote_tag == facts.release_commit:
        what = f"The tag {plan.version.tag} is on {plan.target.code_repository}, and not here."
        return failed(what, f"git fetch {facts.source} tag {plan.version.tag}", evidence)
    if facts.local_tag is None or facts.is_left(plan):
        what = "is not made yet" if facts.local_tag is None else "names the release commit as it was before a rebase, and was never pushed"
        return not_there_yet(plan, f"The tag {plan.version.tag} {what}.", Act("commit", going_on(plan)), evidence)
    if facts.local_tag != facts.release_commit:
        return failed(f"{plan.version.tag} does not name the release commit.", another_version(facts.released, plan), evidence)
    return passed(f"{plan.version.tag} names the release commit.", evidence)


@dataclass(frozen=True, slots=True)
class PushedFacts:
    """The tag and branch on the code repository against the release commit.

    `contained`: the branch has the tag's commit. `next`: it has not, and can take it fast-forward. `source` as in NumberFacts.
    """

    local_tag: str | None
    remote_tag: str | None
    branch: str
    contained: bool
    next: bool = False
    source: str = ""


def look_pushed(scope: Scope) -> PushedFacts:
    """Asked of the code repository now."""
    if scope.plan.version is None:
        raise CouldNotLook(NO_VERSION, remedy=NAME_VERSION)
    git, tag, refs, tip = scope.services.git, scope.plan.version.tag, look_refs(scope), look_tip(scope)
    there = refs.get(f"refs/tags/{tag}^{{}}") or refs.get(f"refs/tags/{tag}")
    known = there is not None and git.has_commit(there)
    contained = known and git.ancestor(there or "", tip.commit)
    ahead = known and not contained and git.ancestor(tip.commit, there or "")
    return PushedFacts(look_tag(scope, tag), there, tip.branch, contained, ahead, git.code_source())


def judge_pushed(facts: PushedFacts, plan: Plan) -> Verdict:
    """The tag is on the code repository, names the same commit as here, and the release branch contains it.

    The rulebook pushes the tag alone (Phase 1.3); its publisher's manifest commit then takes the release commit to the branch.
    So without a run a branch that can take it fast-forward is enough, where manifests follow.
    """
    if not plan.kind.tags:
        return not_applicable("An update-only run pushes no tag.")
    tag = plan.version.tag if plan.version else ""
    evidence = (
        Evidence(tag, facts.remote_tag or "missing", plan.target.code_repository),
        Evidence(tag, facts.local_tag or "missing", "checkout"),
    )
    if facts.remote_tag is None:
        return _not_pushed(facts, plan, tag, evidence)
    if facts.local_tag is not None and facts.local_tag != facts.remote_tag:
        return failed(
            f"{tag} names another commit on {plan.target.code_repository} than here.",
            another_version((), plan, "Never move a pushed tag: release the next version, as {}."),
            *evidence,
        )
    if facts.next and plan.standalone and plan.kind.publishes:
        return passed(f"{tag} is on {plan.target.code_repository}; {facts.branch} gets its commit with the manifests.", *evidence)
    if not facts.contained:
        said, remedy = f"{facts.branch} does not contain the commit of {tag}.", Act("push", going_on(plan))
        return not_there_yet(plan, said, remedy, *evidence) if facts.next else failed(said, remedy, *evidence)
    return passed(f"{tag} and {facts.branch} are on {plan.target.code_repository}.", *evidence)


def _not_pushed(facts: PushedFacts, plan: Plan, tag: str, evidence: Sequence[Evidence]) -> Verdict:
    if facts.local_tag is not None and is_out(plan):
        return failed(f"{tag} is not on {plan.target.code_repository} any more.", tagged_again(plan, facts.source), *evidence)
    return not_there_yet(plan, f"{tag} is not on {plan.target.code_repository} yet.", Act("push", going_on(plan)), *evidence)


def look_number_shared(scope: Scope) -> NumberFacts:
    """As `look_number`, shared by the items that judge tags."""
    return scope.once("version.number", lambda: look_number(scope))


NUMBER = Check(look_number_shared, judge_number, "Clients ignore a version that is not higher, and a tag names one commit for ever.")
COMMIT = Check(look_number_shared, judge_commit, "The tag needs a commit of its own.")
TAG = Check(look_number_shared, judge_tag, "The deploy checks this tag out.")
PUSHED = Check(look_pushed, judge_pushed, "The deploy fetches them from there.")
