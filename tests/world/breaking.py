"""The hands that break a released world in the tests, each giving back what undoes it: see breakages.py for what must then be named."""

from __future__ import annotations

import base64
import json
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conftest import Inside
from mending import keyring_says

from nexy_tui.core.target import DMG
from nexy_tui.rehearsal.artifacts import make as artifacts
from nexy_tui.rehearsal.faults.vm import BAD_LINE, EXPIRED_KEY, READERS
from nexy_tui.rehearsal.names import ARTIFACTS, CODE
from nexy_tui.rehearsal.vm.seed import CONFIGS

Undo = Callable[[], object]
Break = Callable[[Inside], Undo]

CANONICAL, SECOND = "server/updates/manifests/manifest.json", "server/server/updates/manifests/manifest.json"


# --- hands ---


@dataclass(frozen=True)
class Strike:
    """A fault of the world, switched on; undone by switching it off."""

    name: str
    param: str | None = None

    def __call__(self, inside: Inside) -> Undo:
        """Strike."""
        inside.fault(self.name, param=self.param)
        return lambda: inside.fault(self.name, on=False)


def fault(name: str, param: str | None = None) -> Break:
    """A fault of the world."""
    return Strike(name, param)


def keep(*paths: Path) -> Undo:
    """What puts files back as they are now, those that are missing included."""
    before = {path: path.read_bytes() if path.is_file() else None for path in paths}

    def put_back() -> None:
        for path, data in before.items():
            if data is None:
                path.unlink(missing_ok=True)
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)

    return put_back


def restart(inside: Inside) -> None:
    """Restart the server on the VM, whether or not it comes up."""
    inside.run(inside.world.vm / "bin" / "systemctl", "restart", inside.world.target.vm.service, check=False)


def released(inside: Inside) -> str:
    """The version that is out."""
    text: str = json.loads((inside.checkout / CANONICAL).read_text())["version"]
    return text


# --- manifests ---

Edit = Callable[[dict[str, Any]], None]


def put(name: str, value: object) -> Edit:
    """Set a field, in the artifact with a dot."""

    def edit(document: dict[str, Any]) -> None:
        where = document["artifact"] if name.startswith("artifact.") else document
        where[name.removeprefix("artifact.")] = value

    return edit


def other(name: str, *values: object) -> Edit:
    """Set a field to the first of these that it does not have."""

    def edit(document: dict[str, Any]) -> None:
        put(name, next(value for value in values if value != document[name]))(document)

    return edit


def drop(name: str) -> Edit:
    """Take a field away."""

    def edit(document: dict[str, Any]) -> None:
        del (document["artifact"] if name.startswith("artifact.") else document)[name.removeprefix("artifact.")]

    return edit


OTHER_SIGNATURE = base64.b64encode(b"carried over from the release before, as it once was".ljust(64)).decode()
ADDRESS = f"https://github.com/{ARTIFACTS}/releases/download"

FIELDS: dict[str, Edit] = {
    "version": put("version", "1.6.1.99"),
    "build": put("build", "1.6.1.99"),
    "artifact.url": put("artifact.url", f"{ADDRESS}/UpdateBeta/{DMG}"),
    "artifact.size": put("artifact.size", 315718837),
    "artifact.sha256": put("artifact.sha256", "ab" * 32),
    "artifact.ed25519": put("artifact.ed25519", OTHER_SIGNATURE),
    "release_date": other("release_date", "2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z"),
    "artifact.type": put("artifact.type", "zip"),
    "artifact.arch": put("artifact.arch", "arm64"),
    "artifact.min_os": put("artifact.min_os", "99.0"),
    "critical": other("critical", True, False),
    "auto_install": other("auto_install", False, True),
    "notes_url": put("notes_url", f"http://github.com/{ARTIFACTS}/releases/tag/v1.6.1.43"),
}
"""Each field of a manifest, edited by hand into something a manifest could say."""

SIZE = FIELDS["artifact.size"]

