"""The version: its form, its order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexy_tui.core.version import Version

numbers = st.integers(min_value=0, max_value=999_999_999)
versions = st.builds(Version, numbers, numbers, numbers, numbers)


@given(versions)
def test_every_version_reads_back(version: Version) -> None:
    assert Version.parse(str(version)) == version
    assert Version.parse_tag(version.tag) == version


@given(versions, versions)
def test_order_is_numeric_field_by_field(one: Version, other: Version) -> None:
    def key(version: Version) -> list[int]:
        return [int(part) for part in str(version).split(".")]

    assert (one < other) == (key(one) < key(other))


def test_the_tenth_build_comes_after_the_ninth() -> None:
    assert Version.parse("1.6.1.9") < Version.parse("1.6.1.10")
    assert Version.parse("1.6.1.9").next_build() == Version.parse("1.6.1.10")


@pytest.mark.parametrize(
    "text",
    ["", "1.6.1", "1.6.1.42.1", "v1.6.1.42", "01.6.1.42", "1.6.1.042", "1.6.1.-1", "1.6.1.42\n", " 1.6.1.42", "1.6.1.४२", "1.6.1.1e3"],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a version"):
        Version.parse(text)
