"""The catalogue: facts about accelerators, machines, places, models, engines, stacks and prices, with source and date.

Tables load when first asked for and build a row when it is first read: ``vet`` of a small platform reads a few rows of a few files.
A team's own ``catalog/`` folder overrides rows key by key and adds rows: ``team.overlay``.
"""

from __future__ import annotations

from functools import cache

from .engine_parts import Bounds, Reserved
from .engines import Engine, EngineVersion, Metric
from .flagtable import FlagSpec, FlagTable, human_int
from .model_row import Model
from .reader import CatalogueError
from .rows import Accelerator, Availability, Default, Machine, Price, Region, StorageLocation, Topology
from .stacks import Stack
from .table import Table
from .tables import PACKAGE, Catalogue

__all__ = [
    "PACKAGE",
    "Accelerator",
    "Availability",
    "Bounds",
    "Catalogue",
    "CatalogueError",
    "Default",
    "Engine",
    "EngineVersion",
    "FlagSpec",
    "FlagTable",
    "Machine",
    "Metric",
    "Model",
    "Price",
    "Region",
    "Reserved",
    "Stack",
    "StorageLocation",
    "Table",
    "Topology",
    "catalogue",
    "human_int",
]


@cache
def catalogue() -> Catalogue:
    """The package's own catalogue."""
    return Catalogue()
