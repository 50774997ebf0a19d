"""A whole release, played by `rehearse --headless --auto --json`, and then looked at with tools that are not ours."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

pytest.register_assert_rewrite("witnesses")

import witnesses  # noqa: E402
from witnesses import Seen  # noqa: E402

PREVIOUS = "1.6.1.42"
NEW_WHEELS = {"nexy-wire": "1.1", "nexy-voice": "2.0"}
"""What the release's requirements name and the release before did not."""


@dataclass
class Stage:
    """This test's one world, in which releases are made and looked at."""

    folder: Path
    peak: float | None = None

    @property
    def place(self) -> Path:
        return self.folder / "world"

    @property
    def home(self) -> Path:
        return self.folder / "home"

    def rehearse(self, *options: str, layout: str = "flat", timeout: float = 180) -> Seen:
        """Release the next version by `rehearse`."""
        done, self.peak = witnesses.rehearse(self.place, self.home, *options, timeout=timeout)
        assert done.returncode == 0, done.stderr[-6000:]
        return self.seen(json.loads(done.stdout), layout)

    def seen(self, document: dict[str, Any], layout: str = "flat") -> Seen:
        """What a document speaks of."""
        scratch = self.folder / f"scratch-{document.get('version')}"
        scratch.mkdir(exist_ok=True)
        return Seen(self.place, self.home, document, scratch, layout)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    made = Stage(tmp_path)
    try:
        yield made
    finally:
        witnesses.world(made.place, made.home, "down")
        shutil.rmtree(made.place)


def see_all(seen: Seen, before: str, backups: Path | None = None) -> None:
    witnesses.everything_holds(seen)
    witnesses.tag_and_branch(seen, before)
    witnesses.the_tag_names_the_log(seen)
    witnesses.manifests(seen)
    witnesses.download(seen)
    witnesses.signature(seen)
    witnesses.live(seen)
    witnesses.the_vm(seen, NEW_WHEELS)
    witnesses.backup(seen, backups)
    witnesses.the_log(seen)


def where_it_began(seen: Seen) -> str:
    """The branch's commit that genesis names as the log's subject."""
    line = seen.log.read_bytes().splitlines()[0]
    return str(witnesses.statement(line)["subject"][0]["digest"]["gitCommit"])


def the_first(stage: Stage) -> Seen:
    """A release in a new world, looked at in every way."""
    first = stage.rehearse("--artifact-size", "1MB")
    assert first.version == "1.6.1.43"
    assert stage.peak is None or stage.peak < 200, "the wizard's own process is small; `make exhaustive` sees it with real sizes"
    assert first.manifest["artifact"]["size"] == 1_000_000
    see_all(first, where_it_began(first))
    the_exposure_is_in_the_log(first)
    return first


def test_a_release_seen_from_outside(stage: Stage) -> None:
    the_first(stage)
    no_secret_was_written(stage, logs=1)


@pytest.mark.exhaustive
def test_two_releases_a_rollback_and_a_third_release_seen_from_outside(stage: Stage) -> None:
    first = the_first(stage)
    branch, digest = first.refs["HEAD"], first.manifest["artifact"]["sha256"]
    second = stage.rehearse()
    assert second.version == "1.6.1.44"
    see_all(second, branch)
    assert second.manifest["artifact"]["sha256"] != digest
    head = hashlib.sha256(first.log.read_bytes().splitlines()[-1]).hexdigest()
    assert second.predicates[0]["genesis"]["previous_head"] == head
    assert second.refs["refs/tags/v1.6.1.43"] == first.refs["refs/tags/v1.6.1.43"]
    back = see_rolled_back(stage, first, second)
    third = stage.rehearse()
    assert third.version == "1.6.1.45", "what was rolled back keeps its number"
    see_all(third, back)
    no_secret_was_written(stage, logs=4)


def the_exposure_is_in_the_log(seen: Seen) -> None:
    """It began with the swap, and ended before the last item that waits for it was looked at."""
    said = [str(one["message"]) for one in seen.predicates if one["kind"] == "progress-checkpoint"]
    swapped = next(index for index, text in enumerate(said) if text == "replace the download")
    opened = next(index for index, text in enumerate(said) if text.startswith("Exposure opened: "))
    [closed] = [index for index, text in enumerate(said) if re.fullmatch(r"Exposure closed after \d+\.\d s: .* agree\.", text)]
    assert swapped < opened < closed


