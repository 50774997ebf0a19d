"""The page's colours, by day and by night, and its style sheet. Nothing rests on colour alone: symbol and word stand with it."""

from __future__ import annotations

from collections.abc import Mapping

DAY = {
    "text": "#1f2430", "muted": "#525c70", "page": "#ffffff", "panel": "#f1f3f7", "line": "#c3cad8", "good": "#22662a",
    "bad": "#a3162f", "unseen": "#7a4b00", "plain": "#2b5093",
}  # fmt: skip
NIGHT = {
    "text": "#d5dbe8", "muted": "#9aa6bd", "page": "#12151c", "panel": "#1b202b", "line": "#3b4560", "good": "#8ec07c",
    "bad": "#ff8fa3", "unseen": "#e5b567", "plain": "#8fb4ff",
}  # fmt: skip
INKS = ("text", "muted", "good", "bad", "unseen", "plain")
"""What is written with."""
GROUNDS = ("page", "panel")
"""What is written on."""

_LAYOUT = """
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 72rem; padding: 1.5rem; background: var(--page); color: var(--text);
  font: 1rem/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .5rem; }
h2 { font-size: 1.2rem; margin: 2rem 0 .5rem; border-bottom: 1px solid var(--line); }
p, caption, pre, code, .muted { overflow-wrap: anywhere; }
td, th { overflow-wrap: break-word; }
.lead { font-size: 1.15rem; font-weight: 600; margin: .25rem 0; }
.good { color: var(--good); } .bad { color: var(--bad); } .unseen { color: var(--unseen); } .plain { color: var(--plain); }
.muted { color: var(--muted); }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 1rem; font-size: .9rem; }
caption { text-align: left; color: var(--muted); padding-bottom: .25rem; }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem .3rem .3rem;
  border-top: 1px solid var(--line); white-space: pre-line; }
thead th { background: var(--panel); }
tbody th { font-weight: 600; }
.facts th { width: 12rem; }
code, pre { font-family: ui-monospace, monospace; font-size: .85rem; }
pre { background: var(--panel); padding: .6rem; white-space: pre-wrap; }
svg { width: 100%; height: auto; }
svg text { fill: var(--text); font: 12px system-ui, sans-serif; }
svg .lane { stroke: var(--line); } svg .good { fill: var(--good); } svg .bad { fill: var(--bad); }
svg .unseen { fill: var(--unseen); } svg .plain { fill: var(--plain); }
"""
_PRINT = "body { max-width: none; padding: 0; } tr, svg, pre { break-inside: avoid; } thead { display: table-header-group; }"


def style_sheet() -> str:
    """By day and on paper dark on light, by night light on dark, as the reader's machine asks for."""
    night = f"@media screen and (prefers-color-scheme: dark) {{ {_root(NIGHT)} }}"
    return f":root {{ color-scheme: light dark; }} {_root(DAY)} {night} {_LAYOUT} @media print {{ {_PRINT} }}"


def _root(colours: Mapping[str, str]) -> str:
    return ":root { " + " ".join(f"--{name}: {value};" for name, value in colours.items()) + " }"
