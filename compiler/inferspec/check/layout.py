"""Chips that exist and are used, and servers that span nodes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..diagnostics import Diagnostic, Severity
from ..resolve.places import Place
from ..resolve.workload import Workload
from .context import Context, agreeing, place_of


def _at(w: Workload) -> Any:
    asked = (w.layout.tensor, w.layout.pipeline, w.layout.data)
    return next((at for v in asked if (at := place_of(v, ())) and at[0] == "serving"), (*w.path, "capacity"))


def nodes(context: Context) -> Iterator[Diagnostic]:
    """A server takes whole machines once it needs more than one, and all chips of a TPU slice."""
    seen: set[Any] = set()
    for w in context.workloads():
        at, total, own = _at(w), w.layout.total, w.machine.chips
        if (at, total) in seen or int(w.layout.tensor.v) > w.layout.most:
            continue  # the second: ACC101
        seen.add((at, total))
        sizes = f"tensor {w.layout.tensor.v} x pipeline {w.layout.pipeline.v} x data {w.layout.data.v} = {total} chips"
        if w.accelerator.kind == "tpu" and total != w.layout.most:
            yield context.finding(
                "ACC111",
                f"{w.name}: {total} chips of a TPU slice that has {w.layout.most}",
                at,
                notes=(sizes, "the chips of a slice are given to one Pod a host, all of them"),
                help=f"leave the parallel sizes out for tensor parallel {w.layout.most}, or take a smaller topology",
            )
        elif total > own and total % own:
            yield context.finding(
                "ACC110",
                f"{w.name}: {total} chips do not fill whole machines of {own}",
                at,
                notes=(sizes, f"{w.machine.id} has {own} chips"),
                help=f"tensorParallel: {own} and pipelineParallel: the number of machines",
            )
        elif w.layout.spans_nodes and int(w.layout.data.v) > 1:
            yield context.finding(
                "ACC110",
                f"{w.name}: {w.layout.data.v} copies of the model in one server would span {w.layout.nodes} nodes",
                at,
                notes=(sizes,),
                help="dataParallel within one machine; for more copies take more replicas",
            )


def groups(context: Context) -> Iterator[Diagnostic]:
    """A server that spans nodes needs an engine that can, and the add-on that keeps its Pods together."""
    lacking: dict[str, tuple[Workload, list[Place]]] = {}
    told: set[str] = set()
    for _, w, places in context.cohorts:
        if not w.layout.spans_nodes or not w.layout.sound:
            continue
        if w.accelerator.kind not in w.engine.groups and w.engine.workload == "deployment":
            if w.name not in told:
                told.add(w.name)
                yield context.finding(
                    "ACC105",
                    f"{w.name}: one server would span {w.layout.nodes} nodes, and {w.engine.id} cannot on {w.accelerator.kind.upper()}s",
                    _at(w),
                    related=(context.span(("capacityClasses", w.capacity_name), f"{w.machine.id} has {w.machine.chips} chips", key=True),),
                    help=f"a machine or topology of one host; {_able(context, w.accelerator.kind)}",
                )
            continue
        if w.engine.workload == "deployment" and (without := [p for p in places if "leader-worker-set" not in p.cluster.addons]):
            lacking.setdefault(w.name, (w, []))[1].extend(without)
    for name, (w, without) in lacking.items():
        yield without_operator(context, f"{name} spans {w.layout.nodes} nodes", without, "LeaderWorkerSet", "leader-worker-set")


def processors(context: Context) -> Iterator[Diagnostic]:
    """An image with an edition for the machine's processors; of an image of one's own nobody here knows."""
    seen: set[Any] = set()
    for w in context.workloads():
        arch, version = w.accelerator.arch, str(w.engine_version.v)
        at = (*w.path, "capacity")
        if w.image_said is not None or w.engine.runs_on(arch, version) or at in seen:
            continue
        seen.add(at)
        since = w.engine.arm64_since
        yield context.finding(
            "ACC113",
            f"{w.name}: {w.machine.id} is {arch}, and no {arch} image of {w.engine.id} {version} was seen",
            at,
            related=(context.span(("capacityClasses", w.capacity_name, "shape"), f"class {w.capacity_name} chooses {w.machine.id} here"),),
            help=(f"engine: {w.engine.id}@{since} or newer, or " if since else "") + "image: with an edition for it",
        )


def operators(context: Context) -> Iterator[Diagnostic]:
    """A RayService is nothing where no operator reads it."""
    for _, w, places in context.cohorts:
        without = [p for p in places if "kuberay" not in p.cluster.addons]
        if w.engine.workload == "ray-service" and without:
            yield without_operator(context, f"{w.name} runs in Ray", without, "RayService", "kuberay")


def without_operator(context: Context, what: str, places: list[Place], kind: str, addon: str) -> Diagnostic:
    return context.finding(
        "SYNC117",
        f"{what}, and {agreeing(places, 'has', 'have')} no {kind}",
        (*places[0].path, "addons"),
        key=True,
        help=f"install the operator and write '{addon}' under the cluster's addons",
    )


def _able(context: Context, kind: str) -> str:
    able = [name for name in context.catalogue.engines() if kind in context.catalogue.engine(name).groups]
    return f"engines that can: {', '.join(able)}" if able else f"no engine of the catalogue can on {kind.upper()}s"


def idle(context: Context) -> Iterator[Diagnostic]:
    """Chips that are paid for and used by nobody, where a smaller machine has as many as are used."""
    seen: set[Any] = set()
    for w in context.workloads():
        total, own = w.layout.total, w.machine.chips
        if w.accelerator.kind != "gpu" or total >= own or (_at(w), own) in seen:
            continue
        seen.add((_at(w), own))
        exact = [m for m in context.catalogue.machines_of(w.accelerator.id) if m.chips == total and m.fraction == 1 and not m.explicit_only]
        if exact:
            note, help = f"{own // total} such servers share a node, or {own - total} chips stay idle", f"{exact[0].id} has {total}"
        elif own % total:
            full = [str(size) for size in range(total, own + 1) if own % size == 0]
            note = f"however many share a node, {own % total} of its chips stay idle"
            help = f"{' or '.join(full)} chips a server leave none"
        else:
            continue
        yield context.finding(
            "ACC112",
            f"{w.name} uses {total} of the {own} chips of {w.machine.id}",
            _at(w),
            severity=Severity.WARNING,
            notes=(note,),
            help=help,
        )
