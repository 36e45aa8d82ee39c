"""``python -m arrisk``: the command line."""

from arrisk.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
