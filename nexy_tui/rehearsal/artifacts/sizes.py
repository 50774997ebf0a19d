"""Sizes as people write them."""

from __future__ import annotations

import re

from nexy_tui.core.problem import Unusable

_SIZE = re.compile(r"([0-9]{1,12})\s*(|B|kB|KB|MB|GB|KiB|MiB|GiB)")
_UNITS = {"": 1, "B": 1, "kB": 10**3, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}


def parse_size(text: str) -> int:
    """Bytes of `64MB`, `1GiB` or `500000`: MB are millions, MiB are powers of two. Raises Unusable."""
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise Unusable(f"{text[:40]!r} is not a size.", "A whole number with a unit is expected.", "Write it as 1MB, 64MB or 316MB.")
    return int(match[1]) * _UNITS[match[2]]
