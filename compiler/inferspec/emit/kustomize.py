"""Texts of kustomizations. Only what kustomize 5.4.2, which Config Sync bundles, and 5.8.2 read alike.

No strategic merge (it doubles a build), no transformers (they act by name on more than they should), no remote bases.
Patches name group, version, kind, namespace and a name escaped for the anchored regular expression it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from ..plan.objects import Identity
from ..values import SENTINEL, Scalar
from .diff import Op, Path
from .layers import EmitError, Patch, Stack, unbound
from .text import HEADER, Open, Piece, flow_text, joined, op_pieces, scalar_text

_SPECIAL = re.compile(r"[\\.+*?()|\[\]{}^$]")
_KUSTOMIZATION = HEADER + "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n"
_COMPONENT = HEADER + "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n"

UP = "../../.."
"""From ``<region>/<cluster>/<part>`` to the platform's overlays."""


def facts_name(part: str) -> str:
    """Parts meet in the build above them, where two generated ConfigMaps of one name would collide."""
    return f"facts-{part}"


def listing(resources: Iterable[str]) -> str:
    """A kustomization that lists resources and does nothing else."""
    return _KUSTOMIZATION + "resources:\n" + "".join([f"- {resource}\n" for resource in resources])


def facts_component(stack: Stack) -> str:
    """``components/<facet>-facts``: from each fact to the fields of the base that carry it."""
    source = facts_name(stack.facet.part)
    lines = [_COMPONENT, "replacements:\n"]
    for fact, fields in stack.bindings.items():
        field = flow_text(f"data.{_field_step(fact)}")
        lines.append(f"- source: {{kind: ConfigMap, name: {source}, fieldPath: {field}}}\n  targets:\n")
        by_object: dict[Identity, list[Path]] = {}
        for identity, path in fields:
            by_object.setdefault(identity, []).append(path)
        for identity, paths in by_object.items():
            lines.append(f"  - select: {_selector(identity)}\n    fieldPaths:\n")
            lines += [f"    - {scalar_text('.'.join(map(_field_step, path)))}\n" for path in paths]
    return "".join(lines)


def layer_component(stacks: Iterable[Stack], layer: str) -> str:
    """``components/<part>-<layer>``: what one selector changes, once for every cluster it reaches.

    One for all facets of a part: kustomize merges every resource anew for each component. A patch of a facet that a cluster
    does not have finds no target, which is no error.
    """
    changed = [change for stack in stacks for change in zip(stack.facet.base, stack.layers.get(layer, ()), strict=False)]
    return _COMPONENT + patches_text([(obj.identity, tuple(map(unbound, ops))) for obj, ops in changed if ops])


class Overlay:
    """The text of one part's kustomization, shared by every cluster that differs in facts alone."""

    def __init__(self, part: str, resources: Sequence[str], components: Sequence[str], facts: Sequence[str],
                 unbindable: frozenset[str], patches: Sequence[Patch]) -> None:
        pieces: list[Piece] = [listing(resources)]
        if facts:
            pieces += _facts_generator(part, facts, unbindable)
        if components:
            pieces.append("components:\n" + "".join([f"- {component}\n" for component in components]))
        pieces += _patches(patches)
        self._pieces = joined(pieces)

    def text(self, facts: Mapping[str, Scalar]) -> str:
        """The file for the cluster that ``facts`` describes."""
        return "".join([piece if type(piece) is str else piece.form(facts[piece.fact]) for piece in self._pieces])  # type: ignore[union-attr]


def _facts_generator(part: str, facts: Sequence[str], unbindable: frozenset[str]) -> list[Piece]:
    pieces: list[Piece] = [
        f"configMapGenerator:\n- name: {facts_name(part)}\n",
        '  options: {disableNameSuffixHash: true, annotations: {config.kubernetes.io/local-config: "true"}}\n',
        "  literals:\n",
    ]
    for fact in facts:
        # The components read every fact. One that cannot be bound here stays the sentinel until this overlay's patch.
        value = SENTINEL if fact in unbindable else Open(fact, _literal)
        pieces += (f'  - "{fact}=', value, '"\n')
    return pieces


def _literal(value: Scalar) -> str:
    return str(value)


def patches_text(patches: Sequence[Patch]) -> str:
    """The ``patches`` of a kustomization; raises EmitError if a fact is left open in them."""
    pieces = joined(_patches(patches))
    if any(type(piece) is not str for piece in pieces):
        raise EmitError("a fact in a patch that clusters share")
    return "".join(map(str, pieces))


def _patches(patches: Sequence[Patch]) -> list[Piece]:
    """Objects of one kind that one patch makes share it: kustomize matches every patch with every resource."""
    alike: dict[tuple[Identity, tuple[Piece, ...]], list[str]] = {}
    for identity, ops in patches:
        text: list[Piece] = []
        for op in ops:
            _refuse_identity(identity, op)
            text += op_pieces(op, "    ")
        alike.setdefault((identity._replace(name=""), tuple(joined(text))), []).append(identity.name)
    pieces: list[Piece] = ["patches:\n"] if patches else []
    for (kind, patch), names in alike.items():
        pieces += (f"- target: {_target(kind, names)}\n  patch: |-\n", *patch)
    return pieces


def _refuse_identity(identity: Identity, op: Op) -> None:
    """Identity is equal in base, layers and overlay; a patch that changed it would move an object, silently."""
    if op.path in ((), ("apiVersion",), ("kind",), ("metadata",), ("metadata", "name"), ("metadata", "namespace")):
        raise EmitError(f"{identity}: a patch of {'/'.join(map(str, op.path)) or 'the whole object'}")


def _target(kind: Identity, names: Sequence[str]) -> str:
    # An empty group would mean any group.
    group = flow_text("^$") if not kind.group else kind.group
    said = [flow_text(_SPECIAL.sub(_backslash, name))[1:-1] for name in names]
    name = '"' + "|\\\n    ".join(said) + '"'  # one text: it goes on after the spaces of the line below a backslash
    return f"{{group: {group}, {_named(kind, name)}}}"


def _selector(identity: Identity) -> str:
    group = f"group: {identity.group}, " if identity.group else ""
    return f"{{{group}{_named(identity, flow_text(identity.name))}}}"


def _named(identity: Identity, name: str) -> str:
    namespace = f"namespace: {flow_text(identity.namespace)}, " if identity.namespace else ""
    return f"version: {identity.version}, kind: {identity.kind}, {namespace}name: {name}"


def _backslash(found: re.Match[str]) -> str:
    return "\\" + found[0]


def _field_step(step: str | int) -> str:
    return str(step).replace(".", "\\.")
