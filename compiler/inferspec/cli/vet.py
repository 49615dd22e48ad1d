"""``inferspec vet``"""

from __future__ import annotations

from argparse import Namespace

from ..pipeline import vet
from .session import report, request


def run(options: Namespace) -> int:
    return report(options, vet(request(options)))
