"""The settled fleet as plain data, for policies. One record for each distinct workload, not one for each cluster."""

from __future__ import annotations

from typing import Any

from ..diagnostics import format_path
from ..model.base import seconds
from ..values import SpecAt, Value
from .fleet import Fleet
from .memory import GIB
from .places import Place
from .scaling import named, target
from .workload import Workload

ITL_SECONDS = 0.03
"""Seconds a token a policy may count with: a reader's pace, about twice that of a loaded H100 (catalogue, perf anchors)."""


def facts(fleet: Fleet) -> dict[str, Any]:
    """Keys and shapes as policy/pack/facts.cue declares them; all values are JSON."""
    p = fleet.platform
    return {
        "constants": {"itlSeconds": ITL_SECONDS},
        "platform": {"name": p.name, "stack": p.stack, "source": p.delivery.source, "render": p.delivery.render},
        "projects": {k: {"id": v.id, "number": v.number} for k, v in p.projects.items()},
        "teams": {
            k: {
                "namespace": t.namespace,
                "group": t.group or "",
                "maxChips": {found: n for key, n in t.max_chips.items() for found in fleet.catalogue.accelerators_named(key)},
            }
            for k, t in p.teams.items()
        },
        "clusters": {place.name: _cluster(fleet, place) for place in fleet.places},
        "capacityClasses": {name: _class(fleet, name) for name in p.capacity_classes},
        "models": {name: _model(fleet, name) for name in p.models},
        "stores": {k: {"read": s.read, "buckets": dict(s.buckets)} for k, s in p.storage.items()},
        "secrets": {k: {"secretManager": s.secret_manager, "version": s.version} for k, s in p.secrets.items()},
        "gateways": {name: _gateway(fleet, name) for name in p.gateways},
        "objectives": dict(p.objectives),
        "delivery": {
            "repo": p.delivery.config_sync.repo or "",
            "branch": p.delivery.config_sync.branch or str(fleet.catalogue.default("delivery.branch")),
            "auth": p.delivery.config_sync.auth,
            "deletionBudget": deletion_budget(fleet),
            "waves": [
                {"revision": w.revision or "", "clusters": [x.name for x in fleet.places if x.wave == i]}
                for i, w in enumerate(p.delivery.waves)
            ],
        },
        "workloads": _workloads(fleet),
        "patches": [
            {"service": s, "target": x.target, "reason": x.reason, "until": x.until or "", "at": format_path(("serving", s, "patches", i))}
            for s, spec in p.serving.items()
            for i, x in enumerate(spec.patches)
        ],
        "extraResources": [
            {"team": e.team, "kind": str(e.manifest.get("kind", "")), "at": format_path(("extraResources", i))}
            for i, e in enumerate(p.extra_resources)
        ],
    }


def deletion_budget(fleet: Fleet) -> int:
    asked = fleet.platform.delivery.deletions.budget
    return fleet.catalogue.default("delivery.deletionBudget") if asked is None else asked


def _cluster(fleet: Fleet, place: Place) -> dict[str, Any]:
    c = place.cluster
    wave = fleet.platform.delivery.waves[place.wave] if place.wave >= 0 else None
    return {
        "region": place.region,
        "project": c.project,
        "mode": c.mode,
        "stage": c.stage,
        "zones": list(c.zones or ()),
        "labels": dict(c.labels),
        "channel": c.gke.channel,
        "minVersion": c.gke.min_version or "",
        "addons": list(c.provided),
        "wave": place.wave,
        "revision": (wave.revision or "") if wave else "",
    }


def _class(fleet: Fleet, name: str) -> dict[str, Any]:
    spec = fleet.platform.capacity_classes[name]
    machine = fleet.catalogue.machines.get(spec.shape[0])
    accelerator = fleet.catalogue.accelerators.get(machine.accelerator) if machine else None
    return {
        "shapes": list(spec.shape),
        "accelerator": accelerator.id if accelerator else "",
        "chips": machine.chips if machine else 0,
        "memoryGiB": accelerator.memory_gib * (machine.fraction if machine else 1) if accelerator else 0,
        "sources": [
            {"kind": s.kind, "rung": part, "name": ", ".join(s.reservation or ())}
            for part in ("baseline", "burst")
            for s in getattr(spec, part)
        ],
        "whenUnsatisfiable": spec.when_unsatisfiable or fleet.catalogue.default("capacity.whenUnsatisfiable"),
        "teams": list(spec.teams or ()),
    }


