"""`python -m nexy_tui`: the same as the console script."""

from nexy_tui.cli import main

if __name__ == "__main__":
    main()
