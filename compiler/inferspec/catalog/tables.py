"""Every table of the catalogue, loaded when first asked for, and the questions that need more than one row."""

from __future__ import annotations

import re
from collections.abc import Mapping
from copy import copy
from functools import cached_property
from pathlib import Path
from typing import Any

from .engines import Engine, load_engine, load_flags
from .flagtable import FlagTable
from .model_row import Model
from .rows import Accelerator, Availability, Default, Machine, Price, Region, StorageLocation, Topology
from .stacks import Stack, load_stack
from .table import Table, merge

PACKAGE = str(Path(__file__).parent)
"""Plain zones and AI zones, ``us-central1-a`` and ``us-central1-ai1a`` (GKE documentation, "About custom ComputeClasses")."""


class Catalogue:
    """Every table, over the package and the team folders laid on it, the last folder winning.

    ``digests`` are facts of the platform's own lock: image as it is pulled -> ``sha256:...``.
    """

    def __init__(self, folders: tuple[str, ...] = ()) -> None:
        self.folders = (PACKAGE, *folders)
        self.digests: Mapping[str, str] = {}

    def pinning(self, digests: Mapping[str, str]) -> Catalogue:
        """The same facts, with the digests of a lock."""
        found = copy(self)
        found.digests = digests
        return found

    @cached_property
    def accelerators(self) -> Table[Accelerator]:
        return Table(Accelerator, "accelerators", self.folders)

    @cached_property
    def machines(self) -> Table[Machine]:
        return Table(Machine, "machines", self.folders)

    @cached_property
    def regions(self) -> Table[Region]:
        return Table(Region, "regions", self.folders)

    @cached_property
    def storage_locations(self) -> Table[StorageLocation]:
        return Table(StorageLocation, "storage_locations", self.folders)

    @cached_property
    def models(self) -> Table[Model]:
        return Table(Model, "models", self.folders)

    @cached_property
    def defaults(self) -> Table[Default]:
        return Table(Default, "defaults", self.folders)

    @cached_property
    def availability(self) -> Table[Availability]:
        return Table(Availability, "availability", self.folders)

    def default(self, key: str) -> Any:
        """The value of a default; KeyError for a key that ``defaults.yaml`` lacks is a bug of the caller."""
        return self.defaults[key].value

    def machines_of(self, accelerator: str) -> list[Machine]:
        """Shapes with this accelerator, smallest first: what a failed fit can suggest."""
        found = (self.machines[name] for name, row in self.machines.data.items() if row.get("accelerator") == accelerator)
        return sorted(found, key=lambda m: (m.chips * m.fraction, m.vcpu, m.id))

    def kind_of(self, machine: str) -> str:
        """``gpu`` or ``tpu``; empty for a machine without accelerator, or none of the catalogue."""
        shape = self.machines.get(machine)
        return self.accelerators[shape.accelerator].kind if shape is not None and shape.accelerator else ""

    def accelerators_named(self, name: str) -> list[str]:
        """Accelerator ids that a person means: ``h100`` is ``h100-80gb`` and ``h100-mega-80gb``."""
        return [name] if name in self.accelerators else [key for key in self.accelerators if key.startswith(f"{name}-")]

    def topology(self, machine: str, name: str) -> Topology | None:
        """The slice ``name`` ("4x4", "2x2x1") of a TPU machine type, or None if it has no such slice.

        3D slices of multiples of 4 follow the rule of AI-Hypercomputer/xpk@367c838 generate_tpu_topologies.
        """
        shape = self.machines.get(machine)
        if shape is None or not re.fullmatch(r"[0-9]{1,3}(x[0-9]{1,3}){1,2}", name):
            return None
        dims = [int(d) for d in name.split("x")]
        chips = 1
        for d in dims:
            chips *= d
        cube = len(dims) == 3 and all(d and d % 4 == 0 for d in dims) and dims == sorted(dims)
        limit = self.accelerators[shape.accelerator].max_cubes if shape.accelerator else 0
        if name not in shape.topologies and not (shape.cubes and cube and chips // 64 <= limit):
            return None
        return Topology(name=name, chips=chips, hosts=chips // shape.chips, chips_per_host=shape.chips)

    def seen(self, machine: str, region: str) -> tuple[str, ...] | None:
        """Zones of the region where the shape was seen: None if nowhere in the region, () if the region is known and its zones are not."""
        found: set[str] = set()
        known = False
        for row in self.availability.values():
            if machine in row.machines and region in row.zones:
                known = True
                found.update(f"{region}-{letter}" for letter in row.zones[region])
        return tuple(sorted(found)) if known else None

    def locations_holding(self, region: str) -> list[str]:
        """Location ids a cluster of the region reads without leaving it: the region, then dual-, then multi-regions."""
        order = {"region": 0, "dual-region": 1, "multi-region": 2}
        held = [row for row in self.storage_locations.values() if row.kind in order and region in row.regions]
        return [row.id for row in sorted(held, key=lambda row: (order[row.kind], row.id))]

    def location_kind(self, location: str) -> str:
        """region, dual-region or multi-region."""
        row = self.storage_locations.get(location)
        return row.kind if row is not None else "region"

    @cached_property
    def _model_names(self) -> dict[str, str]:
        names = {row["huggingFace"].lower(): name for name, row in self.models.data.items() if "huggingFace" in row}
        return names | {name.lower(): name for name in self.models.data}

    def model(self, name: str) -> Model | None:
        """By catalogue id or Hugging Face id, letter case apart."""
        found = self._model_names.get(name.removeprefix("hf://").lower())
        return self.models[found] if found else None

    @cached_property
    def _prices(self) -> dict[str, dict[str, Any]]:
        return merge("prices", self.folders)[0]

    def price(self, machine: str, region: str) -> Price | None:
        """Of one node an hour: the machine's own row, else chips times the accelerator's row; None where neither has the region."""
        shape = self.machines.get(machine)
        for name, factor in ((machine, 1), (shape.accelerator if shape else "", shape.chips if shape else 0)):
            row = self._prices.get(name)
            if row and region in row["regions"]:
                on_demand, spot = (None if p is None else round(p * factor, 4) for p in row["regions"][region])
                return Price(on_demand=on_demand, spot=spot, source=row["source"], as_of=row["asOf"])
        return None

    @cached_property
    def _engines(self) -> dict[str, Engine]:
        return {}

    def engine(self, name: str) -> Engine:
        """``engines/<name>.yaml`` or a row of ``presets.yaml``; KeyError where there is neither."""
        if name not in self._engines:
            self._engines[name] = load_engine(name, self.folders, self._presets)
        return self._engines[name]

    def engines(self) -> list[str]:
        """Names a service may write under ``engine``."""
        return list(self._engine_names)

    @cached_property
    def _engine_names(self) -> tuple[str, ...]:
        return tuple(sorted({name for folder in self.folders for name in stems(folder, "engines")} | self._presets.keys()))

    @cached_property
    def _presets(self) -> dict[str, dict[str, Any]]:
        return merge("presets", self.folders)[0]

    def stack(self, name: str) -> Stack:
        """``stacks/<name>.yaml``; KeyError where there is none."""
        if name not in self._stacks:
            self._stacks[name] = load_stack(name, self.folders)
        return self._stacks[name]

    @cached_property
    def _stacks(self) -> dict[str, Stack]:
        return {}

    def stacks(self) -> list[str]:
        return sorted({name for folder in self.folders for name in stems(folder, "stacks")})

    def flags(self, engine: str, version: str) -> FlagTable:
        """The flag table of one engine version; KeyError where the catalogue has none of its own."""
        return load_flags(engine, version, self.folders)


def stems(folder: str, kind: str) -> list[str]:
    """Names of the files of one kind; ``common`` is what stacks share, no stack."""
    return sorted(path.stem for path in Path(folder, kind).glob("*.yaml") if path.stem != "common")
