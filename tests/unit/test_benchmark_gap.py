"""The benchmark's most important figure, from probes: never less than the time in which no whole file was there."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st


def _arena() -> ModuleType:
    path = Path(__file__).parents[2] / "benchmarks" / "arena.py"
    spec = importlib.util.spec_from_file_location("benchmark_arena", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


arena = _arena()


def test_from_the_last_that_got_the_old_file_to_the_first_that_got_the_new_one() -> None:
    probes = [(0.0, 0.01, "1"), (0.1, 0.11, "1"), (0.2, 0.21, "2"), (0.3, 0.31, "2")]
    assert arena.gap(probes) == pytest.approx(0.11)


def test_probes_that_got_nothing_widen_it_also_far_from_the_change() -> None:
    probes = [(0.0, 0.01, "1"), (0.1, 0.11, "1"), (0.2, 0.21, "2"), (0.3, 0.31, None), (0.4, 0.41, "2")]
    assert arena.gap(probes) == pytest.approx(0.31)
    probes = [(0.0, 0.01, "1"), (0.1, 0.11, None), (0.2, 0.21, "1"), (0.3, 0.31, "2")]
    assert arena.gap(probes) == pytest.approx(0.31)


@pytest.mark.parametrize("probes", [[(0.0, 0.1, "1"), (0.2, 0.3, "1")], [(0.0, 0.1, None), (0.2, 0.3, "2")]])
def test_a_crowd_that_missed_the_change_is_no_figure(probes: list[tuple[float, float, str | None]]) -> None:
    with pytest.raises(SystemExit):
        arena.gap(probes)


@given(
    gone=st.floats(1.0, 2.0),
    away=st.floats(0.0, 1.0),
    latencies=st.lists(st.tuples(st.floats(0.0, 0.2), st.floats(0.0, 0.2)), min_size=80, max_size=80),
)
def test_it_is_never_less_than_the_truth(gone: float, away: float, latencies: list[tuple[float, float]]) -> None:
    """Each probe asks at some moment between its sending and its answer, which overlap with those of the others."""
    probes = []
    for index, (way, back) in enumerate(latencies):
        asked = index * 0.05 + way
        asset = "1" if asked < gone else "2" if asked >= gone + away else None
        probes.append((index * 0.05, asked + back, asset))
    assert arena.gap(sorted(probes)) >= away
