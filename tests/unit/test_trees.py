"""The rehearsal's code repository: what each switch of its tree does."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from nexy_tui.core import publisher_script
from nexy_tui.core.problem import Unusable
from nexy_tui.core.target import Target
from nexy_tui.rehearsal import history, trees

BASE = {"flat": "", "nested": "server/"}
SCRIPT = "server/scripts/publish_assets_and_sync.py"
CHANGED = [
    ("flat", "version-file", "VERSION"),
    ("nested", "runbooks", "server/server/Docs/DATABASE_SETUP_GUIDE.md"),
    ("flat", "publisher", SCRIPT),
    ("nested", "publisher-constants", f"server/{SCRIPT}"),
    ("flat", "tracked-config", "server/config.env"),
    ("nested", "tracked-config", "server/server/config.env"),
    ("flat", "outer-config", "config.env"),
    ("nested", "outer-config", "server/config.env"),
    ("flat", "both-layouts", "server/VERSION"),
    ("nested", "both-layouts", "VERSION"),
]


BARE = [f"no-{name}" for name in trees.DEFAULT]


def tree(layout: str, *switches: str) -> dict[str, bytes]:
    return trees.source(layout, "1.6.1.42", "", trees.features(switches))


@pytest.mark.parametrize(("layout", "switch", "path"), CHANGED)
def test_a_switch_adds_its_file(layout: str, switch: str, path: str) -> None:
    assert path not in tree(layout, *BARE) and path in tree(layout, *BARE, switch)


@pytest.mark.parametrize("layout", ["flat", "nested"])
def test_the_tree_is_the_teams_with_plain_values_and_comments(layout: str) -> None:
    text = tree(layout)[f"{BASE[layout]}server/config/unified_config.yaml"].decode()
    assert "  default_version: 1.6.1.42  # " in text and '"1.6.1.42"' not in text


@pytest.mark.parametrize(("switch", "name"), [("publisher", "ARTIFACT_MAPPING"), ("publisher-constants", "DMG_TAG")])
def test_a_publisher_of_each_kind_names_its_tags_its_own_way(switch: str, name: str) -> None:
    source = tree("flat", switch)[SCRIPT]
    compile(source, SCRIPT, "exec")
    assert f"\n{name} = ".encode() in source
    if switch == "publisher":
        assert publisher_script.read(source).values() == ("Seregawpn/Nexy_production", "Update", "App")


def test_git_ignores_settings_and_backups_by_their_own_switches() -> None:
    ignored = tree("flat", "ignored-config")[".gitignore"].decode()
    assert "config.env" in ignored and "backups" not in ignored and "release_inbox" in ignored
    assert "backups" in tree("flat", "ignored-backups")[".gitignore"].decode()
    assert "config.env" not in tree("flat")[".gitignore"].decode()


def past(*switches: str) -> list[history.ImportedCommit]:
    now = datetime(2026, 3, 1, tzinfo=UTC)
    return history.past(Target(), "flat", trees.features(switches), current=b"{}", signers=b"", now=now)


def test_manifests_of_past_releases_are_as_the_team_writes_them() -> None:
    found = [commit.files for commit in past("team-manifests", "third-directory") if commit.message.startswith("Update manifest")]
    assert all(len(files) == 6 for files in found)
    first, second = (json.loads(files["updates/manifests/manifest.json"] or b"") for files in found[:2])
    assert first["build"] == 40 and second["build"] == "1.6.1.41"
    assert second["release_date"].endswith("+00:00") and second["artifact"]["ed25519"] == ""


def test_a_key_pushed_long_ago_is_in_history_alone() -> None:
    writes = [commit.files["server/keys/private_key.pem"] for commit in past("old-keys") if "server/keys/private_key.pem" in commit.files]
    assert len(writes) == 2 and writes[0] is not None and writes[1] is None


@pytest.mark.parametrize("switch", ["nothing", "no-", "no-no-publisher", ""])
def test_a_switch_that_is_none_is_refused_with_those_there_are(switch: str) -> None:
    with pytest.raises(Unusable) as caught:
        trees.features([switch])
    assert caught.value.exit_code == 2 and "third-directory" in str(caught.value.remedy)
