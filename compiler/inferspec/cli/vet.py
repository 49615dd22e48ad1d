"""``inferspec vet``"""

from __future__ import annotations

from argparse import Namespace

from ..vetted import vetted
from .session import report, request


def run(options: Namespace) -> int:
    return report(options, vetted(request(options)))
