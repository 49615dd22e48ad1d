"""``inferspec completion``"""

from __future__ import annotations

from argparse import Namespace

from .parser import build


def run(options: Namespace) -> int:
    import shtab

    print(shtab.complete(build(), shell=options.shell))
    return 0
