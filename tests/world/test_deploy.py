"""Deploying in a rehearsal world: the stock Azure SDK, a script bash really runs, and every fault of the phase."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from conftest import Inside, MakeWorld

from checks import deploy, final, gate
from checks.base import Check, Scope
from nexy_tui.actions.base import ActionContext, ActionResult, LogHead
from nexy_tui.actions.deploy import Deploy
from nexy_tui.config import load_settings
from nexy_tui.core import manifest
from nexy_tui.core.clock import SystemClock
from nexy_tui.core.event import Event, PointOfNoReturn, Waiting
from nexy_tui.core.finding import Status, Verdict
from nexy_tui.core.health import Health
from nexy_tui.core.kind import Kind
from nexy_tui.core.plan import Plan
from nexy_tui.core.problem import ActionFailed, Cancelled, CouldNotLook, Problem, Refused, Unusable
from nexy_tui.core.secret import Secret
from nexy_tui.core.version import Version
from nexy_tui.services import Services
from nexy_tui.services.azure_errors import Busy
from nexy_tui.services.version_files import rewritings

PREVIOUS, NEXT = Version.parse("1.6.1.42"), Version.parse("1.6.1.43")
ITEMS = {name: getattr(deploy, name.upper()) for name in ("vm", "head", "manifests", "config", "service", "health")}


@dataclass
class Run:
    """One run in one world, as far as these tests need it."""

    inside: Inside
    services: Services
    plan: Plan
    events: list[Event] = field(default_factory=list)
    intents: list[str] = field(default_factory=list)

    def deploy(self, cancelled: Callable[[], bool] = lambda: False) -> ActionResult:
        self.events.clear()
        context = ActionContext(
            services=self.services,
            plan=self.plan,
            emit=self.events.append,
            cancelled=cancelled,
            intent=lambda step, /, **facts: self.intents.append(step),
            signer=_unused,
            trusted=_unused,
            journal=lambda: LogHead("run", 0, "0" * 64),
        )
        return Deploy().run(context)

    def verdict(self, check: Check) -> Verdict:
        return check.judge(check.look(Scope(self.services, self.plan, _unused)), self.plan)

    def wrong(self) -> set[str]:
        scope = Scope(self.services, self.plan, _unused)
        return {name for name, check in ITEMS.items() if check.judge(check.look(scope), self.plan).status is not Status.PASSED}

    def on(self, version: Version, kind: Kind) -> Run:
        return replace(self, plan=replace(self.plan, version=version, kind=kind), events=[], intents=[])

    @contextmanager
    def hurried(self) -> Iterator[None]:
        """Long waits pass at once; not for polling, which would then never pause."""
        clock = self.services.clock
        assert isinstance(clock, SystemClock)
        before, clock.speed = clock.speed, 5000
        yield
        clock.speed = before

    # --- what publishing would have done ---

    def release(self, version: Version, kind: Kind) -> None:
        """Version files, release commit, tag and manifests on the code repository, as a run of that kind leaves them."""
        git, layout = self.inside.git, self.services.layout
        for change in rewritings(layout, version):
            if change.after is not None:
                layout.path(change.file.path).write_text(change.after)
        if kind is not Kind.UPDATE_ONLY:
            git("commit", "-qam", f"Release {version.tag}")
            git("tag", "-a", "-m", version.tag, version.tag)
        if kind is not Kind.CODE_ONLY:
            files = layout.manifest_files(str(version))
            before = manifest.read((layout.root / files[0]).read_bytes()).document
            artifact = before["artifact"]
            facts = {"url": artifact["url"], "size": artifact["size"], "sha256": artifact["sha256"], "signature": artifact["ed25519"]}
            made = manifest.build(before, version=str(version), notes_url=before["notes_url"], now=self.plan.now, **facts).render()
            for path in files:
                (layout.root / path).write_bytes(made)
                git("add", "-f", str(path))
            git("commit", "-qam", f"Update manifest for {version} (Production)")
        git("push", "-q", "origin", "HEAD", "--tags")

    def vm(self, path: str) -> Path:
        return self.inside.world.vm_clone / path

    def vm_head(self) -> str:
        return self.inside.git("-C", self.inside.world.vm_clone, "rev-parse", "HEAD")


def _unused() -> Any:
    raise AssertionError("a deploy signs nothing itself")


@pytest.fixture
def enter(make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Run]:
    """A world, entered by environment: the SDK reads this process's."""

    def made(layout: str = "flat") -> Run:
        inside = make_world(layout)
        for name in set(os.environ) - set(inside.environ):
            monkeypatch.delenv(name)
        for name, value in inside.environ.items():
            monkeypatch.setenv(name, value)
        services = Services(load_settings(), inside.checkout)
        plan = Plan(services.target, NEXT, Kind.FULL, services.clock.now(), run="r", started=services.clock.now(), served_before=PREVIOUS)
        return Run(inside, services, replace(plan, published_before=PREVIOUS, tried=frozenset({"deploy"})))

    return made


