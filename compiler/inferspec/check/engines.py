"""What a service asks of its engine: an engine that exists, and a way to tell it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ..catalog import Engine, Model
from ..catalog.engines import PLACES
from ..diagnostics import Diagnostic, Severity, SpecPath
from ..resolve.memory import GIB
from ..resolve.parameters import weights_bytes
from ..resolve.weights import OWN
from ..resolve.workload import Workload
from ..values import SpecAt, Value
from .accelerated import bounds_of
from .context import Context, place_of

_ROLE = {
    "tensorParallel": "tensorParallelSize",
    "pipelineParallel": "pipelineParallelSize",
    "dataParallel": "dataParallelSize",
    "expertParallel": "expertParallel",
    "maxModelLen": "maxModelLen",
    "chatTemplate": "chatTemplate",
    "speculative.method": "speculativeConfig",
    "speculative.lookup": "speculativeConfig",
    "speculative.tensorParallel": "speculativeConfig",
}
"""Key of the spec -> role of the engine's flags that carries it."""
STREAMED = "read: run-ai-streamer"
_PLACE = re.compile(r"\{([A-Za-z]+)\}")


def told(context: Context) -> Iterator[Diagnostic]:
    """Every key a service sets reaches its engine: one that is dropped on the way would be believed."""
    seen: set[Any] = set()
    for w in context.workloads():
        for key, value in _asked(w):
            at = place_of(value, w.path)
            if (at, key) not in seen and not _carries(w.engine, key):
                seen.add((at, key))
                yield context.finding(
                    "SRV121",
                    f"{w.name}: engine {w.engine.id} cannot be told {key}",
                    at,
                    help=_way_out(context, w, key),
                )


def _way_out(context: Context, w: Workload, key: str) -> str:
    if w.service.container is not None and key in ("tensorParallel", "maxModelLen"):
        return f"'{{{key}}}' in an argument of container.args stands for it; or remove the key"
    engines = [context.catalogue.engine(name) for name in context.catalogue.engines()]
    able = [engine.id for engine in engines if engine.newest(w.accelerator.kind) and _carries(engine, key)]
    other = f"; engines that can be told: {', '.join(able)}" if able else ""
    if key == STREAMED:
        return f"read: gcs-fuse, which every engine takes{other}"
    return f"remove the key, or set what the engine has under flags: or env:{other}"


def _asked(w: Workload) -> Iterator[tuple[str, Value]]:
    for key in _ROLE:
        if (value := w.settings.get(key)) is not None:
            yield key, value
    if w.mounts.streamed:
        yield STREAMED, w.mounts.read
    for key, path in (("adapters", "adapters"), ("dynamicAdapters", "dynamic_adapters")):
        if getattr(w.service, path):
            yield key, Value(key, SpecAt(("serving", w.service_name, key)))


def _carries(engine: Engine, key: str) -> bool:
    if key in ("tensorParallel", "maxModelLen") and any(f"{{{key}}}" in argument for argument in (*engine.args, *engine.command)):
        return True
    if key == "tensorParallel" and "{chips}" in " ".join(engine.args):
        return True
    if key == "speculative.method" and "speculativeMethod" in engine.flags:
        return True
    if key == "dynamicAdapters":
        return "dynamicAdapters" in engine.env
    return {**_ROLE, "adapters": "enableLora", STREAMED: "loadFormat"}[key] in engine.flags


def named(context: Context) -> Iterator[Diagnostic]:
    """A name that clients are to send is one that the server is told."""
    for name, service in context.platform.serving.items():
        key = next(k for k in context.fleet.front_keys if k.service == name)
        w = context.fleet.workload(key, context.fleet.base)
        served, knows = str(w.served_name().v), _knows_names(w)
        for i, exposure in enumerate(service.expose):
            said, at = exposure.as_, ("serving", name, "expose", i, "as")
            screened = context.platform.gateways[exposure.gateway].model_armor is not None  # its settings have an entry a name
            if said is not None and knows and said != served:
                yield context.finding(
                    "SRV132",
                    f"{name}: its servers are told one name, {served}, and not {said}",
                    at,
                    notes=(f"they refuse a request for {said}: no such model",),
                    help=f"as: {served}, and for a further name aliases: {{{said}: {served}}}",
                )
            elif said is not None and not knows and not screened:
                yield context.finding(
                    "SRV132",
                    f"{name}: no server of {w.engine.id} is told the name {said}",
                    at,
                    severity=Severity.WARNING,
                    notes=("requests reach it by the host, whatever model they name",),
                    help="leave as: out" + ("" if service.container is None else ", or write {servedName} where the container takes it"),
                )


