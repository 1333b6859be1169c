"""`python -m facezoo` is the command `facezoo`."""

from facezoo.cli import main

if __name__ == "__main__":
    main()