CLAIMED = ("version", "build", "artifact.url", "artifact.size", "artifact.sha256", "artifact.ed25519")
"""What the publisher writes anew for each release: where the canonical file says otherwise, the publication is not complete."""


def edited(path: Path, edit: Edit) -> None:
    """Edit a manifest file by hand."""
    document = json.loads(path.read_text())
    edit(document)
    path.write_text(json.dumps(document, indent=2) + "\n")


def four(inside: Inside) -> list[str]:
    """The four manifest files of the release that is out."""
    names = ("manifest.json", f"manifest_{released(inside)}.json")
    return [f"{Path(folder).parent}/{name}" for folder in (CANONICAL, SECOND) for name in names]


def pushed(inside: Inside, change: Callable[[], object], *paths: str) -> Undo:
    """Change files of the checkout, commit and push them, as a hand would that knows no better; the branch goes back as it was."""
    before = inside.git("rev-parse", "HEAD")
    change()
    inside.git("commit", "-qm", "Mend it by hand", "--", *paths)
    inside.git("push", "-q", "origin", "HEAD:main")

    def undo() -> None:
        inside.reset(before)
        inside.git("update-ref", "refs/heads/main", before, cwd=inside.world.bare(CODE))
        inside.git("fetch", "-q", "origin")

    return undo


def on_branch(index: int, change: Callable[[Path], object]) -> Break:
    """One of the four files on the release branch."""

    def break_it(inside: Inside) -> Undo:
        path = four(inside)[index]
        return pushed(inside, lambda: change(inside.checkout / path), path)

    return break_it


def all_four(edit: Edit) -> Break:
    """All four, in the same way."""

    def break_it(inside: Inside) -> Undo:
        paths = four(inside)

        def change() -> None:
            for path in paths:
                edited(inside.checkout / path, edit)

        return pushed(inside, change, *paths)

    return break_it


def in_checkout(path: str, edit: Edit) -> Break:
    """A manifest in the checkout alone."""

    def break_it(inside: Inside) -> Undo:
        undo = keep(inside.checkout / path)
        edited(inside.checkout / path, edit)
        return undo

    return break_it


def on_vm(index: int, change: Callable[[Path], object]) -> Break:
    """One of the four files on the VM, of which the server reads the third."""

    def break_it(inside: Inside) -> Undo:
        path = inside.world.vm_clone / four(inside)[index]
        undo = keep(path)
        change(path)
        return undo

    return break_it


def editing(edit: Edit) -> Callable[[Path], object]:
    """An edit as a change of a file."""
    return lambda path: edited(path, edit)


def garble(path: Path) -> None:
    """A merge by hand that was never finished."""
    path.write_text("<<<<<<< HEAD\n" + path.read_text())


# --- settings ---


def setting(name: str, key: str, *, restarted: bool) -> Break:
    """A version key of a settings file on the VM, edited by hand."""

    def break_it(inside: Inside) -> Undo:
        path = inside.world.vm_clone / name
        put_back = keep(path)
        lines = [f"{key}=1.6.1.41" if line.startswith(f"{key}=") else line for line in path.read_text().splitlines()]
        path.write_text("\n".join(lines) + "\n")
        if restarted:
            restart(inside)

        def undo() -> None:
            put_back()
            if restarted:
                restart(inside)

        return undo

    return break_it


def bad_name(inside: Inside) -> Undo:
    """A name that no environment variable can have, in both settings files; the server crashes at its start."""
    return _on_vm(inside, CONFIGS, lambda text: f"{text}{BAD_LINE}\n")


def bad_reader(inside: Inside) -> Undo:
    """A reader that splits at the last `=`, and a value that has one: the server crashes at its start."""
    undo = _on_vm(inside, CONFIGS, lambda text: f"{text}SEARCH_URL=https://search/?q=1\n")
    back = _on_vm(inside, READERS, lambda text: text.replace(".split('=', 1)", ".rsplit('=', 1)"))

    def both() -> None:
        back()
        undo()

    return both


