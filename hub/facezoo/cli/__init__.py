"""The command `facezoo`. One module a group of commands; the work itself is done below this layer.

Results go to stdout, everything else to stderr. Exit codes: 0 done, 2 usage, 3 bad input file, 4 no face found,
5 refused by policy, 6 weights missing or not trusted, 1 anything unexpected.
"""

from facezoo.cli.app import main

__all__ = ["main"]
