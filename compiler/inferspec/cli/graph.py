"""``inferspec graph``: host -> route -> pool -> service -> class -> reservation, region by region."""

from __future__ import annotations

import sys
from argparse import Namespace

from ..graph import graph, render
from ..pipeline import vet
from .session import known, known_service, refused, request, stopped


def run(options: Namespace) -> int:
    outcome = vet(request(options))
    if outcome.fleet is None or stopped(outcome, ()):
        return refused(options, outcome)
    known_service(outcome.fleet, options.service)
    known("region", options.region, outcome.fleet.platform.regions)
    sys.stdout.write(render(options.format, graph(outcome.fleet, options.region, options.service)))
    return 0