def key_expired(inside: Inside) -> Undo:
    """The Gemini key of both settings files has expired; the server runs, and says so in its journal."""
    return _on_vm(inside, CONFIGS, lambda text: re.sub(r"(?m)^GEMINI_API_KEY=.*$", f"GEMINI_API_KEY={EXPIRED_KEY}", text))


def _on_vm(inside: Inside, names: tuple[str, ...], change: Callable[[str], str]) -> Undo:
    paths = [path for name in names if (path := inside.world.vm_clone / name).is_file()]
    put_back = keep(*paths)
    for path in paths:
        path.write_text(change(path.read_text()))
    restart(inside)

    def undo() -> None:
        put_back()
        restart(inside)

    return undo


def service_down(inside: Inside) -> Undo:
    """The service has ended and does not come up."""
    inside.fault("service-down")
    restart(inside)

    def undo() -> None:
        inside.fault("service-down", on=False)
        restart(inside)

    return undo


def checkout_version(inside: Inside) -> Undo:
    """VERSION in the checkout, edited by hand and not committed."""
    undo = keep(inside.checkout / "VERSION")
    (inside.checkout / "VERSION").write_text("1.6.1.99\n")
    return undo


def branch_version(inside: Inside) -> Undo:
    """VERSION on the branch: the release that is verified is the one it names, which nobody made."""
    return pushed(inside, lambda: (inside.checkout / "VERSION").write_text("1.6.1.99\n"), "VERSION")


# --- the release host ---


def _api(inside: Inside, method: str, path: str, *more: str) -> Any:
    token = inside.world.secrets.artifacts_token
    argv = ["curl", "-sS", "-X", method, "-H", f"Authorization: Bearer {token}", *more]
    said = inside.run(*argv, path if path.startswith("https:") else f"https://api.github.com/repos/{ARTIFACTS}{path}").stdout
    return json.loads(said) if said else None


def _image(inside: Inside, name: str = DMG) -> int:
    """The id of the image under its fixed tag."""
    assets = _api(inside, "GET", "/releases/tags/Update")["assets"]
    return next(int(asset["id"]) for asset in assets if asset["name"] == name)


def _rename(inside: Inside, asset: int, name: str) -> None:
    _api(inside, "PATCH", f"/releases/assets/{asset}", "-d", json.dumps({"name": name}))


def asset_gone(inside: Inside) -> Undo:
    """Somebody has taken the download away."""
    asset = _image(inside)
    _rename(inside, asset, f"old-{DMG}")
    return lambda: _rename(inside, asset, DMG)


def swap_cut_off(inside: Inside) -> Undo:
    """A swap has died between its two renames."""
    asset = _image(inside)
    _rename(inside, asset, f"previous-{DMG}")
    return lambda: _rename(inside, asset, DMG)


def asset_of_before(inside: Inside) -> None:
    """Somebody has put the file of the release before back under the image's name."""
    asset_gone(inside)
    _rename(inside, _image(inside, f"previous-{DMG}"), DMG)


def asset_replaced(inside: Inside) -> Undo:
    """Somebody has uploaded another file under the image's name."""
    back = asset_gone(inside)
    other = inside.home / "other.dmg"
    artifacts.build_dmg(other, "1.6.1.40", 700_000)
    release = _api(inside, "GET", "/releases/tags/Update")["id"]
    address = f"https://uploads.github.com/repos/{ARTIFACTS}/releases/{release}/assets?name={DMG}"
    sent = ("-H", "Content-Type: application/octet-stream", "--data-binary", f"@{other}")
    made = int(_api(inside, "POST", address, *sent)["id"])

    def undo() -> None:
        _api(inside, "DELETE", f"/releases/assets/{made}")
        back()

    return undo


