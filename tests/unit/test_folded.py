"""Where words longer than their column break, and how digests are shortened."""

from __future__ import annotations

import pytest

from screens.folded import breaks, shortened

DIGEST = "0123456789abcdef" * 4
PATH = "/home/someone/projects/Nexy_server/server/config/a_long_name.toml"


def parts(text: str, width: int) -> list[str]:
    cuts = breaks(text, width)
    return [text[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        (PATH, 30, ["/home/someone/projects/", "Nexy_server/server/config/", "a_long_name.toml"]),
        (PATH, 12, ["/home/", "someone/", "projects/", "Nexy_server/", "server/", "config/", "a_long_name", ".toml"]),
        (f"sha256 {DIGEST}", 40, [f"sha256 {DIGEST[:40]}", DIGEST[40:]]),
        ("https://host/a?first=1&second=2", 20, ["https://host/", "a?first=1&second=2"]),
        ("x" * 25, 10, ["x" * 10, "x" * 10, "x" * 5]),
        ("it is short enough", 10, ["it is short enough"]),
    ],
    ids=["path", "narrow", "digest", "address", "no-place", "words"],
)
def test_a_word_longer_than_its_column_breaks_at(text: str, width: int, lines: list[str]) -> None:
    assert parts(text, width) == lines


def test_a_digest_is_shortened_in_its_middle_and_nothing_else_is() -> None:
    assert shortened(f"Nexy.dmg has {DIGEST}, not 0123456789.") == "Nexy.dmg has 01234567...89abcdef, not 0123456789."
