"""Bring this VM to one release (rulebook phase 3), every step's status checked. Run twice, or killed and run again, it ends the same.

Parameters: directory, service; kind full|update-only|code-only, version, tag and tag_commit (empty for update-only), branch,
manifest_commit (empty for code-only), manifest_files with their one manifest_sha256; host and repository of the release remote;
stay: seconds the service must stay up with one process.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import time
from collections.abc import Mapping
from typing import Any

from nexy_tui.services.on_vm.drift import changed_by_hand, in_the_way, is_from_git, save_aside
from nexy_tui.services.on_vm.settings_files import SETTINGS, Aside, read, with_key, write_all
from nexy_tui.services.on_vm.steps import (
    Place,
    Report,
    StepFailed,
    ask,
    attempt,
    await_well,
    git,
    is_active,
    place_of,
    program,
    release_remote,
    restart,
    says,
    try_git,
)

REQUIREMENTS = ("server/server/requirements.txt", "server/requirements.txt", "requirements.txt")
_VERSIONED = re.compile(r"manifest_(\d+\.\d+\.\d+\.\d+)\.json")


def deploy(parameters: Mapping[str, Any], report: Report) -> int:
    """Every step in the rulebook's order. Raises StepFailed."""
    os.umask(0o022)
    place = place_of(parameters)
    report.begin("preflight")
    head, folder = _preflight(place)
    report.say(f"before {head}")
    aside = Aside(place.app, folder, SETTINGS)
    _say_all(report, aside.put_back(lambda path, commit: is_from_git(place, path, commit)))
    if not any(os.path.isfile(os.path.join(place.app, path)) for path in SETTINGS):
        raise StepFailed(f"none of {', '.join(SETTINGS)} is there")

    report.begin("fetch")
    _fetch(place, parameters)
    if _stands(place, parameters):
        report.say("unchanged")
        return _done(place, parameters, report)

    kept = os.path.join(folder, f"nexy-kept-{parameters['tag_commit']}")
    if parameters["kind"] != "update-only":
        report.begin("drift")
        _save_drift(place, parameters, report)
        report.begin("checkout")
        _check_out(place, parameters, aside, kept, report)

    report.begin("manifests")
    _lay_manifests(place, parameters, kept, report)
    if parameters["kind"] == "update-only" and _head(place) != head:
        raise StepFailed(f"HEAD moved from {head}")

    if parameters["kind"] != "update-only":
        report.begin("requirements")
        _install(place)

    report.begin("config")
    _set_version(place, parameters["version"])

    report.begin("restart")
    restart(place)
    report.begin("health")
    version = parameters["version"]
    await_well(
        place,
        float(parameters["stay"]),
        lambda: says(*ask(place.health_url, 65536), version),
        f"{place.health_url} does not say {version}",
    )
    return _done(place, parameters, report)


def _done(place: Place, parameters: Mapping[str, Any], report: Report) -> int:
    report.begin("done")
    report.say(f"head {_head(place)}")
    for path in parameters["manifest_files"]:
        report.say(f"sha256 {path} {parameters['manifest_sha256']}")
    return 0


def _stands(place: Place, parameters: Mapping[str, Any]) -> bool:
    """Whether the release stands here already, in every part, and is served: then nothing is done, and nothing restarted."""
    files, folders = parameters["manifest_files"], {os.path.dirname(path) for path in parameters["manifest_files"]}
    try:
        if parameters["kind"] != "update-only" and (_head(place) != parameters["tag_commit"] or changed_by_hand(place, folders)):
            return False
    except StepFailed:
        return False  # The step that this is about says so.
    laid = all(_sha256(os.path.join(place.app, path)) == parameters["manifest_sha256"] for path in files)
    higher = parameters["manifest_commit"] and _withdrawn(place, files, parameters["manifest_commit"])
    if not laid or higher or not _newest_of_all(place, files) or _unversioned(place, parameters["version"]):
        return False
    return is_active(place) == "active" and says(*ask(place.health_url, 65536), parameters["version"])


def _preflight(place: Place) -> tuple[str, str]:
    """HEAD and the git directory of the clone."""
    if not os.path.isdir(place.app):
        raise StepFailed(f"{place.app} is not there")
    head = _head(place)
    if not os.access(place.python, os.X_OK):
        raise StepFailed(f"there is no Python environment in {place.venv}")
    folder = os.path.join(place.app, git(place, "rev-parse", "--git-dir").strip())
    if os.path.exists(os.path.join(folder, "index.lock")):
        raise StepFailed(f"{folder}/index.lock is there: another git works in the clone, or was killed in it")
    return head, folder


def _head(place: Place) -> str:
    return git(place, "rev-parse", "--verify", "HEAD^{commit}").strip()


def _say_all(report: Report, lines: list[str]) -> None:
    for line in lines:
        report.say(f"settings {line}")


# --- code ---


def _fetch(place: Place, parameters: Mapping[str, Any]) -> None:
    remote = release_remote(place, parameters["host"], parameters["repository"])
    branch = parameters["branch"]
    git(place, "fetch", "--quiet", "--force", "--tags", remote, f"+refs/heads/{branch}:refs/remotes/{remote}/{branch}")


def _save_drift(place: Place, parameters: Mapping[str, Any], report: Report) -> None:
    """What the checkout would overwrite is kept under a ref of ours first."""
    folders = {os.path.dirname(path) for path in parameters["manifest_files"]}
    # Nothing is in the way of a commit that is not here: the checkout refuses it.
    foreign = changed_by_hand(place, folders) + (in_the_way(place, parameters["tag_commit"], folders) or [])
    if not foreign:
        return
    commit = save_aside(place, foreign, time.strftime("refs/nexy/drift/%Y%m%dT%H%M%SZ", time.gmtime()))
    report.say(f"drift {commit} keeps {len(foreign)} files: {', '.join(foreign[:8])}")