def asset_half_there(inside: Inside) -> Undo:
    """An upload by hand has died, and left an asset in state `starter` under the image's name."""
    inside.fault("upload-502", param="1")
    back = asset_gone(inside)
    release = _api(inside, "GET", "/releases/tags/Update")["id"]
    address = f"https://uploads.github.com/repos/{ARTIFACTS}/releases/{release}/assets?name={DMG}"
    _api(inside, "POST", address, "-H", "Content-Type: application/octet-stream", "--data-binary", "half", "-o", "/dev/null")

    def undo() -> None:
        _api(inside, "DELETE", f"/releases/assets/{_image(inside)}")
        back()

    return undo


def release_gone(inside: Inside) -> Undo:
    """Somebody has deleted the release under the image's tag, and its assets with it."""
    release = _api(inside, "GET", "/releases/tags/Update")
    kept = {asset["name"]: inside.home / f"kept-{asset['name']}" for asset in release["assets"]}
    for name, path in kept.items():
        inside.run("curl", "-fsSLo", path, f"{ADDRESS}/Update/{name}")
    _api(inside, "DELETE", f"/releases/{release['id']}")

    def undo() -> None:
        made = _api(inside, "POST", "/releases", "-d", json.dumps({"tag_name": "Update"}))["id"]
        for name, path in kept.items():
            address = f"https://uploads.github.com/repos/{ARTIFACTS}/releases/{made}/assets?name={name}"
            _api(inside, "POST", address, "-H", "Content-Type: application/octet-stream", "--data-binary", f"@{path}")

    return undo


def stray_release(tag: str, repository: str) -> Break:
    """A GitHub release where there must be none."""

    def break_it(inside: Inside) -> Undo:
        token = inside.world.secrets.world_token
        head = ("-H", f"Authorization: Bearer {token}")
        base = f"https://api.github.com/repos/{repository}/releases"
        made = json.loads(inside.run("curl", "-sS", *head, "-d", json.dumps({"tag_name": tag}), base).stdout)["id"]
        return lambda: inside.run("curl", "-sS", "-X", "DELETE", *head, f"{base}/{made}")

    return break_it


# --- the inbox ---


def inbox_rebuilt(inside: Inside) -> Undo:
    """The same version, built once more: other bytes than those that were published."""
    path = inside.world.checkout_layout.inbox / DMG
    undo = keep(path)
    artifacts.build_dmg(path, released(inside), 900_000)
    return undo


def inbox_empty_file(inside: Inside) -> Undo:
    """The image is there, without a byte."""
    path = inside.world.checkout_layout.inbox / DMG
    undo = keep(path)
    path.write_bytes(b"")
    return undo


# --- backup and drill ---


def _records(inside: Inside, suffix: str) -> list[Path]:
    return sorted(inside.world.checkout_layout.backups.glob(f"*{suffix}"))


def _newest_backup(inside: Inside) -> Path:
    """The archive of the release's own backup."""
    return _records(inside, ".tar.gz")[-1]


def backup(change: Callable[[Path], object], suffix: str = "") -> Break:
    """The pre-release backup's archive, or what lies beside it."""

    def break_it(inside: Inside) -> Undo:
        archive = _newest_backup(inside)
        path = archive.with_name(archive.name + suffix)
        undo = keep(path)
        change(path)
        return undo

    return break_it


def flip(path: Path) -> None:
    """One bit of a file is another one."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


def drill(change: Callable[[Path], object]) -> Break:
    """Every drill's record."""

    def break_it(inside: Inside) -> Undo:
        paths = _records(inside, ".drill.jsonl")
        undo = keep(*paths)
        for path in paths:
            change(path)
        return undo

    return break_it


def vault_gone(inside: Inside) -> Undo:
    """The whole backup folder, with archives, records and drills."""
    folder = inside.world.checkout_layout.backups
    aside = folder.with_name("elsewhere")
    folder.rename(aside)

    def undo() -> None:
        shutil.rmtree(folder, ignore_errors=True)
        aside.rename(folder)

    return undo


# --- tags, remotes, the checkout ---


