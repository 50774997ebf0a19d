"""The code repository: the checkout and its remote, to which alone anything is pushed. Objects are read through GitPython."""

from nexy_tui.services.git.commands import GitFailure
from nexy_tui.services.git.remote import Remote
from nexy_tui.services.git.writing import Git

__all__ = ["Git", "GitFailure", "Remote"]
