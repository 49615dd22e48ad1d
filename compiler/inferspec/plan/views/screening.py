"""Model Armor before the servers of a gateway: prompts and answers are screened, and a request fails where that cannot be done."""

from __future__ import annotations

from ...resolve.fleet import Fleet
from ...resolve.naming import GATEWAY_NAMESPACE
from ...resolve.places import Place
from ...resolve.screening import settings
from ...values import Default, SpecAt, Value, text
from ..row import Drawn, Row, labels

REQUESTS = 'request.path.startsWith("/v1/")'
"""Those that routes lead to servers."""


def screening(fleet: Fleet, gateway: str, place: Place) -> Drawn:
    """Service, events and settings as the GKE tutorial "Secure a serving workload on GKE with Model Armor" has them."""
    name = f"{gateway}-screening"
    return "traffic-extension", Row(
        name=name,
        namespace=GATEWAY_NAMESPACE,
        labels=labels(fleet.platform.name, name, "screening"),
        gateway=gateway,
        requests=REQUESTS,
        service=text("modelarmor.{}.rep.googleapis.com", Value(place.region, SpecAt(place.path))),
        timeout=text("{}ms", Value(fleet.catalogue.default("gateway.screeningTimeout"), Default("gateway.screeningTimeout"))),
        settings=settings(fleet, gateway, place),
    )

