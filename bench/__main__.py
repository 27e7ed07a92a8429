"""`python -m bench [--only F2,R1]`."""

import sys

from bench.cli import main

if __name__ == "__main__":
    sys.exit(main())
