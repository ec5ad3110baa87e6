"""``python -m suwen`` is the command line."""

from suwen.cli import main

if __name__ == "__main__":
    main()
