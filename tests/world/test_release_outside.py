"""A whole release, played by `rehearse --headless --auto --json`, and then looked at with tools that are not ours."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.register_assert_rewrite("witnesses")

import witnesses  # noqa: E402
from witnesses import Seen  # noqa: E402

PREVIOUS = "1.6.1.42"
NEW_WHEELS = {"nexy-wire": "1.1", "nexy-voice": "2.0"}
"""What the release's requirements name and the release before did not."""


@pytest.fixture
def release(tmp_path: Path) -> Iterator[Callable[..., Seen]]:
    """`release(layout="flat")` releases the next version in this test's one world, and takes it down at the end."""
    place, home = tmp_path / "world", tmp_path / "home"

    def run(*options: str, layout: str = "flat", timeout: float = 180) -> Seen:
        done = witnesses.rehearse(place, home, *options, timeout=timeout)
        assert done.returncode == 0, done.stderr[-6000:]
        document = json.loads(done.stdout)
        scratch = tmp_path / f"scratch-{document['version']}"
        scratch.mkdir()
        return Seen(place, home, document, scratch, layout)

    try:
        yield run
    finally:
        witnesses.world(place, home, "down")


def see_all(seen: Seen, before: str) -> None:
    witnesses.everything_holds(seen)
    witnesses.tag_and_branch(seen, before)
    witnesses.the_tag_names_the_log(seen)
    witnesses.manifests(seen)
    witnesses.download(seen)
    witnesses.signature(seen)
    witnesses.live(seen)
    witnesses.the_vm(seen, NEW_WHEELS)
    witnesses.backup(seen)
    witnesses.the_log(seen)


def where_it_began(seen: Seen) -> str:
    """The branch's commit that genesis names as the log's subject."""
    line = seen.log.read_bytes().splitlines()[0]
    return str(witnesses.statement(line)["subject"][0]["digest"]["gitCommit"])


def test_two_releases_in_a_row_seen_from_outside(release: Callable[..., Seen]) -> None:
    first = release("--artifact-size", "1MB")
    assert first.version == "1.6.1.43"
    assert first.manifest["artifact"]["size"] == 1_000_000
    see_all(first, where_it_began(first))
    branch = first.refs["HEAD"]
    second = release()
    assert second.version == "1.6.1.44"
    see_all(second, branch)
    assert second.manifest["artifact"]["sha256"] != first.manifest["artifact"]["sha256"]
    assert second.first("genesis")["genesis"]["previous_head"] == hashlib.sha256(first.log.read_bytes().splitlines()[-1]).hexdigest()
    assert f"refs/tags/v{first.version}" in second.refs


def test_a_nested_checkout_seen_from_outside(release: Callable[..., Seen]) -> None:
    seen = release("--artifact-size", "1MB", "--layout", "nested", layout="nested")
    assert (seen.base / "VERSION").is_file() and not (Path(seen.environ["NEXY_CHECKOUT"]) / "VERSION").exists()
    see_all(seen, where_it_began(seen))
