"""Hosts that several regions answer: what their records need, and what nothing takes over."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Diagnostic, Severity
from ..nearest import nearest
from ..resolve.crossregion import regions
from ..resolve.dns import answering, led_to, records
from ..resolve.places import selects
from .context import USED, Context, agreeing, clusters


def targets(context: Context) -> Iterator[Diagnostic]:
    """``where`` selects clusters that have the gateway and answer there."""
    for name, gateway in context.platform.gateways.items():
        if gateway.dns is None or gateway.dns.where is None or led_to(context.fleet, name):
            continue
        has = [place for place in context.fleet.places if context.fleet.has_gateway(name, place)]
        yield context.finding(
            "SPC010",
            f"gateways.{name}.dns.where selects no cluster where the gateway leads to a service",
            ("gateways", name, "dns", "where"),
            notes=(f"it selects {clusters([p for p in context.fleet.places if selects(gateway.dns.where, p)]) or 'none'}",),
            help=f"the gateway is in {clusters(has) or 'no cluster'}",
            presumes=USED,
        )


def probed(context: Context) -> Iterator[Diagnostic]:
    """A health check names no model: it needs a route that takes such requests."""
    for name, gateway in context.platform.gateways.items():
        if gateway.dns is None or gateway.class_ != "regional-external":
            continue
        # One path is asked of all of them (plan.dns): that of the health of one API is unknown to another.
        asked = {w.engine.openai or (w.engine.health_path, w.model_key): w for w in answering(context.fleet, name)}
        if len(asked) > 1:
            yield context.finding(
                "GTW125",
                f"gateway {name}: no path answers a health check of {' and '.join(w.name for w in asked.values())} alike",
                ("gateways", name, "dns"),
                key=True,
                notes=("one health check asks all clusters that the host leads to",),
                help="services of one API behind a host: a gateway of its own for each, or a narrower dns.where",
            )
            continue
        resting = [w for w in answering(context.fleet, name) if w.to_zero and (gateway.default in (None, w.service_name))]
        if resting and (gateway.default is not None or not context.fleet.leads_by_model(name)):
            yield context.finding(
                "GTW125",
                f"gateway {name}: its health check is answered by {resting[0].name}, which has no server while nobody asks",
                ("gateways", name, "dns"),
                key=True,
                notes=("every region would look lost, or the check itself would keep a server",),
                help="scale: {min: 1}, or default: a service that stays",
            )
            continue
        if gateway.default is not None:
            continue
        if context.fleet.leads_by_model(name) and len({p.region for p in led_to(context.fleet, name)}) > 1:
            yield context.finding(
                "GTW125",
                f"gateway {name}: its health check would get 404 in every region",
                ("gateways", name, "dns"),
                key=True,
                notes=("the check asks for /v1/models and names no model; several services stand behind the gateway",),
                help="default: the service that answers requests without a model's name",
            )


def labelled(context: Context) -> Iterator[Diagnostic]:
    """Where residency is said, it is said of every cluster the host leads to."""
    for name, gateway in context.platform.gateways.items():
        if gateway.dns is None or gateway.dns.residency is None:
            continue
        without = [p for p in led_to(context.fleet, name) if not p.cluster.labels.get(gateway.dns.residency)]
        if without:
            yield context.finding(
                "GTW126",
                f"gateway {name}: {agreeing(without, 'has', 'have')} no label {gateway.dns.residency}, and its host leads there",
                ("gateways", name, "dns", "residency"),
                related=(context.span((*without[0].path, "labels"), "its labels"),) if without[0].cluster.labels else (),
                notes=("whether requests may go there cannot be told",),
                cause=f"label {gateway.dns.residency}",
                help=_label(context, gateway.dns.residency),
            )


def _label(context: Context, key: str) -> str:
    """The label that was meant, where one is near."""
    known = sorted({name for place in context.fleet.places for name in place.cluster.labels})
    near = [name for name in nearest(key, known) if name != key]
    return f"did you mean '{near[0]}'?" if near else f"labels: {{{key}: …}}, or narrow dns.where"


def unwritten(context: Context) -> Iterator[Diagnostic]:
    """One host, several regions, and no record: clients come to the one that somebody chose elsewhere."""
    for name, gateway in context.platform.gateways.items():
        if gateway.dns is not None:
            continue
        places = [p for p in context.fleet.places if context.fleet.has_gateway(name, p) and context.fleet.led_names(name, p)]
        if len({p.region for p in places}) < 2:
            continue
        found, help = f"{len(places)} addresses, in {clusters(places)}", "dns: {zone: NAME}, or records of your own"
        if gateway.class_ == "global-external":
            help = "records of your own, or where: one cluster"
        if name in context.fleet.config_clusters:
            led = regions(context.platform, gateway.where)
            found, help = f"{len(led)} addresses, in {', '.join(led)}", "records of your own, of what status.addresses of the Gateway says"
        yield context.finding(
            "GTW127",
            f"gateway {name}: {gateway.host} is {found}, and has no records",
            ("gateways", name, "host"),
            severity=Severity.INFO,
            help=help,
        )


def lost(context: Context) -> Iterator[Diagnostic]:
    """A host that nothing takes over when a region is lost."""
    for name, gateway in context.platform.gateways.items():
        for record in records(context.fleet, name) if gateway.dns is not None else ():
            if record.cluster or (len(record.regions) > 1 and not record.fenced):
                continue
            if record.fenced:
                why = "its regions are of several residencies"
                way = f"clients that name theirs, VALUE.{gateway.host}, fail over within it"
            else:
                why = f"it is in {record.regions[0]} alone"
                way = "a second region that runs the services behind it"
                way += f", of residency {record.residency}" if record.residency else ""
            yield context.finding(
                "GTW128",
                f"gateway {name}: nothing takes over {record.host} when a region is lost: {why}",
                ("gateways", name, "dns"),
                key=True,
                severity=Severity.INFO,
                help=way,
                presumes=USED,
            )


def twice(context: Context) -> Iterator[Diagnostic]:
    """A name has one record in its zone."""
    first: dict[tuple[str, str], str] = {}
    for name, gateway in context.platform.gateways.items():
        if gateway.dns is None:
            continue
        for record in records(context.fleet, name):
            other = first.setdefault((gateway.dns.zone, record.host), name)
            if other != name:
                yield context.finding(
                    "GTW129",
                    f"gateways {other} and {name} both write the record {record.host}",
                    ("gateways", name, "dns"),
                    key=True,
                    related=(context.span(("gateways", other, "dns"), "the first one", key=True),),
                    help="a host of its own for each, or one gateway for all of the clusters",
                )
                break