@pytest.mark.exhaustive
def test_each_fault_stops_the_deploy_and_without_it_the_same_run_goes_on(enter: Callable[..., Run]) -> None:
    run = enter()
    with pytest.raises(Refused, match=f"no tag {NEXT.tag}"):
        run.deploy()
    run.release(NEXT, Kind.FULL)
    assert run.wrong() == {"head", "manifests", "config", "health"}
    config = run.vm("server/config.env").read_bytes()

    run.inside.fault("deploy-exit-123")
    with pytest.raises(ActionFailed, match=r"(?s)step checkout, status 123.*Input/output error"):
        run.deploy()
    assert run.wrong() == {"head", "manifests", "config", "health"}
    run.inside.fault("deploy-exit-123", on=False)

    run.inside.fault("wheel-broken")
    with pytest.raises(ActionFailed, match="step requirements"):
        run.deploy()
    assert run.vm("server/config.env").read_bytes() == config
    assert run.services.update_server.health().said == Health("OK", str(PREVIOUS), str(PREVIOUS))
    run.inside.fault("wheel-broken", on=False)

    run.inside.fault("run-command-busy")
    with run.hurried(), pytest.raises(Busy, match="busy"):
        run.deploy()
    with run.hurried(), pytest.raises(Busy):
        run.verdict(deploy.VM)
    assert sum(event.seconds for event in run.events if isinstance(event, Waiting)) == 600
    assert not any(isinstance(event, PointOfNoReturn) for event in run.events)
    run.inside.fault("run-command-busy", on=False)

    run.inside.fault("service-down")
    with pytest.raises(ActionFailed, match=r"(?s)step restart.*Cannot allocate memory") as caught:
        run.deploy()
    assert "clients" in caught.value.why and caught.value.remedy
    assert run.wrong() == {"service", "health"}
    run.inside.fault("service-down", on=False)

    run.inside.fault("run-command-busy", param="2")
    result = run.deploy()
    assert result.changed and any(isinstance(event, Waiting) for event in run.events)
    assert any(isinstance(event, PointOfNoReturn) for event in run.events)
    assert run.wrong() == set()
    assert run.vm_head() == run.inside.git("rev-parse", f"{NEXT.tag}^{{commit}}")
    assert run.vm("server/config.env").read_bytes() == config.replace(str(PREVIOUS).encode(), str(NEXT).encode())
    assert run.vm("server/server/config.env").read_bytes() == run.vm("server/config.env").read_bytes()
    assert run.services.update_server.health().said == Health("OK", str(NEXT), str(NEXT))
    assert run.services.update_server.appcast().appcast.version == str(NEXT)  # type: ignore[union-attr]
    assert len(run.intents) == 5, "each attempt left its intent before, the one that found the VM busy too"

    restarts = run.services.vm.survey().journal
    again = run.deploy()
    assert not again.changed and run.services.vm.survey().journal.count("Started") == restarts.count("Started")


@pytest.mark.exhaustive
@pytest.mark.parametrize("layout", ["flat", "nested"])
def test_the_three_kinds_one_after_the_other(enter: Callable[..., Run], layout: str) -> None:
    full = enter(layout)
    full.release(NEXT, Kind.FULL)
    assert full.deploy().changed and full.wrong() == set()
    head = full.vm_head()

    update = full.on(NEXT.next_build(), Kind.UPDATE_ONLY)
    update.release(NEXT.next_build(), Kind.UPDATE_ONLY)
    assert update.wrong() == {"manifests", "config", "health"}
    assert update.deploy().changed and update.wrong() == set()
    assert update.vm_head() == head
    assert update.services.update_server.appcast().appcast.version == "1.6.1.44"  # type: ignore[union-attr]

    last = NEXT.next_build().next_build()
    code = full.on(last, Kind.CODE_ONLY)
    code.plan = replace(code.plan, published_before=NEXT.next_build())
    code.release(last, Kind.CODE_ONLY)
    assert code.deploy().changed and code.wrong() == set()
    assert code.vm_head() == code.inside.git("rev-parse", f"{last.tag}^{{commit}}")
    live = code.services.update_server.look()
    assert live.health.said == Health("OK", "1.6.1.45", "1.6.1.45")
    assert live.updates_health.said == Health("healthy", "1.6.1.45", "1.6.1.45", "1.6.1.45")
    assert live.appcast.appcast is not None and live.appcast.appcast.version == "1.6.1.44"


