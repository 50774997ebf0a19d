"""A run as one page for people: it carries everything it shows, and asks for nothing from outside."""

from nexy_tui.report.page import page, write_page

__all__ = ["page", "write_page"]
