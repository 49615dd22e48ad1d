"""What clients find a gateway by, its host and its address, and gateways that nobody finds anything behind."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Diagnostic, Severity
from ..resolve.dns import records, several_hosts
from ..resolve.places import Place
from .context import USED, Context


def unused(context: Context) -> Iterator[Diagnostic]:
    """A gateway that no service names: a load balancer with an address and a price, and 404 for everybody."""
    named = {exposure.gateway for service in context.platform.serving.values() for exposure in service.expose}
    for name in context.platform.gateways:
        if name not in named:
            yield context.finding(
                "GTW150",
                f"no service names gateway {name}: its host answers 404",
                ("gateways", name),
                key=True,
                severity=Severity.WARNING,
                help=f"expose: [{{gateway: {name}}}] of a service, or remove the gateway",
                presumes=USED,
            )


def hosts(context: Context) -> Iterator[Diagnostic]:
    """One name, one address: two gateways of one class with one host in one cluster cannot both be found by it."""
    first: dict[tuple[str, str, str], str] = {}
    told: set[frozenset[str]] = set()
    for name, gateway in context.platform.gateways.items():
        for place in context.fleet.places:
            if not context.fleet.carries(name, place):
                continue
            other = first.setdefault((place.name, gateway.class_, gateway.host), name)
            if other != name:
                told.add(frozenset((name, other)))
                yield context.finding(
                    "GTW105",
                    f"gateways {other} and {name} have one host in cluster {place.name}: {gateway.host}",
                    ("gateways", name, "host"),
                    related=(context.span(("gateways", other, "host"), "the first one"),),
                    notes=("each gets an address of its own, and a client finds one of them",),
                    help="give each gateway a host of its own",
                )
                break
    yield from _below(context, told)


def _below(context: Context, told: set[frozenset[str]]) -> Iterator[Diagnostic]:
    """A record of a gateway, of its host or of a name below it, that is the host of another; GTW129 says it of two records."""
    owners: dict[tuple[str, str], list[str]] = {}
    for name, gateway in context.platform.gateways.items():
        owners.setdefault((gateway.class_, gateway.host), []).append(name)
    for name, gateway in context.platform.gateways.items():
        dns = gateway.dns
        for record in records(context.fleet, name) if dns is not None and several_hosts(dns) else ():
            for other in owners.get((gateway.class_, record.host), ()):
                theirs = context.platform.gateways[other].dns
                if other == name or dns is None or frozenset((name, other)) in told or (theirs is not None and theirs.zone == dns.zone):
                    continue
                below = record.host != gateway.host
                whose = f"{record.host} is that of {name} for " if below else f"the records of {record.host} lead to {name} alone"
                if below:
                    whose += f"cluster {record.cluster}" if record.cluster else f"residency {record.residency}"
                yield context.finding(
                    "GTW105",
                    f"gateways {name} and {other} have one host: {whose}",
                    ("gateways", other, "host"),
                    related=(context.span(("gateways", name, "dns"), "its records", key=True),),
                    notes=("the name leads to one of them, and the other is not found",),
                    help=f"a host for {other} that is not below {gateway.host}" if below else "give each gateway a host of its own",
                )


def addresses(context: Context) -> Iterator[Diagnostic]:
    """A reserved address belongs to one load balancer: one gateway, in one cluster of a project, and of a region where it is not global."""
    first: dict[tuple[str, str, str], tuple[str, Place]] = {}
    for name, gateway in context.platform.gateways.items():
        if gateway.address is None:
            continue
        for place in context.fleet.places:
            if not context.fleet.carries(name, place):
                continue
            where = "" if gateway.class_ == "global-external" else f" of {place.region}"
            other = first.setdefault((gateway.address, where, place.cluster.project), (name, place))
            if other != (name, place):
                yield context.finding(
                    "GTW106",
                    f"address {gateway.address}{where} would serve {other[0]} in {other[1].name} and {name} in {place.name}",
                    ("gateways", name, "address"),
                    notes=("an address in use is refused to a second load balancer",),
                    help="one gateway a cluster and address: narrow where, or leave address out",
                )
                break
