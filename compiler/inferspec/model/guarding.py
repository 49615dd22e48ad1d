"""Security policies of Cloud Armor: who may call, and how often."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from .forms import Closed, Grammar, Items


def _range(text: str) -> str:
    try:
        ipaddress.ip_network(text)
    except ValueError as error:
        reason = str(error).replace(repr(text), text)
        raise PydanticCustomError(
            "grammar", "{found} is no range of addresses, such as 203.0.113.0/24: {reason}", {"found": repr(text), "reason": reason}
        ) from None
    return text


AddressRange = Annotated[str, AfterValidator(_range), Field(json_schema_extra={"examples": ["203.0.113.0/24"]})]
"""IPv4 or IPv6, an address alone too."""
HeaderName = Annotated[str, Grammar(r"[A-Za-z0-9](?:[-A-Za-z0-9]*[A-Za-z0-9])?", "the name of a header", "x-tenant", 100)]


class Rate(Closed):
    """How many requests one caller may make; more are answered with 429."""

    requests: Annotated[int, Field(ge=1, le=1_000_000)]
    """Most requests in ``per``."""
    per: Literal["10s", "30s", "60s", "120s", "180s", "240s", "300s", "600s", "900s", "1200s", "1800s", "2700s", "3600s"] = "60s"
    """Time in which they are counted."""
    header: HeaderName | None = None
    """Header whose value is the caller; all requests without it are one. Without this key each address is a caller."""


class SecurityPolicy(Closed):
    """A policy that is made for the gateways that name it, in each region of theirs. What is denied comes first."""

    deny: Annotated[Items[AddressRange], Field(max_length=100)] = ()
    """Callers that get 403."""
    allow: Annotated[Items[AddressRange], Field(max_length=10)] = ()
    """The only callers; without it every one that is not denied."""
    rate: Rate | None = None
    """Most requests of a caller."""
    preview: bool = False
    """Written to the load balancer's log and enforced on nobody."""
