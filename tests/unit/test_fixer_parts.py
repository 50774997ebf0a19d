"""The pure parts of the fixers: settings files, the publisher script, the configuration, the judges, and the table itself."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.checkout import PublisherFacts, judge_target
from checks.deploy import judge_service
from nexy_tui.checklist import CHECKLIST
from nexy_tui.core import config_env as reading
from nexy_tui.core import publisher_script
from nexy_tui.core.finding import Status, failed, inconclusive, passed
from nexy_tui.core.kind import Kind
from nexy_tui.core.plan import Plan
from nexy_tui.core.problem import Refused
from nexy_tui.core.remedy import Mend
from nexy_tui.core.target import DMG, Target
from nexy_tui.core.text import unified
from nexy_tui.core.version import Version
from nexy_tui.core.vm_facts import SettingsFile, VmFacts
from nexy_tui.fixers import FIXERS, TROUBLES, azure_busy, config_env, fixer, gemini_key, github_auth, inbox, manifest_repository
from nexy_tui.fixers.stale_appcast import worst
from nexy_tui.fixers.target_repository import named, retargeted
from nexy_tui.services.git import Remote
from nexy_tui.services.github import Rights
from nexy_tui.services.github_token import Proof
from nexy_tui.services.on_vm.settings_files import KEY, split_at_first, with_key, without_bad_names
from nexy_tui.services.remotes import MANIFEST_COMMIT, StrayManifest

PLAN = Plan(Target(), Version.parse("1.6.1.42"), Kind.FULL, datetime.now(UTC))
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


# --- the table ---


def test_a_fixer_for_each_section_of_the_chapter_found_by_name_and_by_number() -> None:
    assert [one.section for one in TROUBLES] == [f"4.{number}" for number in range(1, 10)]
    for one in FIXERS:
        assert fixer(one.name) is fixer(one.trouble.section) is one
        assert one.parts and all(part.id.startswith(f"fix.{one.name}") for part in one.parts)
    assert fixer("4.10") is fixer("nothing") is None
    actions = [part.action.name for one in FIXERS for part in one.parts]
    assert len(set(actions)) == len(actions)


def test_every_fixer_that_an_item_names_is_there() -> None:
    names = {name for item in CHECKLIST.items for name in item.fixers}
    assert names and names <= {one.name for one in FIXERS}


# --- config.env ---

LINES = st.lists(
    st.one_of(
        st.from_regex(r"[A-Z_]{1,8}=[ -~]{0,12}", fullmatch=True),
        st.from_regex(r"#[ -~]{0,12}", fullmatch=True),
        st.from_regex(r"[ -~]{0,16}", fullmatch=True),
        st.just(f"{KEY}=AIzaOld=="),
        st.just(f"  {KEY} = x"),
        st.just("export PLAIN=1"),
    ),
    max_size=8,
)
ENDINGS = st.sampled_from(("\n", "\r\n"))


@given(LINES, ENDINGS, st.booleans())
def test_a_key_is_set_or_added_and_every_other_byte_stays(lines: list[str], ending: str, closed: bool) -> None:
    text = ending.join(lines) + (ending if closed and lines else "")
    after, said = with_key(text.encode(), KEY, "AIzaNew=1")
    shown = after.decode()
    assert reading.parse(shown)[KEY] == "AIzaNew=1"
    mine = re.compile(rf"[ \t]*{KEY}[ \t]*=.*")
    assert [line for line in shown.split("\n") if line and not mine.match(line)] == [
        line for line in text.split("\n") if line and not mine.match(line)
    ]
    assert with_key(after, KEY, "AIzaNew=1") == (after, [])
    assert bool(said) == (after != text.encode()) and "AIza" not in " ".join(said)


@given(LINES, ENDINGS)
def test_without_bad_names_the_server_takes_the_file_and_no_good_line_changes(lines: list[str], ending: str) -> None:
    text = ending.join(lines)
    after, said = without_bad_names(text.encode())
    mended = after.decode()
    assert without_bad_names(after) == (after, [])
    for before, now in zip(text.split("\n"), mended.split("\n"), strict=True):
        name = before.strip().partition("=")[0].strip()
        good = not before.strip() or before.strip().startswith("#") or ("=" in before and NAME.fullmatch(name))
        assert (
            (now == before) if good else (now.endswith(before) or f"export {now.strip()}" == " ".join(before.split()) or "export" in before)
        )
    assert bool(said) == (after != text.encode())


def test_bad_names_are_told_by_line_without_their_values() -> None:
    after, said = without_bad_names(
        b"\xef\xbb\xbfA=1\nBAD-NAME=s3cret\nexport B=s3cret\n=s3cret\ns3cretwithoutname\n2X=s3cret\n\x1b[31m=s3cret\r\n"
    )
    assert after == b"A=1\n# BAD-NAME=s3cret\nB=s3cret\n# =s3cret\n# s3cretwithoutname\n# 2X=s3cret\n# \x1b[31m=s3cret\r\n"
    assert [line.split(":")[0] for line in said] == ["line 1", "line 2", "line 3", "line 4", "line 5", "line 6", "line 7"]
    assert "s3cret" not in " ".join(said) and "\x1b" not in " ".join(said)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"n, v = line.rsplit('=', 1)\n", b"n, v = line.split('=', 1)\n"),
        (b'n, v = line.rsplit( "=" , maxsplit = 1 )', b'n, v = line.split( "=" , maxsplit = 1 )'),
        (b"n, v = line.split('=', 1)", b"n, v = line.split('=', 1)"),
        (b"path.rsplit('/', 1)", b"path.rsplit('/', 1)"),
        (b"line.rsplit('=')", b"line.rsplit('=')"),
    ],
)
def test_only_the_split_at_the_last_equals_sign_is_mended(before: bytes, after: bytes) -> None:
    assert split_at_first(before)[0] == after
    assert bool(split_at_first(before)[1]) == (before != after)


# --- the publisher script ---

SCRIPT = """#!/usr/bin/env python3
# é: columns of a syntax tree are bytes
TARGET_REPO: str = 'Someone/else'  # comment
ARTIFACT_MAPPING = {"Nexy.dmg": {"é": "é", "tag": "v1.6.1.42"}, "Nexy.pkg": {"tag": "A" "pp"}}
"""


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
def test_a_publisher_script_is_mended_in_place(newline: str, bom: bytes) -> None:
    source = bom + SCRIPT.replace("\n", newline).encode()
    assert publisher_script.read(source).values() == ("Someone/else", "v1.6.1.42", "App")
    mended = publisher_script.mend(source, "Seregawpn/Nexy_production", "Update", "App")
    assert mended == source.replace(b"Someone/else", b"Seregawpn/Nexy_production").replace(b'"v1.6.1.42"', b'"Update"')
    assert publisher_script.mend(mended, "Seregawpn/Nexy_production", "Update", "App") == mended


@pytest.mark.parametrize(
    ("source", "values"),
    [
        (b"TARGET_REPO = 'a/b'\nDMG_TAG = 'Beta'  # x\nPKG_TAG: str = 'Apps'\n", ("a/b", "Beta", "Apps")),
        (b"TARGET_REPO = 'a/b'\nDMG_TAG = 'Beta'\n", ("a/b", "Beta", None)),
        (b"REPO = 'a/b'\nTARGET_REPO = REPO\nDMG_TAG = 'Beta'\nARTIFACT_MAPPING = {'Nexy.dmg': {'tag': DMG_TAG}}\n", ("a/b", "Beta", None)),
        (b"TARGET_REPO = 'a/b'\nDMG_TAG = 'Update'\nARTIFACT_MAPPING = {'Nexy.dmg': 'Beta'}\n", ("a/b", "Beta and Update", None)),
        (b"TARGET_REPO = 'a/b'\nDMG_TAG = 'Beta'\nARTIFACT_MAPPING = {'Nexy.pkg': {'tag': 'Apps'}}\n", ("a/b", "Beta", "Apps")),
    ],
)
def test_a_script_with_constants_of_its_own_is_read_and_mended(source: bytes, values: tuple[str, str, str | None]) -> None:
    assert publisher_script.read(source).values() == values
    mended = publisher_script.mend(source, "Seregawpn/Nexy_production", "Update", "App")
    expected = source.replace(b"a/b", b"Seregawpn/Nexy_production").replace(b"'Beta'", b"'Update'").replace(b"'Apps'", b"'App'")
    assert mended == expected


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (b"TARGET_REPO = os.environ['R']\nARTIFACT_MAPPING = {'Nexy.dmg': {'tag': 'Update'}}", "no literal text"),
        (b"TARGET_REPO = f'{a}/b'\nARTIFACT_MAPPING = {'Nexy.dmg': {'tag': 'Update'}}", "no literal text"),
        (b"ARTIFACT_MAPPING = {'Nexy.dmg': {'tag': 'Update'}}", "TARGET_REPO is given a value 0 times"),
        (b"TARGET_REPO = 'a/b'\nTARGET_REPO = 'c/d'\nARTIFACT_MAPPING = {'Nexy.dmg': {'tag': 'U'}}", "2 times"),
        (b"TARGET_REPO = 'a/b'\nARTIFACT_MAPPING = dict()", "no literal dictionary"),
        (b"TARGET_REPO = 'a/b'\nARTIFACT_MAPPING = {**x, 'Nexy.dmg': {'tag': 'U'}}", "entries from elsewhere"),
        (b"TARGET_REPO = 'a/b'\nARTIFACT_MAPPING = {}", "names a tag of Nexy.dmg"),
        (b"TARGET_REPO = 'a/b'\nARTIFACT_MAPPING = {'Nexy.dmg': {}}", "has no tag"),
        (b"TARGET_REPO = 'a/b'\nPKG_TAG = 'App'", "names a tag of Nexy.dmg"),
        (b"TARGET_REPO = 'a/b'\nDMG_TAG = os.environ.get('T', 'Update')", "DMG_TAG is no literal text"),
        (b"TARGET_REPO = 'a/b'\nDMG_TAG = TAG", "TAG is given a value 0 times"),
        (b"TARGET_REPO = R\nR = TARGET_REPO\nDMG_TAG = 'Update'", "no literal text"),
        (b"def (", "not valid Python"),
        (b"x = '\xff'", "not UTF-8"),
        (b"x = 1\0", "cannot be read|not valid Python"),
        (b"-" * 200_000 + b"1", "cannot be read|not valid Python"),
        (b"#" * (publisher_script.MAX_SIZE + 1), "larger than"),
    ],
)
def test_a_publisher_script_that_cannot_be_read_says_why(source: bytes, reason: str) -> None:
    with pytest.raises(publisher_script.UnreadableScript, match=reason):
        publisher_script.read(source)


def test_the_scripts_judge_holds_it_against_the_configured_target() -> None:
    wanted = named(Target())
    assert judge_target(PublisherFacts("p", wanted, ("Seregawpn/Nexy_production", "Update", None)), PLAN).status is Status.PASSED
    assert judge_target(PublisherFacts("p", wanted), PLAN).status is Status.PASSED
    assert judge_target(PublisherFacts("p", wanted, problem="no literal"), PLAN).status is Status.INCONCLUSIVE
    verdict = judge_target(PublisherFacts("p", wanted, ("Seregawpn/Nexy_production", "UpdateBeta", "App")), PLAN)
    assert verdict.status is Status.FAILED and "UpdateBeta instead of Update" in verdict.summary


@pytest.mark.parametrize(
    ("written", "status"),
    [
        ("seregawpn/nexy_production", Status.PASSED),
        ("https://github.com/Seregawpn/Nexy_production.git", Status.PASSED),
        ("git@github.com:Seregawpn/Nexy_production", Status.PASSED),
        ("https://example.org/Seregawpn/Nexy_production", Status.FAILED),
        ("Seregawpn/Nexy_production2", Status.FAILED),
        ("Nexy_production", Status.FAILED),
        ("", Status.FAILED),
    ],
)
def test_the_scripts_repository_is_the_targets_in_any_spelling(written: str, status: Status) -> None:
    assert judge_target(PublisherFacts("p", named(Target()), (written, "Update", "App")), PLAN).status is status
    assert judge_target(PublisherFacts("p", named(Target()), (written, "seregawpn/nexy_production", "App")), PLAN).status is Status.FAILED


# --- the configuration ---


@pytest.mark.parametrize(
    "text",
    [
        '[target]\nartifacts_repository = "A/b" # ours\n\n[waiting]\nspeed = 2\n',
        "target.artifacts_repository = 'A/b'\n",
        '[operator]\nid = "x"\n[target]\r\ndmg_tag = "U"\r\npkg_tag="A"\r\nartifacts_repository="A/b"\r\n',
    ],
)
def test_the_configurations_target_is_replaced_and_nothing_else(text: str) -> None:
    after = retargeted(text, named(Target()), "config.toml")
    changed = [(a, b) for a, b in zip(text.splitlines(), after.splitlines(), strict=True) if a != b]
    assert changed and all("Seregawpn/Nexy_production" in b or "Update" in b or "App" in b for _, b in changed)
    assert after.count("\r") == text.count("\r") and ("# ours" in text) == ("# ours" in after)


@pytest.mark.parametrize("text", ['target = { artifacts_repository = "A/b" }\n', '[target]\nartifacts_repository = """A/b"""\n'])
def test_a_configuration_in_another_form_is_left_alone(text: str) -> None:
    with pytest.raises(Refused, match="a form that is not changed by a program"):
        retargeted(text, named(Target()), "config.toml")


# --- judges ---


def vm(**facts: object) -> VmFacts:
    files = {path: SettingsFile(there=True, gemini="set") for path in ("server/config.env", "server/server/config.env")}
    return VmFacts("t", **{"service": "active", "settings": files, **facts})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        ({}, Status.PASSED),
        ({"signs": {"gemini-key": 0}}, Status.PASSED),
        ({"signs": {"gemini-key": 2}}, Status.FAILED),
        ({"same_key": False}, Status.FAILED),
        ({"settings": {"server/config.env": SettingsFile(there=True, gemini="set")}}, Status.PASSED),
        ({"settings": {"server/config.env": SettingsFile(there=False)}}, Status.FAILED),
        (
            {"settings": {path: SettingsFile(there=True, gemini="empty") for path in ("server/config.env", "server/server/config.env")}},
            Status.FAILED,
        ),
    ],
)
def test_the_gemini_key_is_judged_by_both_files_and_the_journal(facts: dict[str, object], status: Status) -> None:
    assert gemini_key.judge(vm(**facts), PLAN).status is status


def test_a_service_that_refuses_its_key_is_not_well_though_active() -> None:
    assert judge_service(vm(), PLAN).status is Status.PASSED
    verdict = judge_service(vm(signs={"gemini-key": 1}), PLAN)
    assert verdict.status is Status.FAILED and verdict.remedy == Mend("gemini-key", "Get a new key, then")


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        ({}, Status.PASSED),
        ({"readers": {"server/config/unified_config.py": ()}}, Status.PASSED),
        ({"readers": {"server/config/unified_config.py": (32,)}}, Status.FAILED),
        ({"settings": {"server/config.env": SettingsFile(there=True, bad_names=("line 3: A-B",))}}, Status.FAILED),
        ({"signs": {"config-env": 1}, "service": "active"}, Status.PASSED),
        ({"signs": {"config-env": 1}, "service": "failed"}, Status.FAILED),
        ({"service": "failed"}, Status.PASSED),
    ],
)
def test_the_vms_settings_are_judged_by_names_reader_and_crash(facts: dict[str, object], status: Status) -> None:
    assert config_env.judge_vm(vm(**facts), PLAN).status is status


def test_a_busy_slot_is_the_trouble_and_not_a_thing_unseen() -> None:
    assert azure_busy.judge(azure_busy.SlotFacts(None, "busy"), PLAN).status is Status.FAILED
    assert azure_busy.judge(azure_busy.SlotFacts(vm()), PLAN).status is Status.PASSED


def proof(
    source: str,
    *,
    valid: bool = True,
    push: bool = True,
    visible: bool = True,
    scopes: tuple[str, ...] | None = ("repo",),
    code: bool = False,
) -> Proof:
    return Proof(source, valid, "me", Rights("A/b", visible, push, scopes, source), Rights("A/c", visible, code, scopes, source))


@pytest.mark.parametrize(
    ("facts", "status", "said"),
    [
        (github_auth.AuthFacts(None), Status.FAILED, "no token"),
        (github_auth.AuthFacts(proof("k")), Status.PASSED, "may write"),
        (github_auth.AuthFacts(proof("k", scopes=None)), Status.PASSED, "may write"),
        (github_auth.AuthFacts(proof("k", code=True)), Status.PASSED, "too, which has other owners"),
        (github_auth.AuthFacts(proof("k", valid=False)), Status.FAILED, "401"),
        (github_auth.AuthFacts(proof("k", visible=False)), Status.FAILED, "is not there"),
        (github_auth.AuthFacts(proof("k", push=False)), Status.FAILED, "may not write|lacks the scope"),
        (github_auth.AuthFacts(proof("k", scopes=("read:user",))), Status.FAILED, "lacks the scope repo"),
        (github_auth.AuthFacts(proof("environment GH_TOKEN", valid=False), proof("keyring (x)")), Status.FAILED, "is used before it"),
    ],
)
def test_a_token_is_judged_by_what_the_host_says(facts: github_auth.AuthFacts, status: Status, said: str) -> None:
    verdict = github_auth.judge(facts, PLAN)
    assert verdict.status is status and re.search(said, verdict.summary)
    assert status is Status.PASSED or verdict.remedy


def test_the_inbox_is_there_also_while_nothing_lies_in_it() -> None:
    assert inbox.judge(inbox.InboxFolderFacts("p", "nothing"), PLAN).status is Status.FAILED
    assert inbox.judge(inbox.InboxFolderFacts("p", "something else"), PLAN).status is Status.FAILED
    empty = inbox.judge(inbox.InboxFolderFacts("p", "folder"), PLAN)
    assert empty.status is Status.PASSED and f"lay {DMG}" in empty.summary
    assert "lay" not in inbox.judge(inbox.InboxFolderFacts("p", "folder", (DMG,)), PLAN).summary


OURS = Remote("origin", ("https://github.com/Seregawpn/Nexy_server",), ("git@github.com:seregawpn/nexy_server.git",))
THEIRS = Remote("origin", ("https://user:s3cret@github.com/x/y",), ("https://user:s3cret@github.com/x/y",))


def test_remotes_are_judged_by_where_a_push_goes_and_stray_commits_are_told() -> None:
    stray = StrayManifest("https://github.com/x/y", "main", "a" * 40, "Update manifest for 1.6.1.42 (Production)", reverted=False)
    judge = manifest_repository.judge_remotes
    assert judge(manifest_repository.RemoteFacts((OURS,), ()), PLAN).status is Status.PASSED
    assert judge(manifest_repository.RemoteFacts((), ()), PLAN).status is Status.FAILED
    wrong = judge(manifest_repository.RemoteFacts((THEIRS,), (THEIRS,), (stray,)), PLAN)
    assert wrong.status is Status.FAILED and "revert it there" in wrong.summary and "s3cret" not in str(wrong)
    assert "--force" not in stray.revert() and "git -C stray revert --no-edit" in stray.revert()
    told = judge(manifest_repository.RemoteFacts((OURS,), (), (stray,)), PLAN)
    assert told.status is Status.PASSED and stray.commit[:12] in told.summary


def test_a_manifest_commit_is_known_by_its_whole_subject() -> None:
    assert MANIFEST_COMMIT.fullmatch("Update manifest for 1.6.1.42 (Production)")
    for subject in (
        "Revert “Update manifest for 1.6.1.42 (Production)”",
        "Update manifest for v1.6.1.42 (Production)",
        "Release v1.6.1.42",
    ):
        assert MANIFEST_COMMIT.fullmatch(subject) is None
    ahead = manifest_repository.AheadFacts("main", "t", (("b" * 40, "Work"), ("c" * 40, "Update manifest for 1.6.1.42 (Production)")))
    assert ahead.manifest is not None and ahead.manifest[0] == "c" * 40
    assert manifest_repository.judge_ahead(ahead, PLAN).status is Status.FAILED
    assert manifest_repository.judge_ahead(manifest_repository.AheadFacts("main", "t", (("b" * 40, "Work"),)), PLAN).status is Status.PASSED


def test_the_worst_of_several_verdicts_counts() -> None:
    bad, unseen, good = failed("bad", "r"), inconclusive("unseen", "r"), passed("good")
    assert worst([good, unseen, bad], "well").summary == "bad"
    assert worst([good, unseen], "well").status is Status.INCONCLUSIVE
    assert worst([good, good], "well").summary == "well"


def test_a_diff_shows_no_credential_and_no_escape() -> None:
    shown = "\n".join(unified("config", b"url = https://u:s3cret@h/x\n", b"\turl = https://h/x\x1b[2J\n"))
    assert "s3cret" not in shown and "\x1b" not in shown and "+++ b/config" in shown