def _model(fleet: Fleet, name: str) -> dict[str, Any]:
    spec = fleet.platform.models[name]
    known = fleet.catalogue.model(spec.source)
    return {
        "source": spec.source,
        "store": spec.store,
        "secret": spec.secret or "",
        "gated": bool(known and known.gated),
        "known": known is not None or spec.architecture is not None,
        "versions": dict(spec.versions),
    }


def _gateway(fleet: Fleet, name: str) -> dict[str, Any]:
    g = fleet.platform.gateways[name]
    timeout = seconds(g.timeout) if g.timeout else fleet.catalogue.default("gateway.backendTimeout")
    return {
        "class": g.class_,
        "host": g.host,
        "tls": g.tls is not None,
        "modelArmor": g.model_armor is not None,
        "screenable": _screenable(fleet, name),
        "timeoutSeconds": timeout,
        "clusters": [p.name for p in fleet.places if fleet.has_gateway(name, p)],
    }


def _screenable(fleet: Fleet, name: str) -> bool:
    """Whether Model Armor can stand there: of a region, before servers of the OpenAI API."""
    row = fleet.catalogue.stack(fleet.platform.stack).gateway_classes[fleet.platform.gateways[name].class_]
    behind = [k for k in fleet.front_keys if any(e.gateway == name for e in fleet.platform.serving[k.service].expose)]
    return row.scope != "global" and all(fleet.workload(k, fleet.base).engine.openai for k in behind)


def _workloads(fleet: Fleet) -> list[dict[str, Any]]:
    found: dict[int, tuple[Workload, list[Place]]] = {}
    for key in fleet.workload_keys:
        for place in fleet.places_of(key):
            workload = fleet.workload_at(key, place)
            found.setdefault(id(workload), (workload, []))[1].append(place)
    return [_workload(w, places) for w, places in found.values()]


def _workload(w: Workload, places: list[Place]) -> dict[str, Any]:
    account = w.fit(w.machine)
    # Flags of the compiler's own are refused by check.flags and judged by nobody else.
    owned = {flag.name.removeprefix("--") for flag in w.engine.flags.values() if flag.owned}
    exposed = w.service.expose if w.pooled and not w.key.prefill else ()
    memory = {"requestGiB": (w.pod.server_bytes + w.pod.sidecar_bytes) // GIB, "weightsGiB": round(w.weights / GIB, 1)}
    if account is not None:
        memory["headroomGiB"] = round(account.headroom / GIB, 1)
    settled = {
        "min": w.scale("min"),
        "max": w.scale("max"),
        "metric": Value(named(w), w.scale("metric").origin),
        "maxModelLen": w.tokens,
        "tensorParallel": w.layout.tensor,
        "model": w.model_ref,
    }
    if (wanted := target(w)) is not None:
        settled["target"] = wanted
    at = {key: format_path(v.origin.path) if isinstance(v.origin, SpecAt) else format_path(w.path) for key, v in settled.items()}
    at |= {f"flags.{k}": format_path(s.path) for k, s in w.settings.flags.items()}
    at |= {f"env.{k}": format_path(s.path) for k, s in w.settings.env.items()}
    at |= {"service": format_path(w.path), "capacity": format_path((*w.path, "capacity"))}
    image = w.image_said.v if w.image_said is not None else w.engine.image(str(w.engine_version.v), w.accelerator.kind) or ""
    return {
        "name": w.name,
        "service": w.service_name,
        "variant": w.variant or "",
        "canary": w.key.canary,
        "team": w.team,
        "model": str(w.model_ref.v),
        "version": str(w.model_ref.v).partition("@")[2],
        "modelSource": w.model.source,
        "modelPath": w.model_path,
        "engine": w.engine.id,
        "engineVersion": _plain(w.engine_version),
        "image": image,
        "capacity": w.capacity_name,
        "clusters": [p.name for p in places],
        "stages": sorted({p.cluster.stage for p in places}),
        **{key: _plain(v) for key, v in settled.items() if key != "model"},
        **({"buffer": w.kept} if w.kept else {}),
        "chips": w.layout.total,
        "flags": {k: s.v for k, s in w.settings.flags.items() if k not in owned},
        "env": {k: str(s.v) for k, s in w.settings.env.items()},
        "memory": memory,
        "exposed": [{"gateway": e.gateway, "as": e.as_ or w.service_name} for e in exposed],
        "adapters": list(w.service.adapters),
        "at": at,
    }


def _plain(value: Value) -> Any:
    return value.v
