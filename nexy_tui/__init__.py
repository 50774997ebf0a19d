"""nexy-tui: a wizard that makes a Nexy release safe in the hands of a first-timer."""

__version__ = "0.1.0"
