"""How fast, how safe and how light a publish is, beside curl and `gh release upload --clobber` in the same rehearsal world.

python benchmarks/publish.py [--runs N] [--quick] [--json] [--only time gap memory together requests]
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from arena import Arena, Watched, arena
from kit import Row, machine, median, parser, rounds, say, show

MB = 1_000_000
LINE = 100 * MB
"""Bits per second a connection has where the world is slowed down: the line of a good office."""

PROBES = 200


@dataclass(frozen=True, slots=True)
class Sizes:
    """How large the files are, in bytes, and how many rounds are measured."""

    image: int
    pair: int
    memory: Sequence[int]
    runs: int


def time_rows(place: Arena, sizes: Sizes) -> list[Row]:
    """Hash, upload and both verifications of one image, against curl up and curl down."""

    def ours(_: int) -> dict[str, Any]:
        return place.publish(place.lay(sizes.image))

    def curl(_: int) -> dict[str, Any]:
        place.lay(sizes.image)
        return place.curl_publish()

    found = rounds({"ours": ours, "curl": curl}, sizes.runs, warm=lambda: (ours(0), curl(0)))
    mine, theirs, size = found["ours"], found["curl"], _mb(sizes.image)

    def part(name: str) -> float:
        return median([figures["parts_s"][f"{name} Nexy.dmg"] for figures in mine])

    verified, up, down, whole = (
        median([figures["verified_s"] for figures in mine]),
        *(median([figures[key] for figures in theirs]) for key in ("upload_s", "download_s", "whole_s")),
    )
    return [
        Row(
            f"hash, upload, verify twice, {size} (curl -T, then curl | sha256sum)",
            verified,
            whole,
            "s",
            "ratio ≤ 1.1",
            verified <= 1.1 * whole,
        ),
        Row("  of it: the upload (curl -T)", part("upload"), up, "s"),
        Row("  of it: the extra verification, of the temporary asset (one more curl | sha256sum)", part("verifying the upload"), down, "s"),
        Row("  of it: the verification from the release URL (curl | sha256sum)", part("verifying the download"), down, "s"),
        Row("  the whole action, with its manifests committed and pushed", median([figures["whole_s"] for figures in mine]), None, "s"),
    ]


def gap_rows(place: Arena, sizes: Sizes) -> list[Row]:
    """How long clients find no whole file at the release URL, and whether any got a wrong one."""
    seen: dict[str, list[Watched]] = {"ours": [], "gh": []}

    def watched(who: str, act: Callable[[str], object]) -> None:
        before, version = place.served(), place.lay(sizes.image)
        with place.bandwidth(LINE), place.watched(seen[who], (before, place.digest()), stagger=sizes.image * 8 / LINE / 3):
            act(version)

    def ours(_: int) -> None:
        watched("ours", place.publish)

    def clobber(_: int) -> None:
        watched("gh", lambda _: place.clobber())

    rounds({"ours": ours, "gh": clobber}, sizes.runs, warm=lambda: place.publish(place.lay(sizes.image)))
    mine, theirs = (median([one.gap_s * 1000 for one in seen[who]]) for who in ("ours", "gh"))
    worst = max(one.gap_s * 1000 for one in seen["ours"])
    stock = "gh release upload --clobber" if shutil.which("gh") else "delete, then upload, by hand: gh is not installed"
    size, rate = _mb(sizes.image), [min(one.probes_per_second for one in seen[who]) for who in ("ours", "gh")]
    spoiled, downloads = ([sum(getattr(one, key) for one in seen[who]) for who in ("ours", "gh")] for key in ("spoiled", "downloads"))
    clean = spoiled[0] == 0 < downloads[0]
    hundredth = mine < theirs / 100
    return [
        Row(f"time without a whole file, {size} at 100 Mbit/s ({stock})", mine, theirs, "ms", "< 100 ms", mine < 100),
        Row("  the same, against the reference", mine, theirs, "ms", "ratio < 0.01", hundredth),
        Row("  the longest of all rounds", worst, None, "ms"),
        Row("  probes that saw it, a second (fewest of all rounds)", rate[0], rate[1], "1/s", f"≥ {PROBES}", min(rate) >= PROBES),
        Row("  whole downloads beside it, all rounds", downloads[0], downloads[1], ""),
        Row("  of them mixed, truncated or broken off", spoiled[0], spoiled[1], "", "0", clean),
    ]


def memory_rows(place: Arena, sizes: Sizes) -> list[Row]:
    """The most memory the publishing process ever holds, by the image's size."""

    def measure(size: int) -> Callable[[int], dict[str, Any]]:
        return lambda _: place.publish(place.lay(size))

    found = rounds({_mb(size): measure(size) for size in sizes.memory}, sizes.runs, warm=lambda: measure(sizes.memory[0])(0))
    peaks = {name: median([figures["peak_bytes"] / MB for figures in runs]) for name, runs in found.items()}
    least = peaks[_mb(sizes.memory[0])]
    rows = [Row(f"peak memory of the publishing process, {_mb(sizes.memory[0])}", least, None, "MB")]
    rows += [
        Row(f"peak memory, {name} ({_mb(sizes.memory[0])})", peak, least, "MB", "≤ reference + 20 MB", peak <= least + 20)
        for name, peak in list(peaks.items())[1:]
    ]
    largest = found[_mb(sizes.memory[-1])]
    signer = median([figures["peak_of_children_bytes"] / MB for figures in largest])
    return [*rows, Row(f"  its largest child, {_mb(sizes.memory[-1])}: Sparkle's signer, which maps the file", signer, None, "MB")]