def _knows_names(w: Workload) -> bool:
    container = w.service.container
    said = [*w.engine.command, *w.engine.args, *([*container.command, *container.args] if container is not None else [])]
    said += [str(value.v) for value in w.settings.env.values()]
    return "servedModelName" in w.engine.flags or bool(w.engine.document) or any("{servedName}" in text for text in said)


def dated(context: Context) -> Iterator[Diagnostic]:
    """The image of a version that is pinned, where its tag is that of another one: accelerators have images of their own."""
    seen: set[tuple[SpecPath, str]] = set()
    for w in context.workloads():
        version, kind = str(w.engine_version.v), w.accelerator.kind
        image, at = w.engine.image(version, kind), place_of(w.engine_version, w.path)
        if w.service.image is None and image and isinstance(w.engine_version.origin, SpecAt) and (at, image) not in seen:
            seen.add((at, image))
            if version not in image.rpartition(":")[2]:
                yield context.finding(
                    "SRV150",
                    f"{w.name}: {w.engine.id} {version} on {kind.upper()} is {image}",
                    at,
                    severity=Severity.INFO,
                    notes=(f"no {kind.upper()} image has the tag of {version}: this is the one of that release",),
                    help="a version whose images agree, or image: of your own",
                )


def speculation(context: Context) -> Iterator[Diagnostic]:
    """A method with what it needs: ngram reads the prompt, the others a model of their own."""
    seen: set[Any] = set()
    for w in context.workloads():
        said = {key: v for key in ("method", "model", "tokens", "lookup") if (v := w.settings.get(f"speculative.{key}")) is not None}
        at = place_of(next(iter(said.values())), w.path)[:-1] if said else w.path
        if not said or at in seen:
            continue
        seen.add(at)
        method = str(said["method"].v) if "method" in said else ""
        problem = (
            "does not say its method" if not method
            else f"method {method} needs a model" if method != "ngram" and "model" not in said
            else "method ngram reads the prompt and takes no model" if method == "ngram" and "model" in said
            else "does not say how many tokens it guesses" if "tokens" not in said
            else _stranger(w)
        )  # fmt: skip
        if problem:
            yield context.finding(
                "SRV122",
                f"{w.name}: speculative decoding {problem}",
                at,
                help="{method: ngram, tokens: 5, lookup: 4}, or {method: eagle3, model: MODEL@VERSION, tokens: 3}",
            )
        elif method in HEADS and w.asked.draft is not None and w.asked.draft.layers > 1:
            yield _no_head(context, w, method, w.asked.draft, place_of(said["model"], at))


HEADS = ("eagle", "eagle3")
"""Methods whose model is a head that reads the hidden states of the model it guesses for."""


def _no_head(context: Context, w: Workload, method: str, draft: Model, at: SpecPath) -> Diagnostic:
    """A model of its own in the place of a head: certain where the catalogue knows it as one, or it is as deep as the model itself."""
    whole = draft.source != OWN and draft.kind == "llm"
    own = w.facts.layers if w.facts is not None else 0
    sizes = f"{draft.layers} layers and {weights_bytes(draft) / GIB:.1f} GiB" + (f", {w.model_key} {own} layers" if own else "")
    return context.finding(
        "SRV136",
        f"{w.name}: {method} wants a head of one layer, and its model has {draft.layers}",
        at,
        severity=Severity.ERROR if whole or 0 < own <= draft.layers else Severity.WARNING,
        notes=(f"it has {sizes}", "a head has no layers to read tokens by itself: it reads the hidden states of the model"),
        help=f"a head trained by {method} for {w.model_key}, or 'method: draft' for a small model of the same vocabulary",
    )


