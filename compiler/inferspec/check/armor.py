"""Security policies of Cloud Armor that do what was meant: the policy of this spec, for callers that can come, told apart."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from ..diagnostics import Diagnostic, Severity, SpecPath
from ..model.guarding import SecurityPolicy
from ..nearest import nearest
from .context import Context

ALIKE = 0.8
"""Likeness of two names from which on one is taken for a slip of the other."""
SHARED = {"accept", "accept-encoding", "accept-language", "connection", "content-type", "host", "user-agent"}
"""Headers that clients of one kind send alike (RFC 9110), in lower case."""


def named(context: Context) -> Iterator[Diagnostic]:
    """A policy that stands has a name of its own: one that nearly is a key of ``cloudArmor`` was meant to be it."""
    written = context.written("cloudArmor")
    used = {gateway.cloud_armor for gateway in context.platform.gateways.values()}
    for name, gateway in context.platform.gateways.items():
        said = gateway.cloud_armor
        near = nearest(said, sorted(written), 1, ALIKE) if said is not None and said not in written else []
        if near:
            elsewhere = near[0] in used
            yield context.finding(
                "GTW166",
                f"gateway {name}: cloudArmor has no policy {said}, so it is taken for one that stands",
                ("gateways", name, "cloudArmor"),
                severity=Severity.WARNING if elsewhere else Severity.ERROR,
                related=(context.span(("cloudArmor", near[0]), "a policy of nearly that name", key=True),),
                help=f"did you mean '{near[0]}'? If {said} stands, give the other a name less like it",
                cause="" if elsewhere else f"cloudArmor.{said}",
            )


def passed(context: Context) -> Iterator[Diagnostic]:
    """What is denied comes first: somebody has to be left."""
    for name, policy in context.platform.cloud_armor.items():
        at: SpecPath = ("cloudArmor", name)
        everyone = next((i for i, text in enumerate(policy.deny) if ipaddress.ip_network(text).prefixlen == 0), None)
        if everyone is not None:
            text = policy.deny[everyone]
            yield context.finding(
                "GTW167",
                f"security policy {name} denies {text}: every IPv{ipaddress.ip_network(text).version} address, whatever allow says",
                (*at, "deny", everyone),
                help="allow: the only callers, and no deny; or deny narrower ranges",
            )
            continue
        for i, j in _covered(policy):
            yield context.finding(
                "GTW167",
                f"security policy {name} allows {policy.allow[i]}, all of which it denies: nobody there passes",
                (*at, "allow", i),
                related=(context.span((*at, "deny", j), f"{policy.deny[j]} is denied first"),),
                help="remove one of the two, or deny a part of what is allowed",
            )


def _covered(policy: SecurityPolicy) -> Iterator[tuple[int, int]]:
    """Indexes of allowed ranges, each with that of a denied one around it."""
    denied = [ipaddress.ip_network(text) for text in policy.deny]
    for i, text in enumerate(policy.allow):
        inner = ipaddress.ip_network(text)
        for j, outer in enumerate(denied):
            if inner.version == outer.version and inner.subnet_of(outer):  # type: ignore[arg-type]
                yield i, j
                break


def told_apart(context: Context) -> Iterator[Diagnostic]:
    """A limit for each caller needs a header whose value is the caller."""
    for name, policy in context.platform.cloud_armor.items():
        header = policy.rate.header if policy.rate is not None else None
        if policy.rate is not None and header is not None and header.lower() in SHARED:
            yield context.finding(
                "GTW168",
                f"security policy {name} counts callers by {header}, which clients of one kind send alike",
                ("cloudArmor", name, "rate", "header"),
                severity=Severity.WARNING,
                notes=(f"all of them together then have {policy.rate.requests:,} requests in {policy.rate.per}",),
                help="a header that says who calls, such as x-tenant, set or checked before the gateway; or no header: each address",
            )
