"""Index a folder on a local Ray cluster of two workers, in a process of its own."""

from __future__ import annotations

import sys
from pathlib import Path

from rag.indexing.build import build_index
from rag.indexing.engine import RayEngine
from tests.conftest import HashEmbedder

if __name__ == "__main__":
    engine = RayEngine(workers=2)
    build_index([Path(sys.argv[1])], Path(sys.argv[2]), HashEmbedder, engine=engine)
    print(engine.workers)
