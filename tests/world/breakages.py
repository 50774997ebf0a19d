"""Every way a released world is broken in the tests, and what the final verification must then name: exactly that, and no other.

The rule behind the third column: an item is named when its own sentence in rulebook section 6 is no longer true. What a
broken thing is merely compared with is not named.

1. *inbox*: the image in release_inbox is whole, of this version, and the file that was published.
2. *publication*: `RELEASE COMPLETE`: the download is there, and the pushed canonical manifest names exactly its bytes.
3. *assets*: the artifact stands under its fixed tag, and it is the released one.
4. *manifest*: all four files on the release branch are this release's, and identical.
5. *live*: `/health`, `/updates/health` and the appcast show the release; the appcast speaks of the released bytes.
6. *backup*: the pre-release backup is there, whole, signed.
7. *drill*: the newest restore drill on record passed, and is not older than the limit.

A hand that edits what nobody outside can see yet (a checkout, a setting that is read at the next start, a file the server
does not serve) breaks none of the seven: `check --all --vm` names it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from breaking import (
    CANONICAL,
    CLAIMED,
    FIELDS,
    SECOND,
    SIZE,
    Break,
    all_four,
    asset_gone,
    asset_half_there,
    asset_replaced,
    backup,
    bad_name,
    bad_reader,
    branch_version,
    checkout_version,
    configuration_wrong,
    drill,
    drop,
    editing,
    fault,
    flip,
    garble,
    in_checkout,
    inbox_empty_file,
    inbox_rebuilt,
    key_expired,
    manifest_astray,
    on_branch,
    on_vm,
    pushurl_wrong,
    put,
    release_gone,
    script_lost,
    service_down,
    setting,
    stray_release,
    tag_gone,
    tag_lost_here,
    tag_moved,
    token_lost,
    vault_gone,
    vm_elsewhere,
)
from conftest import Inside
from mending import NEW_KEY

from nexy_tui.core.target import DMG
from nexy_tui.rehearsal.names import ARTIFACTS, CODE
from nexy_tui.rehearsal.vm.seed import CONFIGS


@dataclass(frozen=True)
class Breakage:
    """One way: its kind (of which the ordinary test run takes one each), how it is done, and what must be named.

    `verify` are the items of the seven; `check` what `check --all --vm` must name beside them, for a trouble outside the
    seven. `fixer` mends it where the rulebook has one, given `secret` where it needs one. `break_it` gives back what undoes
    it; after a fixer that is called where `then` says so: `lay` before the world is looked at again (the artifacts that the
    operator lays), `tidy` after it.
    """

    id: str
    kind: str
    break_it: Break
    verify: tuple[str, ...] = ()
    check: tuple[str, ...] = ()
    fixer: str = ""
    secret: Callable[[Inside], str] | None = None
    then: Literal["", "lay", "tidy"] = ""


def branch_rows() -> Iterator[Breakage]:
    """Each field of each of the four files on the branch; each of them missing, and each of them no JSON."""
    names = ("canonical", "canonical copy", "second", "second copy")
    for index, name in enumerate(names):
        for key, edit in FIELDS.items():
            claimed = index == 0 and key in CLAIMED
            kind = "branch: a claim" if claimed else "branch: a copy"
            concerned = ("publication", "manifest") if claimed else ("manifest",)
            yield Breakage(f"{name} {key}", kind, on_branch(index, editing(edit)), concerned, fixer="stale-appcast")
        concerned = ("publication", "manifest") if index == 0 else ("manifest",)
        yield Breakage(f"{name} missing", "branch: a claim", on_branch(index, Path.unlink), concerned, fixer="stale-appcast")
        cut = on_branch(index, lambda path: path.write_text(path.read_text()[:-20]))
        yield Breakage(f"{name} cut off", "branch: a claim", cut, concerned, fixer="stale-appcast")
    for key in ("version", "artifact.url", "artifact.size", "artifact.ed25519"):
        yield Breakage(f"all four {key}", "branch: a claim", all_four(FIELDS[key]), ("publication", "manifest"), fixer="stale-appcast")
    unsigned = all_four(drop("artifact.ed25519"))
    yield Breakage("all four unsigned", "branch: a claim", unsigned, ("publication", "manifest"), fixer="stale-appcast")
    for key in ("artifact.arch", "notes_url"):
        yield Breakage(f"all four {key}", "branch: a claim", all_four(FIELDS[key]), ("manifest",), fixer="stale-appcast")


SERVED = ("version", "build", "artifact.url", "artifact.size", "artifact.ed25519", "artifact.min_os")
"""What the appcast shows of the manifest that the server reads."""


def vm_rows() -> Iterator[Breakage]:
    """Each field of the manifest that the server reads on the VM, and the three files beside it that it does not read."""
    for key, edit in FIELDS.items():
        seen = key in SERVED
        kind = "vm: served" if seen else "beside: vm"
        named, beside = (("live",), ()) if seen else ((), ("deploy.manifests",))
        yield Breakage(f"served {key}", kind, on_vm(2, editing(edit)), named, beside, fixer="stale-appcast")
    plain = editing(put("artifact.url", f"http://github.com/{ARTIFACTS}/releases/download/Update/{DMG}"))
    for name, change in (("not https", plain), ("unsigned", editing(drop("artifact.ed25519"))), ("no JSON", garble)):
        yield Breakage(f"served {name}", "vm: served", on_vm(2, change), ("live",), fixer="stale-appcast")
    for index, name in ((0, "canonical"), (1, "canonical copy"), (3, "second copy")):
        row = on_vm(index, editing(FIELDS["artifact.size"]))
        yield Breakage(f"vm {name}", "beside: vm", row, (), ("deploy.manifests",), fixer="stale-appcast")


def _token(inside: Inside) -> str:
    return inside.world.secrets.artifacts_token


EXPIRED = ("ready.service", "deploy.service")
NO_RIGHT = ("remotes.artifacts", "remotes.unmixed", "ready.rules")
BUSY = (
    *(f"ready.{name}" for name in ("vm", "drift", "start", "service")),
    *(f"deploy.{name}" for name in ("vm", "head", "manifests", "config", "service", "health")),
)
OF_MANIFESTS = ("version.manifests", "publish.manifests", "publish.commit", "gate.manifests")
CONFIGURED = ("publication", "assets", "manifest", "live")
"""What is held against the target that our configuration names."""

OF_CANONICAL = (*OF_MANIFESTS, "gate.appcast")
REMOTES = ("remotes.code", "remotes.push")

UNRELEASED = (
    *("version.files", "version.commit", "version.tag", "inbox.version", "inbox.new"),
    *("publish.pushed", "publish.manifests", "publish.commit", "gate.files", "gate.manifests", "gate.appcast"),
    *("deploy.head", "deploy.manifests", "deploy.config", "deploy.health"),
)
"""What is still to be done for the version that the checkout's VERSION names."""

