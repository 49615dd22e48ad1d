"""The whole spec."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from .base import Closed, Name, Region, items
from .capacity import CapacityClass
from .delivery import Delivery, ExtraResource, Gateway, Imports
from .places import Management, Project, RegionPlaces, Secret, Team
from .serving import Service
from .storage import Model, Store

API_VERSION = "inferspec/v1alpha1"


class Platform(Closed):
    """One platform: its places, its capacity, its models, its services and how they are delivered."""

    api_version: Literal["inferspec/v1alpha1"]
    kind: Literal["Platform"]
    name: Name
    """Name of the platform, and of its folders under overlays/ and clusters/."""
    stack: Literal["gie-1.5", "llm-d-router-0.10"] = "gie-1.5"
    """Release of the gateway stack: API groups, images, flags, header and metric names."""
    projects: Annotated[dict[Name, Project], Field(min_length=1)]
    teams: Annotated[dict[Name, Team], Field(min_length=1)]
    regions: Annotated[dict[Region, RegionPlaces], Field(min_length=1)]
    management: Management | None = None
    secrets: dict[Name, Secret] = {}
    storage: dict[Name, Store] = {}
    models: dict[Name, Model] = {}
    capacity_classes: dict[Name, CapacityClass] = {}
    serving: dict[Name, Service] = {}
    objectives: dict[Name, Annotated[int, Field(ge=-1000, le=1000)]] = {}
    """Priority of requests that name the objective; a negative one is shed first."""
    gateways: dict[Name, Gateway] = {}
    delivery: Delivery
    imports: Imports = Imports()
    extra_resources: items(ExtraResource) = ()
    include: items(str) = ()
    """Team files, by relative path; each may write only its own team's services."""
