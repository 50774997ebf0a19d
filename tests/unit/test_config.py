"""The configuration file: what is wrong in it is refused with its line and column, whoever else may write it with its mode."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from nexy_tui.config import load_settings
from nexy_tui.config.edit import with_values
from nexy_tui.config.file import parse_config
from nexy_tui.config.origins import require_fitting
from nexy_tui.core.problem import Unusable

WAITING = "[waiting]\nspeed = 2.0\n"


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ('[steps]\npublish = "script"\n', "lines 1 to 2"),
        ('[steps]\nbackup = "builtin"  # ours\n\n# the rest\n[waiting]\nspeed = 2.0\n', "lines 1 to 2"),
        (f'{WAITING}\n[ "steps" ]  # who does what\nbump = "script"\n# not yet\ndeploy = "builtin"\n', "lines 4 to 7"),
        (f"{WAITING}[steps]\n", "line 3"),
        (f'steps = {{ bump = "script" }}\n{WAITING}', "line 1"),
        (f'steps.bump = "script"\n{WAITING}', "line 1"),
        ('steps.bump = "script"\nsteps.deploy = "script"\n', "lines 1 to 2"),
        (f'{WAITING}[paths]\nlayout = """\n[steps]\n"""\n[steps]\nbump = "script"\n', "[steps] and its keys"),
    ],
)
def test_steps_were_removed_and_the_lines_to_delete_are_named(text: str, lines: str) -> None:
    with pytest.raises(Unusable) as caught:
        parse_config(text, "c")
    assert caught.value.exit_code == 2 and "[steps], which was removed" in caught.value.what
    assert caught.value.remedy == f"Delete {lines}, then run again."
    if found := re.findall(r"\d+", lines):
        kept = text.split("\n")
        del kept[int(found[0]) - 1 : int(found[-1])]
        parse_config("\n".join(kept), "c")


def test_an_unknown_home_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NEXY_CONFIG", "NEXY_STATE_DIR", "XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", ".")
    monkeypatch.setattr("pwd.getpwuid", {}.__getitem__)
    with pytest.raises(Unusable) as caught:
        load_settings({})
    assert "HOME" in str(caught.value.remedy) and "NEXY_CONFIG" in str(caught.value.remedy)


WRONG = {
    'target.sparkle_public_key = "abc"\n': ("line 1, column 1", "base64 of 32 bytes"),
    '[target]\n# the key\n  sparkle_public_key = "YWJj"\n': ("line 3, column 3", "base64 of 32 bytes"),
    '[target]\nteam_id = "abc"\n': ("line 2, column 1", "ten capital letters"),
    '[target.vm]\nsubscription = "my-own"\n': ("line 2, column 1", "az account show --query id"),
    '[target]\nvm = { name = "Nexy", resource_group = "a b" }\n': ("line 2, column 23", "resource group"),
    "[target]\nupdate_server.port = 70000\n": ("line 2, column 1", "1 to 65535"),
    "[waiting]\n\nspeed = 0\n": ("line 3, column 1", "above 0"),
    "[waiting]\nspeed = nan\n": ("line 2, column 1", "above 0"),
    "[target.database]\ndrill_max_age_days = -1\n": ("line 2, column 1", "from 0 to 3650"),
    '[target.update_server]\nport = "443"\n': ("line 2, column 1", "Expected `int`"),
    '[operator]\nid = "a b"\n': ("line 2, column 1", "letters, digits"),
    '[paths]\nstate = "here"\n': ("line 2, column 1", "in full, or one that begins with ~"),
    '[target]\nworld = "w"\n': ("line 2, column 1", "Known under [target]: artifacts_repository"),
    '[target]\nlayout = """\nport = 1\n"""\n[target.hosts]\nwep = "x"\n': (
        "line 6, column 1",
        "Known under [target.hosts]: api, uploads, web.",
    ),
    '[targets]\nteam_id = ""\n': ("line 1, column 2", "Probably target is meant. Known here:"),
    '[target]\nsparkle-public-key = ""\n': ("line 2, column 1", "Probably target.sparkle_public_key is meant."),
    'team_id = ""\n': ("line 1, column 1", "team_id belongs under [target]."),
    '[paths]\nstate = "~nobody.here/x"\n': ("line 2, column 1", "somebody who is here"),
    '[target]\ncode_repository = "a/b.git"\n': ("line 2, column 1", "owner/name"),
    '[target]\ndmg_tag = "a..b"\n': ("line 2, column 1", "a tag name"),
    '[target]\nrelease_branch = "a.lock"\n': ("line 2, column 1", "a branch name"),
    '[target.vm]\ndirectory = "/home/../x"\n': ("line 2, column 1", "no folder called .."),
    "a = 1\nb = = 2\n": ("line 2, column 5", "not valid TOML"),
    '[target]\nteam_id = "\n': ("line 2", "not valid TOML"),
    f"[waiting]\nspeed = {'1' * 4100}\n": ("", "4096"),
    "[target]\nx = 2026-02-31\n": ("line 2", "not valid TOML"),
}


@pytest.mark.parametrize("text", WRONG)
def test_a_wrong_value_is_refused_by_line_and_column(text: str) -> None:
    place, wanted = WRONG[text]
    with pytest.raises(Unusable) as caught:
        parse_config(text, "c")
    assert caught.value.exit_code == 2 and place in caught.value.what and wanted in str(caught.value)
    assert "world" not in str(caught.value.remedy)


@pytest.mark.parametrize("mode", [0o666, 0o664, 0o622, 0o602])
def test_a_configuration_that_others_may_write_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "config.toml"
    path.write_text("")
    path.chmod(mode)
    with pytest.raises(Unusable) as caught:
        load_settings({"NEXY_CONFIG": str(path), "HOME": str(tmp_path)})
    assert f"(mode {mode:04o})" in caught.value.what and f"chmod go-w {path}" in str(caught.value.remedy)
    path.chmod(0o644)
    load_settings({"NEXY_CONFIG": str(path), "HOME": str(tmp_path)})


@pytest.mark.parametrize(("mode", "fits"), [(0o777, False), (0o757, False), (0o1777, True), (0o775, True), (0o700, True)])
def test_a_folder_that_everybody_writes_to_is_refused_for_a_configuration(tmp_path: Path, mode: int, fits: bool) -> None:
    folder = tmp_path / "config"
    folder.mkdir()
    (folder / "config.toml").write_text("")
    folder.chmod(mode)
    environ = {"NEXY_CONFIG": str(folder / "config.toml"), "HOME": str(tmp_path)}
    if fits:
        load_settings(environ)
        return
    with pytest.raises(Unusable) as caught:
        load_settings(environ)
    assert f"(mode {mode:04o})" in caught.value.what and f"chmod o-w {folder}" in str(caught.value.remedy)


def test_a_link_to_a_configuration_that_is_gone_is_no_default(tmp_path: Path) -> None:
    link = tmp_path / "config" / "nexy-tui" / "config.toml"
    link.parent.mkdir(parents=True)
    link.symlink_to(tmp_path / "gone")
    with pytest.raises(Unusable) as caught:
        load_settings({"NEXY_CONFIG": str(link)})
    assert f"is a link to {tmp_path / 'gone'}, which is not there" in caught.value.what and f"rm {link}" in str(caught.value.remedy)


def test_a_configuration_below_a_file_is_not_one_of_wrong_permissions(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Unusable) as caught:
        load_settings({"NEXY_CONFIG": str(tmp_path / "file" / "config.toml")})
    assert "its folder is none" in caught.value.what and "NEXY_CONFIG" in str(caught.value.remedy)


@pytest.mark.parametrize("name", ["NEXY_STATE_DIR", "NEXY_ALLOWED_SIGNERS", "NEXY_CA", "NEXY_SIGNING_KEY_FILE", "NEXY_CONFIG"])
def test_a_path_in_the_environment_is_one_in_full_or_says_its_variable(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").write_text("")
    config = {} if name == "NEXY_CONFIG" else {"NEXY_CONFIG": str(tmp_path / "here")}
    with pytest.raises(Unusable, match=f"{name} is '~nobody.here/x'"):
        load_settings({**config, name: "~nobody.here/x"})
    found = load_settings({**config, name: "here"})
    kept = (found.state_dir, found.allowed_signers, found.ca, found.key_file, found.config_path)
    assert tmp_path / "here" in kept


@pytest.mark.parametrize("given", [{"NEXY_OPERATOR": "a b"}, {"AZURE_SUBSCRIPTION_ID": "mine"}])
def test_a_variable_is_judged_like_the_key_it_stands_for(given: dict[str, str]) -> None:
    (name, value), *_ = given.items()
    with pytest.raises(Unusable) as caught:
        require_fitting(given)
    assert f"{name} is {value!r}" in caught.value.what and f"Correct or unset {name}" in str(caught.value.remedy)
    require_fitting({"NEXY_OPERATOR": "", "AZURE_SUBSCRIPTION_ID": "", "NEXY_STATE_DIR": "here"})


def test_a_home_in_the_environment_is_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "c.toml").write_text("")
    names = {"NEXY_CONFIG": "c.toml", "NEXY_STATE_DIR": "s", "NEXY_CA": "ca", "NEXY_ALLOWED_SIGNERS": "as", "NEXY_SIGNING_KEY_FILE": "key"}
    found = load_settings({name: f"~/{value}" for name, value in names.items()})
    assert (found.config_path, found.state_dir, found.ca) == (tmp_path / "c.toml", tmp_path / "s", tmp_path / "ca")
    assert (found.allowed_signers, found.key_file) == (tmp_path / "as", tmp_path / "key")


def test_where_each_value_comes_from_is_known(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('[operator]\nid = "ada@example.com"\n\n[target]\nteam_id = "ABCDE12345"\n')
    origins = load_settings({"NEXY_CONFIG": str(path), "NEXY_STATE_DIR": "/s", "HOME": str(tmp_path)}).origins
    assert origins["operator.id"] == "line 2 of the file" and origins["target.team_id"] == "line 5 of the file"
    assert origins["paths.state"] == "environment NEXY_STATE_DIR" and origins["target.dmg_tag"] == "default"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", '[operator]\nid = "ada"\n'),
        ("# mine\n[waiting]\nspeed = 2\n", '# mine\n[waiting]\nspeed = 2\n\n[operator]\nid = "ada"\n'),
        ('[operator]  # me\nid = "bob"\n[waiting]\n', '[operator]  # me\nid = "ada"\n[waiting]\n'),
        ('[operator]\nsigning_key_file = "/k"\n', '[operator]\nid = "ada"\nsigning_key_file = "/k"\n'),
        ('operator.id = "bob"\n', None),
        ('operator = { id = "bob", signing_key_file = "/k" }\n', None),
    ],
)
def test_a_key_is_set_and_all_else_stays(before: str, after: str | None) -> None:
    if after is None:
        with pytest.raises(Unusable, match='id = "ada"'):
            with_values(before, {"operator.id": "ada"}, "c")
    else:
        assert with_values(before, {"operator.id": "ada"}, "c") == after
