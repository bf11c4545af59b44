"""`python -m rag`, the same as the command `rag`."""

import sys

from rag.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
