"""Rules of the security policies that the spec writes, as Cloud Armor reads them: the first that matches decides."""

from __future__ import annotations

from dataclasses import dataclass

from ..diagnostics import SpecPath
from ..model.base import seconds
from ..model.guarding import Rate, SecurityPolicy
from ..values import SpecAt, Value, derive

RANGES = 10
"""Ranges that one rule may hold (Config Connector's ComputeSecurityPolicy, rule.match.config.srcIpRanges)."""
DENIED, LET_IN, REFUSED, OTHERS = 1000, 2000, 3000, 2147483647
"""Priorities: least first; in preview one refuses, so that the log has them, the callers whom the last lets in; the last is that of the
rule for whatever no other matches, which every policy has."""
EVERYONE = "*"


@dataclass(frozen=True, slots=True)
class ArmorRule:
    """``ranges`` are source addresses; ``rate`` makes the action ``throttle``."""

    priority: int
    action: str
    ranges: tuple[Value, ...]
    rate: Rate | None
    preview: bool
    description: str


def armor_rules(policy: SecurityPolicy, path: SpecPath) -> list[ArmorRule]:
    """In the order of their priorities; ``path`` is that of the policy in the spec."""

    def ranges(key: str) -> list[tuple[Value, ...]]:
        said = [Value(text, SpecAt((*path, key, i))) for i, text in enumerate(getattr(policy, key))]
        return [tuple(said[i : i + RANGES]) for i in range(0, len(said), RANGES)]

    made = [ArmorRule(DENIED + i, "deny(403)", held, None, policy.preview, "denied addresses") for i, held in enumerate(ranges("deny"))]
    everyone = (derive("every address", EVERYONE, Value(EVERYONE, SpecAt(path))),)
    let_in = ranges("allow") or ([everyone] if policy.rate else [])
    action = "throttle" if policy.rate else "allow"
    what = "who may call, and how often" if policy.rate else "who may call"
    made += [ArmorRule(LET_IN + i, action, held, policy.rate, policy.preview, what) for i, held in enumerate(let_in)]
    if policy.allow and policy.preview:
        made.append(ArmorRule(REFUSED, "deny(403)", everyone, None, True, "everyone else, were it enforced"))
    last = "deny(403)" if policy.allow and not policy.preview else "allow"
    return [*made, ArmorRule(OTHERS, last, everyone, None, False, "everyone else")]


def key_of(rate: Rate) -> str:
    """What a caller is told apart by (``enforceOnKey``)."""
    return "HTTP_HEADER" if rate.header else "IP"


def interval(rate: Rate) -> int:
    """Seconds."""
    return seconds(rate.per)
