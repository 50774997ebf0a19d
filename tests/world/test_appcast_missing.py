"""A release that begins while the server can make no appcast (HTTP 500): recorded, not refused, and cured by the release."""

from __future__ import annotations

import pytest
from conftest import MakeWorld

pytest.register_assert_rewrite("driving")

import driving  # noqa: E402


@pytest.mark.exhaustive
def test_a_release_cures_an_appcast_that_was_500_before_it(make_world: MakeWorld) -> None:
    inside = make_world(layout="nested")
    url = f"https://{inside.world.update_host}/updates/appcast.xml"
    inside.fault("appcast-from-config", True)
    for folder in driving.MANIFEST_DIRS:
        for path in (inside.world.vm_clone / folder).glob("manifest_*.json"):
            path.unlink()
    assert inside.run("curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", url).stdout == "500"
    run = driving.release(inside, inside.world.next, "--kind", "update-only")
    assert run.exit == 0, run.said[-3000:]
    assert {run.item(name)["status"] for name in ("gate.live", "final.live")} == {"passed"}
    assert run.records[0].details["facts"]["appcast_before"] == "HTTP 500"
    assert f'sparkle:version="{inside.world.next}"' in inside.run("curl", "-fsS", url).stdout
