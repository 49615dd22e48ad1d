"""``inferspec version``"""

from __future__ import annotations

from argparse import Namespace

from .. import __version__


def run(options: Namespace) -> int:
    from ..tools import versions

    print(f"inferspec {__version__}")
    for name, version in versions().items():
        print(f"{name} {version}")
    return 0
