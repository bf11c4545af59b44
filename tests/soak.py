"""How many times as many examples the property tests try; `CITEFOLD_SOAK=100` is an afternoon."""

import os

SOAK = int(os.environ.get("CITEFOLD_SOAK", "1"))