def no_secret_was_written(stage: Stage, logs: int) -> None:
    """In nothing that the program wrote of itself, logs decoded, stands a token or another of the world's secrets."""
    secrets = [value.encode() for value in json.loads((stage.place / "world.json").read_text())["secrets"].values()]
    written = [path for path in (stage.place / "state").rglob("*") if path.is_file()]
    chains = [path for path in written if path.name.endswith(".intoto.jsonl")]
    assert len(chains) >= logs, "one of each act"
    texts = [path.read_bytes() for path in written]
    texts += [json.dumps(witnesses.statement(line)).encode() for path in chains for line in path.read_bytes().splitlines()]
    assert not [secret for secret in secrets if any(secret in text for text in texts)]


def see_rolled_back(stage: Stage, first: Seen, second: Seen) -> str:
    """`nexy-tui rollback`, and what stands outside then: the first release's bytes and manifests, offered live; the branch's commit."""
    document = json.loads(second.run("nexy-tui", "rollback", "--yes", "--json", cwd=second.base))
    assert document["outcome"] == "verified"
    log = Path(document["log"])
    scratch = stage.folder / "scratch-rolled-back"
    scratch.mkdir()
    seen = Seen(stage.place, stage.home, {**document, "version": first.version}, scratch)
    witnesses.manifests(seen)
    witnesses.live(seen)
    assert seen.manifest == first.manifest
    fetched = seen.scratch / "put-back"
    seen.run("curl", "-fsSL", "-o", fetched, seen.manifest["artifact"]["url"])
    assert seen.run("sha256sum", fetched).split()[0] == first.manifest["artifact"]["sha256"]
    assert seen.run("git", "rev-parse", "HEAD^", cwd=seen.clone) == second.refs["HEAD"], "one commit on top of what was published"
    changed = seen.run("git", "diff-tree", "--no-commit-id", "--name-only", "-r", "HEAD", cwd=seen.clone).splitlines()
    withdrawn = f"manifest_{second.version}.json"
    assert set(changed) == {f"{folder}/{name}" for folder in witnesses.MANIFEST_DIRS for name in ("manifest.json", withdrawn)}
    assert not [ref for ref in seen.refs if ref.startswith(("refs/nexy/lock", "refs/nexy/prepared"))], "no lock is left"
    records = [witnesses.statement(line)["predicate"] for line in log.read_bytes().splitlines()]
    said = json.dumps(records)
    assert "put the release before back" in said and "gate, profile rulebook" in said
    assert (records[-1]["kind"], records[-1]["seal"]["outcome"]) == ("seal", "complete")
    return seen.refs["HEAD"]


@pytest.mark.exhaustive
def test_a_nested_checkout_seen_from_outside(stage: Stage) -> None:
    seen = stage.rehearse("--artifact-size", "1MB", "--layout", "nested", layout="nested")
    assert (seen.base / "VERSION").is_file() and not (seen.base.parent / "VERSION").exists()
    see_all(seen, where_it_began(seen))


@pytest.mark.exhaustive
def test_a_package_and_a_database_on_the_vm_seen_from_outside(stage: Stage) -> None:
    witnesses.world(stage.place, stage.home, "up", "--artifact-size", "1MB")
    outside = stage.seen({"version": "1.6.1.43"})
    config = Path(outside.environ["NEXY_CONFIG"])
    config.write_text(config.read_text().replace('where = "local"', 'where = "vm"'))
    witnesses.world(stage.place, stage.home, "build", "1.6.1.43", "--with", "Nexy.pkg")
    outside.run("nexy-tui", "db", "backup", "--yes")
    outside.run("nexy-tui", "db", "drill", "--yes")
    document = outside.run("nexy-tui", "release", "1.6.1.43", "--with", "Nexy.pkg", "--headless", "--auto", "--json")
    seen = stage.seen(json.loads(document))
    see_all(seen, where_it_began(seen), seen.vm / "server/backups/postgres")
    witnesses.the_package(seen)


@pytest.mark.exhaustive
@pytest.mark.parametrize("size", ["1MB", "316MB", "1900MB"])
def test_the_wizards_own_process_stays_small_however_large_the_artifact(size: str, stage: Stage) -> None:
    seen = stage.rehearse("--artifact-size", size, timeout=3000)
    assert stage.peak is not None, "the wizard's process could not be watched"
    print(f"\n{size}: {seen.document['duration_s']:.0f} s, peak resident memory of the wizard {stage.peak:.0f} MB")
    assert stage.peak < 200
    assert seen.manifest["artifact"]["size"] == int(size.removesuffix("MB")) * 1_000_000
    see_all(seen, where_it_began(seen))