def together_rows(place: Arena, sizes: Sizes) -> list[Row]:
    """Image and package at the same time, against the image alone and against one after the other."""
    image, package = sizes.pair, sizes.pair // 2

    def alone(_: int) -> float:
        return float(place.publish(place.lay(image))["verified_s"])

    def together(_: int) -> float:
        return float(place.publish(place.lay(image, pkg=package), "--with-pkg")["verified_s"])

    def in_turn(_: int) -> float:
        return float(place.publish(place.lay(image, pkg=package), "--with-pkg", "--one-after-the-other")["verified_s"])

    measures = {"image alone": alone, "together": together, "one after the other": in_turn}
    with place.bandwidth(LINE):
        capped = {name: median(runs) for name, runs in rounds(measures, sizes.runs, warm=lambda: together(0)).items()}
    uncapped = {name: median(runs) for name, runs in rounds(measures, sizes.runs, warm=lambda: together(0)).items()}
    both, larger, turns = capped["together"], capped["image alone"], capped["one after the other"]
    fast, slow = uncapped["together"], uncapped["one after the other"]
    what = f"dmg {_mb(image)} and pkg {_mb(package)} together"
    return [
        Row(f"{what}, 100 Mbit/s a connection (the dmg alone)", both, larger, "s", "ratio ≤ 1.15", both <= 1.15 * larger),
        Row("  the same (one after the other)", both, turns, "s"),
        Row(f"{what}, uncapped (one after the other)", fast, slow, "s", "ratio ≤ 1", fast <= slow),
        Row("  the same (the dmg alone)", fast, uncapped["image alone"], "s"),
    ]


def request_rows(place: Arena, sizes: Sizes) -> list[Row]:
    """How many requests a publish takes."""
    small = sizes.memory[0]

    def ours(_: int) -> dict[str, Any]:
        return place.publish(place.lay(small))

    def pair(_: int) -> dict[str, Any]:
        return place.publish(place.lay(small, pkg=small // 2), "--with-pkg")

    def clobber(_: int) -> dict[str, Any]:
        place.lay(small)
        return {"requests": place.clobber()}

    found = rounds({"ours": ours, "pair": pair, "gh": clobber}, sizes.runs, warm=lambda: (ours(0), pair(0)))
    counted = {
        f"{name} {key}": median([figures[key] for figures in runs]) for name, runs in found.items() for key in runs[0] if "requests" in key
    }
    theirs = counted["gh requests"]
    return [
        Row("requests to the release host, one artifact (gh release upload --clobber)", counted["ours release_host_requests"], theirs, ""),
        Row("  dmg and pkg", counted["pair release_host_requests"], None, ""),
        Row("requests in all, git's for the manifests with them, one artifact", counted["ours requests"], None, ""),
    ]


SECTIONS = {"time": time_rows, "gap": gap_rows, "memory": memory_rows, "together": together_rows, "requests": request_rows}


def main() -> int:
    """Measure, and print; 0 when every goal holds."""
    options = parser(__doc__ or "")
    options.add_argument("--only", nargs="+", choices=SECTIONS, default=list(SECTIONS), help="some of the figures")
    told = options.parse_args()
    sizes = (
        Sizes(8 * MB, 8 * MB, (4 * MB, 8 * MB), 1) if told.quick else Sizes(316 * MB, 316 * MB, (8 * MB, 316 * MB, 1900 * MB), told.runs)
    )
    described = {**machine(), "rounds": sizes.runs}
    rows: list[Row] = []
    for name in told.only:
        say(name)
        with arena() as place:
            rows += SECTIONS[name](place, sizes)
    if told.quick:
        rows = [replace(row, holds=None) for row in rows]
    return show(described, rows, as_json=told.json)


def _mb(size: int) -> str:
    return f"{size / 1000 / MB:g} GB" if size >= 1000 * MB else f"{size // MB} MB"


if __name__ == "__main__":
    sys.exit(main())
