"""Routes that lead to one pool, and gateways that may carry them."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagnostics import Diagnostic, Severity
from .context import Context


def routing(context: Context) -> Iterator[Diagnostic]:
    """One host, one pool: two would need routing by the model's name, which needs the payload processor."""
    taken: dict[tuple[str, str], tuple] = {}
    for key in context.fleet.workload_keys:
        service = context.platform.serving[key[0]]
        for i, exposure in enumerate(service.expose):
            path = ("serving", key[0], "expose", i)
            for place in context.fleet.places:
                if not context.fleet.is_exposed(key, exposure.gateway, place):
                    continue
                first = taken.setdefault((exposure.gateway, place.name), (key, path))
                if first[0] != key:
                    yield context.finding(
                        "GTW101",
                        f"gateway {exposure.gateway} already leads to {first[0][0]} in cluster {place.name}",
                        path,
                        related=(context.span(first[1], "the first one"),),
                        notes=("routing by the model name in the body is not emitted yet: without it one host reaches one pool",),
                        help="give this service a gateway with a host of its own",
                    )
                    break


def callers(context: Context) -> Iterator[Diagnostic]:
    """Without the proxy-only subnet the network policy must let everybody through."""
    told: set[str] = set()
    for key in context.fleet.workload_keys:
        if not context.platform.serving[key[0]].expose:
            continue
        for place in context.fleet.places_of(key):
            if context.platform.regions[place.region].proxy_subnet is None and place.region not in told:
                told.add(place.region)
                yield context.finding(
                    "GTW103",
                    f"{place.region} does not say its proxy-only subnet: any Pod and node may reach {key[0]}'s servers",
                    ("regions", place.region),
                    key=True,
                    severity=Severity.WARNING,
                    help="proxySubnet: the range of the region's REGIONAL_MANAGED_PROXY subnet",
                )


def classes(context: Context) -> Iterator[Diagnostic]:
    for name, gateway in context.platform.gateways.items():
        if gateway.class_ not in ("regional-external", "regional-internal"):
            yield context.finding(
                "GTW104",
                f"gateway {name}: class {gateway.class_} is not emitted yet",
                ("gateways", name, "class"),
                help="regional-external or regional-internal",
            )
        if gateway.model_armor is not None:
            yield context.finding(
                "SPC011",
                f"gateway {name}: modelArmor is checked for shape but not emitted yet",
                ("gateways", name, "modelArmor"),
                key=True,
                severity=Severity.WARNING,
            )
