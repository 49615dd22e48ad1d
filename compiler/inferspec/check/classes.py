"""Classes of gateways: what each can lead to, and what it takes."""

from __future__ import annotations

from collections.abc import Iterator

from ..catalog.stacks import GatewayClass
from ..diagnostics import Diagnostic
from .context import Context


def _row(context: Context, gateway: str) -> GatewayClass:
    return context.catalogue.stack(context.platform.stack).gateway_classes[context.platform.gateways[gateway].class_]


def certificates(context: Context) -> Iterator[Diagnostic]:
    """Regional load balancers take certificates, the global one a map of them."""
    for name, gateway in context.platform.gateways.items():
        if gateway.tls is None or name in context.fleet.config_clusters:  # check.crossregion refuses it
            continue
        wanted, other = ("certificateMap", "certificate") if _row(context, name).scope == "global" else ("certificate", "certificateMap")
        said = {"certificate": gateway.tls.certificate, "certificateMap": gateway.tls.certificate_map}
        wrong = said[other] is not None
        if wrong or (said[wanted] is None and not context.unknown_keys(("gateways", name, "tls"), type(gateway.tls))):
            yield context.finding(
                "GTW132",
                f"gateway {name}: class {gateway.class_} takes tls.{wanted}" + (f", not tls.{other}" if wrong else ""),
                ("gateways", name, "tls", *([other] if wrong else [])),
                key=True,
                help=f"tls: {{{wanted}: NAME}}",
            )


def pools(context: Context) -> Iterator[Diagnostic]:
    """An InferencePool stands behind regional classes alone."""
    for key in context.fleet.front_keys:
        w = context.fleet.workload(key, context.fleet.base)
        for i, exposure in enumerate(w.service.expose):
            if w.pooled and not _row(context, exposure.gateway).inference:
                yield context.finding(
                    "GTW133",
                    f"{w.service_name} is an inference pool, and gateway {exposure.gateway} leads to ordinary Services alone",
                    ("serving", w.service_name, "expose", i, "gateway"),
                    related=(context.span(("gateways", exposure.gateway, "class"), "its class"),),
                    help="class: regional-external with dns, which leads clients to the nearest region",
                )


def regional(context: Context) -> Iterator[Diagnostic]:
    """What is of a region has no place on a load balancer that is of none."""
    for name, gateway in context.platform.gateways.items():
        if _row(context, name).scope != "global":
            continue
        records = "address: NAME of a global address that stands, and records of your own"
        refused = (
            ("dns", gateway.dns, "writes records of regional addresses", records),
            ("modelArmor", gateway.model_armor, "is a service of a region", "class: regional-external"),
        )
        for key, said, why, help in refused:
            if said is not None:
                yield context.finding(
                    "GTW134",
                    f"gateway {name} is {gateway.class_}, and {key} {why}",
                    ("gateways", name, key),
                    key=True,
                    related=(context.span(("gateways", name, "class"), "its class"),),
                    help=help,
                )
