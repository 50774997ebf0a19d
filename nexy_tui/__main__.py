"""`python -m nexy_tui`: the same as the console script, the current folder taken off the path before anything else is imported."""

from nexy_tui.core.shield import raise_shield

if __name__ == "__main__":
    raise_shield()
    from nexy_tui.cli import main

    main()