def tag_gone(inside: Inside) -> Undo:
    """The release's tag, deleted on the code repository."""
    tag = f"v{released(inside)}"
    inside.git("push", "-q", "origin", f":refs/tags/{tag}")
    return lambda: inside.git("push", "-q", "origin", f"refs/tags/{tag}")


def tag_moved(inside: Inside) -> Undo:
    """The release's tag, moved to the manifest commit."""
    bare, tag = inside.world.bare(CODE), f"refs/tags/v{released(inside)}"
    before = inside.git("rev-parse", tag, cwd=bare)
    inside.git("update-ref", tag, inside.git("rev-parse", "main", cwd=bare), cwd=bare)
    return lambda: inside.git("update-ref", tag, before, cwd=bare)


def tag_lost_here(inside: Inside) -> Undo:
    """The release's tag, deleted in the checkout."""
    tag = f"refs/tags/v{released(inside)}"
    before = inside.git("rev-parse", tag)
    inside.git("update-ref", "-d", tag)
    return lambda: inside.git("update-ref", tag, before)


def manifest_astray(inside: Inside) -> Undo:
    """The manifest commit went to the artifacts repository, where a pushurl led, and the code repository stands at the release commit."""
    bare, wrong, version = inside.world.bare(CODE), f"https://github.com/{ARTIFACTS}.git", released(inside)
    tagged = inside.git("rev-parse", f"v{version}^{{commit}}")
    message = f"Update manifest for {version} (Production)"
    commit = inside.git("commit-tree", "HEAD^{tree}", "-p", tagged, "-m", message)
    inside.reset(commit)
    inside.git("push", "-q", wrong, f"{commit}:refs/heads/manifests")
    inside.git("update-ref", "refs/heads/main", tagged, cwd=bare)
    inside.git("fetch", "-q", "origin")
    inside.git("config", "remote.origin.pushurl", wrong)

    def undo() -> None:
        inside.run("git", "config", "--unset-all", "remote.origin.pushurl", check=False)
        inside.git("update-ref", "-d", "refs/heads/manifests", cwd=inside.world.bare(ARTIFACTS))
        if inside.git("rev-parse", "main", cwd=bare) == tagged:
            inside.git("push", "-q", "origin", f"{commit}:refs/heads/main")
        inside.git("fetch", "-q", "origin")

    return undo


def pushurl_wrong(inside: Inside) -> Undo:
    """A pushurl that leads to the artifacts, nothing pushed yet: the next manifest would go there."""
    inside.git("config", "remote.origin.pushurl", f"https://github.com/{ARTIFACTS}.git")
    return lambda: inside.run("git", "config", "--unset-all", "remote.origin.pushurl", check=False)


def configuration_wrong(inside: Inside) -> Undo:
    """Our own configuration names another artifacts repository."""
    undo = keep(inside.world.config)
    text = inside.world.config.read_text()
    inside.world.config.write_text(text.replace("[target]\n", '[target]\nartifacts_repository = "Seregawpn/Nexy_elsewhere"\n', 1))
    return undo


def token_lost(inside: Inside) -> Undo:
    """No token anywhere: neither in the environment nor in the keyring."""
    token = inside.environ.pop("GH_TOKEN")

    def undo() -> None:
        inside.environ["GH_TOKEN"] = token
        keyring_says(inside, "del")

    return undo


def script_lost(inside: Inside) -> Undo:
    """A script of the commit is not in the working tree."""
    path = inside.checkout / "server/scripts/update_server_version.sh"
    undo, mode = keep(path), path.stat().st_mode
    path.unlink()

    def put_back() -> None:
        undo()
        path.chmod(mode)

    return put_back


def vm_elsewhere(inside: Inside) -> Undo:
    """The VM's clone, checked out at the release before by hand; the manifests stay as they are."""
    vm = inside.world.vm_clone
    before = inside.git("rev-parse", "HEAD", cwd=vm)
    inside.git("update-ref", "--no-deref", "HEAD", "v1.6.1.41^{commit}", cwd=vm)
    return lambda: inside.git("update-ref", "--no-deref", "HEAD", before, cwd=vm)
