"""Where things stand in a checkout: layout and manifest directories, found or as configured."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest

from nexy_tui.config import find_layout
from nexy_tui.config.file import parse_config
from nexy_tui.core.layout import LAYOUTS, MANIFEST_PLACES, PUBLISHER, Layout, manifest_directories
from nexy_tui.core.problem import Unusable
from nexy_tui.core.target import Target
from nexy_tui.services.manifest_places import directories_here
from nexy_tui.services.on_vm import settings_files

FLAT, NESTED = PUBLISHER, f"server/{PUBLISHER}"
A, B, C = map(str, MANIFEST_PLACES)


def tree(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("x\n")
    return root


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        ((FLAT,), "flat"),
        ((NESTED,), "nested"),
        ((FLAT, "VERSION", "server/VERSION", "server/release_inbox/x"), "flat"),
        ((NESTED, "VERSION", "server/VERSION", "release_inbox/x"), "nested"),
        ((FLAT, "server/VERSION"), "flat"),
        ((NESTED, "VERSION"), "nested"),
        (("VERSION",), "flat"),
        (("server/VERSION",), "nested"),
        ((FLAT, NESTED, "server/VERSION"), "nested"),
        ((FLAT, "scripts/publish_assets_and_sync.py"), "flat"),
        (("VERSION", "scripts/x", "server/scripts/y"), "flat"),
    ],
)
def test_the_script_tells_the_layout_and_without_it_version(tmp_path: Path, names: tuple[str, ...], kind: str) -> None:
    assert find_layout(tree(tmp_path, *names)).kind == kind


@pytest.mark.parametrize(
    "names", [("README.md",), ("VERSION", "server/VERSION"), (FLAT, NESTED), (FLAT, NESTED, "VERSION", "server/VERSION")]
)
def test_a_layout_that_cannot_be_told_names_the_setting(tmp_path: Path, names: tuple[str, ...]) -> None:
    with pytest.raises(Unusable) as caught:
        find_layout(tree(tmp_path, *names))
    assert caught.value.exit_code == 2 and 'layout = "flat" or "nested" under [target]' in str(caught.value.remedy)
    assert find_layout(tmp_path, parse_config('[target]\nlayout = "nested"\n', "c").target.layout).kind == "nested"


@pytest.mark.parametrize("names", [("VERSION",), (), ("server/main.py", "VERSION")])
def test_a_git_root_that_is_the_application_is_refused_by_name(tmp_path: Path, names: tuple[str, ...]) -> None:
    with pytest.raises(Unusable, match="application itself") as caught:
        find_layout(tree(tmp_path, "scripts/publish_assets_and_sync.py", *names))
    assert caught.value.exit_code == 2 and "--checkout DIR" in str(caught.value.remedy)


@pytest.mark.parametrize(
    ("there", "kept"),
    [((), (A, B)), ((A,), (A, B)), ((B,), (A, B)), ((C,), (A, B, C)), ((A, C), (A, C)), ((B, C), (B, C)), ((A, B, C), (A, B, C))],
)
def test_all_directories_there_are_kept_and_none_stays_alone(tmp_path: Path, there: tuple[str, ...], kept: tuple[str, ...]) -> None:
    tree(tmp_path, *(f"{place}/manifest.json" for place in there))
    assert tuple(map(str, directories_here(tmp_path, Target()))) == kept
    assert tuple(map(str, manifest_directories([PurePosixPath(place) for place in there]))) == kept


def test_a_link_to_another_directory_of_the_checkout_is_kept_with_that_one(tmp_path: Path) -> None:
    tree(tmp_path, f"{A}/manifest.json", f"{B}/manifest.json", "updates/x")
    (tmp_path / C).symlink_to(tmp_path / A)
    assert tuple(map(str, directories_here(tmp_path, Target()))) == (A, B)


def test_configured_directories_are_taken_as_they_are(tmp_path: Path) -> None:
    target = parse_config('[target]\nmanifest_directories = ["here", "there/too"]\n', "c").target
    assert tuple(map(str, directories_here(tree(tmp_path, f"{A}/manifest.json"), target))) == ("here", "there/too")


@pytest.mark.parametrize(
    "value",
    ["/etc", "..", "a/../b", "../a", ".", "a/./b", "a//b", "a/", ".git", "a/.GIT/b", "", "a b", "a\\n", "C:\\\\x", "~/x", ":(top)x"],
)
def test_a_manifest_directory_out_of_the_git_root_is_refused(value: str) -> None:
    with pytest.raises(Unusable, match=r"target\.manifest_directories") as caught:
        parse_config(f'[target]\nmanifest_directories = ["a", "{value}"]\n', "c")
    assert caught.value.exit_code == 2


def test_a_manifest_directory_named_twice_is_refused() -> None:
    with pytest.raises(Unusable, match="twice"):
        parse_config('[target]\nmanifest_directories = ["a/b", "A/b"]\n', "c")


def test_two_layouts_at_once_are_refused() -> None:
    with pytest.raises(Unusable, match=r"paths\.layout"):
        parse_config('[target]\nlayout = "flat"\n[paths]\nlayout = "nested"\n', "c")


def test_the_vms_scripts_know_the_settings_files_of_both_layouts() -> None:
    assert {str(path) for kind in LAYOUTS for path in Layout(kind, Path()).settings} == set(settings_files.SETTINGS)
