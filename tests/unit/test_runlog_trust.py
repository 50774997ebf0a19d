"""Whose keys are trusted, where, and when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from runlog_kit import BEGIN, OPERATOR, OTHER, SIGNER

from nexy_tui.core.problem import Refused, Unusable
from nexy_tui.runlog import sshwire, trust
from nexy_tui.runlog.sign import sign_statement, verify_line
from nexy_tui.runlog.trust import AllowedSigners, TrustSource

KEY = sshwire.openssh_public(SIGNER.public)
RSA = "ssh-rsa AAAAB3NzaC1yc2E="


def parse(text: str) -> AllowedSigners:
    return AllowedSigners.parse(text.encode())


def test_a_line_is_written_and_read_back() -> None:
    entry = trust.new_entry(OPERATOR.id, SIGNER.public, BEGIN)
    assert entry.line() == f'ada@example.com namespaces="git,release-log@nexy-tui",valid-after="20260501120000Z" {KEY}'
    assert parse(entry.line()).entries == (entry,)


def test_other_peoples_lines_are_passed_over() -> None:
    text = f"# a comment\n\nbob {RSA}\n*@example.com cert-authority {KEY}\nada {KEY} a comment\n"
    (entry,) = parse(text).entries
    assert (entry.principals, entry.namespaces, entry.valid_after) == ("ada", None, None)


@pytest.mark.parametrize(
    "line",
    [
        "ada",
        "ada ssh-ed25519",
        "ada ssh-ed25519 AAAA",
        f'ada valid-before="soon" {KEY}',
        f"ada colour=red {KEY}",
        f'ada namespaces="a {KEY}',
    ],
)
def test_a_malformed_line_is_refused_with_its_number(line: str) -> None:
    with pytest.raises(Unusable, match="Line 2 of"):
        parse(f"# list\n{line}\n")


@pytest.mark.parametrize(
    ("options", "at", "trusted"),
    [
        ("", BEGIN, True),
        ('valid-after="20260501120000Z" ', BEGIN, True),
        ('valid-after="20260501120000Z" ', BEGIN - timedelta(seconds=1), False),
        ('valid-before="20260501120000Z" ', BEGIN + timedelta(milliseconds=900), True),
        ('valid-before="20260501120000Z" ', BEGIN + timedelta(seconds=1), False),
        ('valid-before="20260501Z" ', BEGIN, False),
        ('valid-before="202605011201Z" ', BEGIN, True),
        ('namespaces="git" ', BEGIN, False),
        ('namespaces="git,release-log@*" ', BEGIN, True),
        ('namespaces="*,!release-log@nexy-tui" ', BEGIN, False),
        ('NAMESPACES="release-log@nexy-tui",valid-before="20270101Z" ', BEGIN, True),
    ],
)
def test_namespace_and_time_are_held_to(options: str, at: datetime, trusted: bool) -> None:
    signers = parse(f"ada {options}{KEY}")
    line = sign_statement({"a": 1}, SIGNER)
    if trusted:
        assert verify_line(line, signers, at=at) == {"a": 1}
    else:
        with pytest.raises(Refused, match="not trusted"):
            verify_line(line, signers, at=at)


@pytest.mark.parametrize(("pattern", "good"), [("ada@example.com", True), ("*@example.com", True), ("bob,ad?@*", True), ("bob", False)])
def test_the_operator_must_match_the_principals(pattern: str, good: bool) -> None:
    signers = parse(f"{pattern} {KEY}")
    if good:
        assert signers.entry(SIGNER.keyid, principal="ada@example.com").public == SIGNER.public
    else:
        with pytest.raises(Refused, match="not listed for the operator"):
            signers.entry(SIGNER.keyid, principal="ada@example.com")


def test_a_line_signed_by_an_unlisted_key_is_refused() -> None:
    with pytest.raises(Refused, match="not in the list"):
        verify_line(sign_statement({"a": 1}, OTHER), parse(f"ada {KEY}"))


def test_a_changed_line_is_refused() -> None:
    line = sign_statement({"a": 1}, SIGNER)
    other = sign_statement({"a": 2}, SIGNER)
    mixed = line.split(b'"signatures"')[0] + b'"signatures"' + other.split(b'"signatures"')[1]
    with pytest.raises(Refused, match="does not fit"):
        verify_line(mixed, parse(f"ada {KEY}"))


def test_rotation_ends_the_old_line_and_keeps_the_others() -> None:
    before = f"# team\nbob {RSA}\n{trust.new_entry('ada', SIGNER.public, BEGIN).line()}\n"
    later = BEGIN + timedelta(days=30)
    text = trust.amended(before, trust.new_entry("ada", OTHER.public, later), SIGNER.keyid)
    old, new = parse(text).entries
    assert (old.valid_after, old.valid_before, new.valid_after, new.valid_before) == (BEGIN, later, later, None)
    assert text.splitlines()[:2] == ["# team", f"bob {RSA}"]
    again = trust.amended(text, trust.new_entry("ada", OTHER.public, later + timedelta(days=1)), SIGNER.keyid)
    assert parse(again).entries[0] == old


def test_an_explicit_file_stands_alone(tmp_path: Path) -> None:
    explicit, configured = tmp_path / "explicit", tmp_path / "configured"
    explicit.write_text(f"ada {sshwire.openssh_public(OTHER.public)}\n")
    configured.write_text(f"ada {KEY}\n")
    rules = trust.trust_rules(explicit, configured, configured.read_bytes())
    assert [rule.rule for rule in rules] == [f"--allowed-signers {explicit}"]
    assert trust.choose(rules, SIGNER.keyid) is None


def test_the_users_configuration_goes_before_the_repository(tmp_path: Path) -> None:
    configured = tmp_path / "configured"
    ended = f'ada valid-before="20200101Z" {KEY}\n'
    configured.write_text(ended)
    rules = trust.trust_rules(None, configured, f"ada {KEY}\nbob {sshwire.openssh_public(OTHER.public)}\n".encode())
    chosen = trust.choose(rules, SIGNER.keyid)
    assert chosen is not None
    assert "configuration" in chosen.rule
    with pytest.raises(Refused, match="no longer valid"):
        chosen.signers.entry(SIGNER.keyid, at=datetime.now(UTC))
    colleague = trust.choose(rules, OTHER.keyid)
    assert colleague is not None
    assert "previous verified release" in colleague.rule


def test_a_missing_configured_list_is_no_source_a_missing_named_one_an_error(tmp_path: Path) -> None:
    assert trust.trust_rules(None, tmp_path / "none", None) == ()
    with pytest.raises(Unusable, match="cannot be read"):
        trust.trust_rules(tmp_path / "none", None, None)


def test_choose_needs_the_key_to_be_listed() -> None:
    assert trust.choose([TrustSource("a", AllowedSigners())], SIGNER.keyid) is None


@pytest.mark.parametrize("name", ["", "a b", "*", "ada,bob", "!ada", "-ada", 'a"b'])
def test_an_operator_id_that_would_be_a_pattern_is_refused(name: str) -> None:
    with pytest.raises(Unusable, match="operator's id"):
        trust.new_entry(name, SIGNER.public, BEGIN)