def _check_out(place: Place, parameters: Mapping[str, Any], aside: Aside, kept: str, report: Report) -> None:
    tag, commit = parameters["tag"], parameters["tag_commit"]
    found = (try_git(place, "rev-parse", "--verify", "--quiet", f"refs/tags/{tag}^{{commit}}") or "").strip()
    if not found:
        raise StepFailed(f"the tag {tag} is not in the repository")
    if found != commit:
        raise StepFailed(f"the tag {tag} is at {found}, not at {commit}")
    if parameters["kind"] == "code-only":
        _keep_manifests(place, parameters, kept)
    aside.keep(commit)
    try:
        git(place, "checkout", "--quiet", "--force", "--detach", f"refs/tags/{tag}")
    finally:
        _say_all(report, aside.put_back())
    if _head(place) != commit:
        raise StepFailed(f"HEAD is not at {commit} after the checkout")


def _install(place: Place) -> None:
    found = [path for path in REQUIREMENTS if os.path.isfile(os.path.join(place.app, path))]
    if not found:
        raise StepFailed(f"none of {', '.join(REQUIREMENTS)} is in the release")
    pip = (place.python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "--upgrade")
    program(place, *pip, "-r", found[0])


# --- manifests ---


def _keep_manifests(place: Place, parameters: Mapping[str, Any], kept: str) -> None:
    """The manifests stay as they are here. A complete copy from a run that was cut off is the older truth."""
    if not os.path.isdir(kept):
        part = f"{kept}.part"
        shutil.rmtree(part, ignore_errors=True)
        for path in parameters["manifest_files"]:
            os.makedirs(os.path.dirname(os.path.join(part, path)), exist_ok=True)
            shutil.copyfile(os.path.join(place.app, path), os.path.join(part, path))
        os.rename(part, kept)
    _verify(kept, parameters)


def _lay_manifests(place: Place, parameters: Mapping[str, Any], kept: str, report: Report) -> None:
    """The manifest files over the checkout, newest of all: a server may take the newest file for the release's."""
    files: list[str] = parameters["manifest_files"]
    if parameters["kind"] == "code-only":
        for path in files:
            os.makedirs(os.path.dirname(os.path.join(place.app, path)), exist_ok=True)
            shutil.copyfile(os.path.join(kept, path), os.path.join(place.app, path))
    else:
        commit = parameters["manifest_commit"]
        if attempt(place, "git", "-c", f"safe.directory={place.app}", "cat-file", "-e", f"{commit}^{{commit}}")[0]:
            raise StepFailed(f"the manifest commit {commit} is not in the repository")
        git(place, "checkout", "--quiet", commit, "--", *files)
        for path in _withdrawn(place, files, commit):
            os.unlink(os.path.join(place.app, path))
            report.say(f"withdrawn {path}")
    for path in files:
        os.utime(os.path.join(place.app, path))
    _verify(place.app, parameters)
    shutil.rmtree(kept, ignore_errors=True)


def _withdrawn(place: Place, files: list[str], commit: str) -> list[str]:
    """Manifests of versions above the one that is laid, which the manifest commit does not have: a rollback takes them away."""
    laid = max((_version_in(path) for path in files), default=())
    found = []
    for folder in sorted({os.path.dirname(path) for path in files}):
        for name in sorted(os.listdir(os.path.join(place.app, folder))):
            path = f"{folder}/{name}"
            if _version_in(path) > laid and try_git(place, "cat-file", "-e", f"{commit}:{path}") is None:
                found.append(path)
    return found


def _newest_of_all(place: Place, files: list[str]) -> bool:
    """Whether no other manifest lies there that is newer than these: a server may take the newest file for the release's."""
    oldest = min(os.path.getmtime(os.path.join(place.app, path)) for path in files)
    listed = (
        f"{folder}/{name}" for folder in {os.path.dirname(path) for path in files} for name in os.listdir(os.path.join(place.app, folder))
    )
    others = (path for path in listed if path not in files and _version_in(path))
    return all(os.path.getmtime(os.path.join(place.app, path)) <= oldest for path in others)


def _version_in(path: str) -> tuple[int, ...]:
    """The version in a manifest's name, as numbers; none in `manifest.json`."""
    found = _VERSIONED.fullmatch(os.path.basename(path))
    return tuple(int(number) for number in found[1].split(".")) if found else ()


def _verify(root: str, parameters: Mapping[str, Any]) -> None:
    wanted = parameters["manifest_sha256"]
    for path in parameters["manifest_files"]:
        digest = _sha256(os.path.join(root, path))
        if digest != wanted:
            raise StepFailed(f"{path} has sha256 {digest}, not {wanted}")


def _sha256(path: str) -> str:
    data = read(path)
    return "nothing" if data is None else hashlib.sha256(data).hexdigest()


# --- settings ---


def _set_version(place: Place, version: str) -> None:
    """Both version keys in every settings file that is there; every other byte stays."""
    write_all(_unversioned(place, version))


def _unversioned(place: Place, version: str) -> dict[str, bytes]:
    """The settings files that do not say the version, as they must become."""
    changed = {}
    for path in SETTINGS:
        full = os.path.join(place.app, path)
        before = read(full)
        if before is None:
            continue
        after = with_key(with_key(before, "SERVER_VERSION", version)[0], "SERVER_BUILD", version)[0]
        if after != before:
            changed[full] = after
    return changed
