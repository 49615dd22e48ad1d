"""The whole spec."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from .base import Name, Region, ResourceName
from .capacity import CapacityClass
from .delivery import Delivery, ExtraResource, Gateway, Imports
from .forms import Closed, Items
from .guarding import SecurityPolicy
from .images import Images
from .places import Management, Project, RegionPlaces, Secret, Team
from .queues import Queue
from .serving import Service
from .storage import Model, Store
from .watching import Observability

API_VERSION = "inferspec/v1alpha1"


class Platform(Closed):
    """One platform: its places, its capacity, its models, its services and how they are delivered."""

    api_version: Literal["inferspec/v1alpha1"]
    """Version of the language."""
    kind: Literal["Platform"]
    """Always Platform."""
    name: Name
    """Name of the platform, and of its folders under overlays/ and clusters/."""
    stack: Literal["gie-1.5", "llm-d-router-0.10"] = "gie-1.5"
    """Release of the gateway stack: API groups, images, flags, header and metric names."""
    projects: Annotated[dict[Name, Project], Field(min_length=1)]
    """Google Cloud projects, by a name of your own."""
    teams: Annotated[dict[Name, Team], Field(min_length=1)]
    """Model teams: each has a namespace and a sync of its own."""
    regions: Annotated[dict[Region, RegionPlaces], Field(min_length=1)]
    """Regions with their reservations and clusters."""
    management: Management | None = None
    """The cluster where Config Connector runs, if there is one."""
    secrets: dict[Name, Secret] = {}
    """Secrets by reference."""
    images: Images = Images.model_construct()
    """Where images are pulled from."""
    storage: dict[Name, Store] = {}
    """Where weights are kept, and how servers read them."""
    models: dict[Name, Model] = {}
    """Models with their pinned versions."""
    capacity_classes: dict[Name, CapacityClass] = {}
    """Machines and the order in which they are asked for."""
    queues: dict[Name, Queue] = {}
    """Admission by Kueue: chips of each class that a team may have at once."""
    serving: dict[Name, Service] = {}
    """Services: a model behind an endpoint."""
    objectives: dict[Name, Annotated[int, Field(ge=-1000, le=1000)]] = {}
    """Priority of requests that name the objective; a negative one is shed first."""
    gateways: dict[Name, Gateway] = {}
    """Front doors: how requests come in."""
    cloud_armor: dict[ResourceName, SecurityPolicy] = {}
    """Security policies that gateways name in ``cloudArmor``, made with these rules; others stand."""
    observability: Observability = Observability.model_construct()
    """Dashboards of the services and of the fleet."""
    delivery: Delivery
    """How manifests reach the clusters."""
    imports: Imports = Imports.model_construct()
    """What is there before the platform, and what to do with it."""
    extra_resources: Items[ExtraResource] = ()
    """Manifests of your own."""
    include: Items[str] = ()
    """Team files, by relative path; each may write only its own team's services."""
