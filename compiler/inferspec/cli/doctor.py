"""``inferspec doctor``: is everything there that a compile needs?"""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from pathlib import Path

from . import TOOL


def run(options: Namespace) -> int:
    from ..tools import ToolError, find, versions

    healthy = True
    print(f"ok    python {sys.version.split()[0]}")
    try:
        for name, version in versions().items():
            print(f"ok    {name} {version}, its hash is the pinned one: {find(name).name}")
    except ToolError as error:
        healthy = False
        print(f"fail  {error}")
    root = Path(options.directory)
    for folder in ("specs", "overlays", "clusters"):
        held = (root / folder).is_dir()
        print(f"{'ok   ' if held else 'note '} {folder}/ {'is there' if held else 'is not there yet'}")
    writable = os.access(root, os.W_OK)
    print(f"{'ok   ' if writable else 'fail '} {root.resolve().name}/ can{'' if writable else 'not'} be written")
    return 0 if healthy and writable else TOOL