def test_looking_through_the_gate_and_the_final_items(enter: Callable[..., Run]) -> None:
    """The world stands at its first release: it holds from outside, but that the next one's image lies in the inbox; each fault is seen."""
    run = enter()
    next_image = {"final.INBOX": Status.FAILED}
    run.plan = replace(run.plan, version=PREVIOUS, standalone=True, started=None, run=None)
    items = {
        **{f"gate.{name}": getattr(gate, name) for name in ("FILES", "MANIFESTS", "ASSET", "FUTURE_APPCAST", "LIVE")},
        **{f"final.{name}": getattr(final, name) for name in ("INBOX", "PUBLICATION", "ASSETS", "MANIFEST", "LIVE")},
    }

    def statuses() -> dict[str, Status]:
        scope = Scope(run.services, run.plan, _unused)
        found = {name: check.judge(check.look(scope), run.plan).status for name, check in items.items()}
        return {name: status for name, status in found.items() if status is not Status.PASSED}

    with run.hurried():
        assert statuses() == next_image
    for fault, at_gate in (
        ("server-down", Status.INCONCLUSIVE),
        ("server-third-version", Status.FAILED),
        ("appcast-broken", Status.FAILED),
    ):
        run.inside.fault(fault)
        with run.hurried():
            assert statuses() == next_image | {"gate.LIVE": at_gate, "final.LIVE": Status.FAILED}, fault
        run.inside.fault(fault, on=False)


def test_the_vm_is_not_asked_while_somebody_else_releases(enter: Callable[..., Run]) -> None:
    from nexy_tui.services.lock import ReleaseLock

    run = enter()
    lock = ReleaseLock(run.services.git, run.services.clock, operator="colleague@host", host="theirs", run="another")
    lock.acquire()
    with pytest.raises(CouldNotLook, match=r"colleague@host on theirs .*is releasing"):
        run.verdict(deploy.VM)
    lock.release()
    assert run.verdict(deploy.VM).status is Status.PASSED


def test_protected_values_reach_the_script_and_nothing_else(enter: Callable[..., Run]) -> None:
    run = enter()
    result = run.services.vm.run_script(
        'printf "%s" "$NEXY_TEST_SECRET" | sha256sum; exit 7', protected={"NEXY_TEST_SECRET": Secret("test", "planted-s3cr3t-value")}
    )
    assert result.exit == 7
    assert result.stdout.split()[0] == hashlib.sha256(b"planted-s3cr3t-value").hexdigest()
    left = [path for path in run.inside.world.vm.rglob("*") if path.is_file() and b"planted-s3cr3t-value" in path.read_bytes()]
    assert left == []


def test_cancelling_stops_a_command_not_yet_begun_and_else_says_that_it_goes_on(enter: Callable[..., Run]) -> None:
    run = enter()
    run.release(NEXT, Kind.FULL)
    run.inside.fault("run-command-busy")
    with pytest.raises(Cancelled):
        run.deploy(cancelled=lambda: any(isinstance(event, Waiting) for event in run.events))
    assert not any(isinstance(event, PointOfNoReturn) for event in run.events), "it was meant, and never sent"
    run.inside.fault("run-command-busy", on=False)
    started: list[bool] = []
    with pytest.raises(Cancelled, match="stopped waiting") as caught:
        run.services.vm.run_script("sleep 2", begun=lambda: started.append(True), cancelled=lambda: bool(started))
    assert "cannot be cancelled" in caught.value.why


MISSING: tuple[tuple[dict[str, str | None], type[Problem], str], ...] = (
    ({"AZURE_CLIENT_SECRET": "wrong-s3cr3t-value"}, CouldNotLook, "There is no token for Azure"),
    ({"AZURE_CLIENT_SECRET": None, "AZURE_CLIENT_ID": None}, Unusable, "no credential for Azure"),
    ({"AZURE_CLIENT_ID": ""}, Unusable, "half set"),
    ({"AZURE_SUBSCRIPTION_ID": ""}, Unusable, "subscription"),
    ({"AZURE_SUBSCRIPTION_ID": "11111111-1111-1111-1111-111111111111"}, CouldNotLook, "could not be found"),
)


def test_what_is_missing_for_azure_is_said_without_the_secret(enter: Callable[..., Run], monkeypatch: pytest.MonkeyPatch) -> None:
    run = enter()
    for environment, kind, said in MISSING:
        with monkeypatch.context() as patch:
            for name, value in environment.items():
                patch.delenv(name)
                if value is not None:
                    patch.setenv(name, value)
            services = Services(load_settings(), run.inside.checkout)
            with pytest.raises(kind, match=said) as caught:
                services.vm.survey()
            assert caught.value.why and caught.value.remedy and "s3cr3t" not in str(caught.value)
