"""The code repository: the checkout and its remote, to which alone anything is pushed."""

from nexy_tui.services.git.commands import GitFailure
from nexy_tui.services.git.remote import Remote
from nexy_tui.services.git.writing import Git

__all__ = ["Git", "GitFailure", "Remote"]