OF_APPLICATION = ("dmg-other-key", "dmg-other-feed", "dmg-newer-macos")
"""The image built again, with an application that cannot be updated."""

ROWS: tuple[Breakage, ...] = (
    # 1: the inbox
    Breakage("inbox missing", "inbox", fault("inbox-missing"), ("inbox",), fixer="inbox", then="lay"),
    Breakage("inbox empty", "inbox", fault("inbox-empty"), ("inbox",)),
    Breakage("image truncated", "inbox", fault("dmg-truncated"), ("inbox",)),
    Breakage("image a web page", "inbox", fault("dmg-html"), ("inbox",)),
    Breakage("image of another version", "inbox", fault("dmg-other-version"), ("inbox",)),
    Breakage("image without a byte", "inbox", inbox_empty_file, ("inbox",)),
    Breakage("image rebuilt", "inbox: other bytes", inbox_rebuilt, ("inbox",)),
    *(Breakage(f"image by {name}", "inbox: other bytes", fault(name), ("inbox",)) for name in OF_APPLICATION),
    # 2, 3: the release host
    Breakage("asset gone", "host", asset_gone, ("publication", "assets")),
    Breakage("asset half there", "host", asset_half_there, ("publication", "assets")),
    Breakage("no release under the tag", "host", release_gone, ("publication", "assets")),
    Breakage("asset replaced", "host: other bytes", asset_replaced, ("publication", "assets")),
    Breakage("other bytes at the address", "host: other bytes", fault("download-other-bytes"), ("publication", "assets")),
    Breakage("token invalid", "host: token", fault("token-invalid"), ("assets",)),
    Breakage("token lost", "host: token", token_lost, ("assets",), fixer="github-auth", secret=_token, then="tidy"),
    Breakage("configuration wrong", "target", configuration_wrong, CONFIGURED, fixer="target-repository"),
    # 2, 4: the four manifests on the branch
    *branch_rows(),
    Breakage("commit astray", "branch: astray", manifest_astray, ("publication", "manifest"), fixer="manifest-repository", then="tidy"),
    # 5: what is live
    *vm_rows(),
    Breakage("server down", "live", fault("server-down"), ("live",)),
    Breakage("a third version", "live", fault("server-third-version"), ("live",)),
    Breakage("appcast broken", "live", fault("appcast-broken"), ("live",)),
    Breakage("service down", "live", service_down, ("live",)),
    Breakage("SERVER_VERSION in force", "live: settings", setting(CONFIGS[1], "SERVER_VERSION", restarted=True), ("live",)),
    Breakage("SERVER_BUILD in force", "live: settings", setting(CONFIGS[1], "SERVER_BUILD", restarted=True), ("live",)),
    Breakage("a name that crashes", "live: crash", bad_name, ("live",), fixer="config-env"),
    Breakage("a reader that crashes", "live: crash", bad_reader, ("live",), fixer="config-env"),
    # 6, 7: backup and drill
    Breakage("archive gone", "backup", backup(Path.unlink), ("backup",)),
    Breakage("archive damaged", "backup", backup(flip), ("backup",)),
    Breakage("backup's record gone", "backup", backup(Path.unlink, ".backup.json"), ("backup",)),
    Breakage("backup's record edited", "backup", backup(flip, ".backup.json"), ("backup",)),
    Breakage("drill never", "drill", fault("drill-never"), ("drill",)),
    Breakage("drill old", "drill", fault("drill-old"), ("drill",)),
    Breakage("drill's record edited", "drill", drill(flip), ("drill",)),
    Breakage("drill's record emptied", "drill", drill(lambda path: path.write_bytes(b"")), ("drill",)),
    Breakage("backup folder gone", "drill", vault_gone, ("backup", "drill")),
    Breakage("database down", "drill", fault("database-down"), ("backup", "drill")),
    # the version that is verified is the one that the branch's VERSION names
    Breakage("VERSION on the branch", "VERSION", branch_version, ("inbox", "publication", "manifest", "live")),
    # beside the seven
    Breakage("VERSION in the checkout", "beside: checkout", checkout_version, check=UNRELEASED),
    Breakage("backup's sum edited", "beside: files", backup(flip, ".sha256"), check=("database.backup",)),
    Breakage("SERVER_VERSION unread", "beside: vm", setting(CONFIGS[0], "SERVER_VERSION", restarted=True), check=("deploy.config",)),
    Breakage("SERVER_BUILD unread", "beside: vm", setting(CONFIGS[0], "SERVER_BUILD", restarted=True), check=("deploy.config",)),
    Breakage("SERVER_VERSION to come", "beside: vm", setting(CONFIGS[1], "SERVER_VERSION", restarted=False), check=("deploy.config",)),
    Breakage(
        "key expired", "beside: vm", key_expired, check=("ready.service", "deploy.service"), fixer="gemini-key", secret=lambda _: NEW_KEY
    ),
    Breakage("slot taken", "beside: slot", fault("run-command-busy", "20"), check=BUSY, fixer="azure-busy", then="tidy"),
    Breakage("clone elsewhere", "beside: vm", vm_elsewhere, check=("ready.drift", "deploy.head")),
    Breakage("tag gone", "beside: tag", tag_gone, check=("version.number", "publish.pushed", "deploy.head")),
    Breakage("tag moved", "beside: tag", tag_moved, check=("version.number", "publish.pushed", "deploy.head")),
    Breakage("tag lost here", "beside: tag", tag_lost_here, check=("version.tag",)),
    Breakage("pushurl wrong", "beside: remote", pushurl_wrong, check=("remotes.code",), fixer="manifest-repository", then="tidy"),
    Breakage("remotes wrong", "beside: remote", fault("wrong-code-remote"), check=REMOTES, fixer="manifest-repository", then="tidy"),
    Breakage("code released", "beside: remote", stray_release("v1.6.1.43", CODE), check=("remotes.unmixed",)),
    Breakage("a version's release", "beside: remote", stray_release("v1.6.1.43", ARTIFACTS), check=("remotes.unmixed",)),
    Breakage(
        "no right to write", "beside: host", fault("token-without-scope"), check=("remotes.artifacts", "remotes.unmixed", "ready.rules")
    ),
    Breakage("release immutable", "beside: host", fault("immutable-release"), check=("remotes.artifacts",)),
    Breakage("script lost", "beside: checkout", script_lost, check=("version.tree",), fixer="script-paths"),
    Breakage("canonical edited", "beside: files", in_checkout(CANONICAL, SIZE), check=OF_CANONICAL, fixer="stale-appcast"),
    Breakage("second edited", "beside: files", in_checkout(SECOND, SIZE), check=OF_MANIFESTS, fixer="stale-appcast"),
)

BY_HAND = {"config-env-broken", "gemini-key-invalid", "service-down", "manifests-differ", "missing-tag"}
"""Faults whose state the table brings about by its own hand, so that a fixer's work is not undone when they are switched off."""

OF_A_RUN = {
    *("push-rejected", "rate-limited", "upload-502", "upload-drop", "rename-404-once", "download-stale-once", "bandwidth"),
    *("deploy-exit-123", "wheel-broken", "run-command-slow", "repository-renamed", "branch-rule"),
    *("azure-secret-expired", "vm-deallocated", "vm-credential-gone", "vm-disk-full", "vm-drift", "exec-start-gone", "service-restarts"),
}
"""Faults that hinder what is being done or keep it from beginning, and break nothing of a release that is out."""
