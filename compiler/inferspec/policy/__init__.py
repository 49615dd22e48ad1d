"""Rules as data: the pack that comes with the compiler, a team's own rules, and the waivers that excuse findings."""

from __future__ import annotations

from .engine import Violation, diagnose, evaluate
from .waivers import apply, load_waivers

__all__ = ["Violation", "apply", "diagnose", "evaluate", "load_waivers"]
