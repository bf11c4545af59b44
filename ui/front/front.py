"""Put what a browser gets first before the toolkit's server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ui.app import PARTS
from ui.front.assets import ASGIApp, Assets
from ui.front.chunks import first_chunks
from ui.front.document import Document, links
from ui.head import head_html


def with_front(app: ASGIApp, gr: Any, blocks: Any, first: Callable[[], str]) -> ASGIApp:
    """Return `app` behind what answers for the document and the toolkit's files.

    Args:
        app: the toolkit's server.
        gr: the toolkit.
        blocks: the page that `app` serves.
        first: returns the first screen.
    """
    frontend = Path(gr.__file__).parent / "templates" / "frontend"
    kinds = dict.fromkeys(block.get_block_name() for block in blocks.blocks.values())
    chunks = first_chunks(frontend, kinds)
    assets = Assets(app, frontend / "assets")
    assets.prepare(chunks)
    scripts, styles = ([name for name in chunks if name.endswith(ending)] for ending in (".js", ".css"))
    joined = assets.joined(styles) if styles else ""
    ahead = links(scripts, styles, joined, str(blocks.theme_hash))
    head = head_html(PARTS)
    return Document(assets, lambda: ahead + first() + head)