def _stranger(w: Workload) -> str:
    """Why the draft model cannot guess for this one: tokens of another vocabulary; empty if it can, or nobody knows."""
    draft = w.asked.draft
    if draft is None or w.facts is None or not (draft.vocab_size and w.facts.vocab_size) or draft.vocab_size == w.facts.vocab_size:
        return ""
    return f"has a draft of {draft.vocab_size:,} tokens for a vocabulary of {w.facts.vocab_size:,}"


def kinds(context: Context) -> Iterator[Diagnostic]:
    """An engine serves models of its kind, from files it can read."""
    seen: set[Any] = set()
    for w in context.workloads():
        at, kind = place_of(w.model_ref, w.path), w.facts.kind if w.facts is not None else ""
        if (at, w.engine.id) in seen:
            continue
        seen.add((at, w.engine.id))
        if kind and w.engine.model_kinds and kind not in w.engine.model_kinds:
            able = [e for e in context.catalogue.engines() if kind in context.catalogue.engine(e).model_kinds]
            yield context.finding(
                "SRV125",
                f"{w.name}: {w.model_key} is of kind {kind}; {w.engine.id} serves {', '.join(w.engine.model_kinds)}",
                at,
                help=f"engines for it: {', '.join(able)}" if able else "torchserve with archives of it, or engine: custom",
            )
        elif w.engine.layout and w.model.source.startswith("hf://"):
            yield context.finding(
                "SRV126",
                f"{w.name}: {w.engine.id} reads {w.engine.layout}, and {w.model.source} is a Hugging Face repository",
                at,
                severity=Severity.WARNING,
                notes=(f"it is mounted at {w.model_path} as it was downloaded: gs://BUCKET/{w.prefix.v}",),
                help="put what the engine reads into that folder before the server starts",
            )


def containers(context: Context) -> Iterator[Diagnostic]:
    """``{…}`` in a container of one's own names something the compiler derives."""
    for name, service in context.platform.serving.items():
        if service.container is None:
            continue
        for key, said in (("command", service.container.command), ("args", service.container.args)):
            for i, argument in enumerate(said):
                for word in _PLACE.findall(argument):
                    if word not in PLACES:
                        yield context.finding(
                            "SRV123",
                            f"{name}: {{{word}}} stands for nothing",
                            ("serving", name, "container", key, i),
                            help=f"there are {', '.join(f'{{{p}}}' for p in PLACES)}",
                        )


def halves(context: Context) -> Iterator[Diagnostic]:
    """Prompts read apart need an engine that hands its KV cache over, and a picker that sends them there."""
    stack = context.catalogue.stack(context.platform.stack)
    told: set[SpecPath] = set()
    for w in context.workloads():
        if not w.key.prefill or w.path in told:
            continue
        told.add(w.path)
        able = [name for name in context.catalogue.stacks() if context.catalogue.stack(name).disaggregated is not None]
        problem, help = (
            (f"engine {w.engine.id} cannot hand its KV cache over", "vllm or sglang") if w.engine.disaggregation is None
            else (f"engine {w.engine.id} hands its KV cache over between GPUs, and {there} is of TPUs", "classes of GPUs for both halves")
            if (there := _apart(w))
            else (f"stack {stack.id} has no picker for it", f"stack: {able[0]}") if stack.disaggregated is None
            else (f"{w.service_name} is behind no gateway, and only a picker sends prompts there", "expose: [{gateway: NAME}]")
            if not w.service.expose and not context.lost_exposures(w.service_name)
            else ("one server spans nodes, which the picker cannot tell apart", "servers of one node each") if w.layout.spans_nodes
            else ("", "")
        )  # fmt: skip
        if problem:
            yield context.finding("GTW109", f"{w.name}: {problem}", w.path, key=True, help=help)


def _apart(w: Workload) -> str:
    """The class of the half whose accelerator the engine hands no KV cache over on; empty where both do."""
    other = Workload(w.platform, w.catalogue, w.key._replace(prefill=False), w.subject)
    return next((half.capacity_name for half in (w, other) if (b := bounds_of(half)) is not None and not b.hands_over), "")
