"""Reservations: there, of the machine the spec says, ready, with room, shared with whoever uses them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from ..check.context import Context, clusters
from ..diagnostics import Diagnostic, Severity
from .cloud import Cloud, unseen
from .needs import ReservationNeed


def reservations(context: Context, cloud: Cloud, need: ReservationNeed) -> Iterator[Diagnostic]:
    """Fields as the Compute Engine API has them ("reservations")."""
    status, said = cloud.get("compute", f"/compute/v1/projects/{need.owner}/zones/{need.zone}/reservations/{need.spec.name}")
    if status != 200:
        yield _absent(context, cloud, need, status)
        return
    held = said.get("specificReservation", {})
    yield from _same(context, need, held)
    yield from _usable(context, need, said, held)
    yield from _shared(context, need, said.get("shareSettings", {}))


def _absent(context: Context, cloud: Cloud, need: ReservationNeed, status: int) -> Diagnostic:
    """It may stand in another zone: that is worth a second question."""
    asked = quote(f"name={need.spec.name}", safe="")
    _, said = cloud.get("compute", f"/compute/v1/projects/{need.owner}/aggregated/reservations?filter={asked}")
    zones = sorted(zone.removeprefix("zones/") for zone, items in said.get("items", {}).items() if items.get("reservations"))
    return context.finding(
        "CAP201",
        f"reservation {need.spec.name} is not in {need.zone}" if zones else f"reservation {need.spec.name} cannot be found",
        (*need.path, "zone" if zones else "name"),
        notes=(
            f"project {need.owner}, zone {need.zone}: {unseen(status)}",
            *((f"one of that name is in {', '.join(zones)}",) if zones else ()),
            f"used by {clusters(need.places)}",
        ),
        help=f"gcloud compute reservations list --project {need.owner}",
    )


def _same(context: Context, need: ReservationNeed, held: Any) -> Iterator[Diagnostic]:
    machine = context.catalogue.machines.get(need.spec.shape)
    wanted = machine.type if machine is not None else need.spec.shape
    told = str(held.get("instanceProperties", {}).get("machineType", ""))
    if told and told != wanted:
        yield context.finding(
            "CAP202",
            f"reservation {need.spec.name} is of {told}, the spec says {wanted}",
            (*need.path, "shape"),
            notes=("nodes of another machine type never come out of it",),
            help=f"shape: {told}, or name the reservation of {wanted}",
        )
    count = int(held.get("count", 0))
    if held and count < need.spec.nodes:
        yield context.finding(
            "CAP202",
            f"reservation {need.spec.name} holds {count} machines, the spec says {need.spec.nodes}",
            (*need.path, "nodes"),
            help=f"nodes: {count}, or have it enlarged",
        )


def _usable(context: Context, need: ReservationNeed, said: Any, held: Any) -> Iterator[Diagnostic]:
    if said.get("status") != "READY":
        yield context.finding(
            "CAP203",
            f"reservation {need.spec.name} is {str(said.get('status', 'of unknown status')).lower()}",
            (*need.path, "name"),
            notes=("machines come out of it when it is ready",),
            help="wait until it is, or ask who owns it",
        )
        return
    count, used = int(held.get("count", 0)), int(held.get("inUseCount", 0))
    if count and used >= count:
        yield context.finding(
            "CAP203",
            f"reservation {need.spec.name} has no machine left",
            (*need.path, "nodes"),
            severity=Severity.WARNING,
            notes=(f"{used} of {count} are in use, by these clusters or by others",),
            help="pods that need more wait for the next entry of their class",
        )


def _shared(context: Context, need: ReservationNeed, share: Any) -> Iterator[Diagnostic]:
    """Projects that use it without owning it. The map of projects has numbers as keys, and ids where it was made so."""
    kind, listed = share.get("shareType", "LOCAL"), share.get("projectMap", {})
    named = {*listed, *(str(item.get("projectId", "")) for item in listed.values())}
    for key in sorted(need.users):
        project = context.platform.projects[key]
        if project.id == need.owner or kind == "ORGANIZATION":
            continue
        if kind != "SPECIFIC_PROJECTS" or not named & {project.id, str(project.number)}:
            sharing = ", ".join(sorted(named - {""})) or "no other project"
            at = f"{need.spec.name} --zone {need.zone} --project {need.owner}"
            yield context.finding(
                "CAP204",
                f"reservation {need.spec.name} is not shared with project {project.id}",
                (*need.path, "project"),
                notes=(
                    f"{need.owner} shares it with {sharing}",
                    f"used by {clusters([p for p in need.places if p.cluster.project == key])}",
                ),
                help=f"gcloud compute reservations update {at} --add-share-with {project.id}",
            )
