"""What takes a Pod out of its sandbox, or gives an account the whole cluster, written by hand: patches and manifests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..diagnostics import Diagnostic, Severity, SpecPath, parse_path
from .context import Context
from .escapes import leaves

HOST = ("privileged", "hostNetwork", "hostPID", "hostIPC")
CAPABILITIES = frozenset(
    ("AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP", "SETGID",
     "SETPCAP", "SETUID", "SYS_CHROOT")
)  # fmt: skip
"""What a container may add at Pod Security level baseline (Kubernetes documentation, "Pod Security Standards")."""
_ENFORCED = "the team's namespace enforces Pod Security level baseline: Pods with this field are refused"
_HELP = "remove it; a driver or device belongs to the node, not to the Pod"


def patches(context: Context) -> Iterator[Diagnostic]:
    """A patch may not take a Pod out of its sandbox: its namespace would refuse the Pod."""
    for name, service in context.platform.serving.items():
        for i, patch in enumerate(service.patches):
            for field, value in patch.set.items():
                at: SpecPath = ("serving", name, "patches", i, "set", field)
                what = next((said for _, said in _outside(value, _steps(field))), None)
                if what is not None:
                    yield context.finding("SEC111", f"a patch of {name} sets {what}", at, key=True, notes=(_ENFORCED,), help=_HELP)


def manifests(context: Context) -> Iterator[Diagnostic]:
    """The same of a manifest: whatever kind it is of, its Pods are created in the team's namespace."""
    for i, extra in enumerate(context.platform.extra_resources):
        for at, pod in _pods(extra.manifest, ("extraResources", i, "manifest")):
            for path, what in _outside(pod, at):
                message = f"a Pod of {extra.manifest.get('kind')} sets {what}"
                yield context.finding("SEC111", message, path, key=True, notes=(_ENFORCED,), help=_HELP)


def bindings(context: Context) -> Iterator[Diagnostic]:
    """An account with cluster-admin is as good as every account: with it a Pod's fault is the cluster's."""
    for i, extra in enumerate(context.platform.extra_resources):
        role = extra.manifest.get("roleRef")
        if extra.manifest.get("kind") not in ("RoleBinding", "ClusterRoleBinding") or not isinstance(role, dict):
            continue
        if role.get("name") == "cluster-admin" and role.get("kind") == "ClusterRole":
            yield context.finding(
                "SEC111",
                f"a {extra.manifest['kind']} of team {extra.team} gives cluster-admin",
                ("extraResources", i, "manifest", "roleRef", "name"),
                severity=Severity.WARNING,
                help="a Role that names the verbs and resources that are needed",
            )


def _steps(field: str) -> SpecPath:
    try:
        return parse_path(field)
    except ValueError:  # applying the patch says so
        return ()


def _pods(node: Any, at: SpecPath) -> Iterator[tuple[SpecPath, dict[str, Any]]]:
    """The Pod specs of an object: maps that list containers."""
    if isinstance(node, dict):
        if isinstance(node.get("containers"), list):
            yield at, node
            return
        for key, item in node.items():
            yield from _pods(item, (*at, key))
    elif isinstance(node, list):
        for i, item in enumerate(node):
            yield from _pods(item, (*at, i))


def _outside(node: Any, at: SpecPath) -> Iterator[tuple[SpecPath, str]]:
    """The fields at and below ``at`` that level baseline refuses, each once, with what it says."""
    told: set[SpecPath] = set()
    for path, value in leaves(node, at):
        if (found := _refused(path, value)) is not None and found[0] not in told:
            told.add(found[0])
            yield found


def _refused(path: SpecPath, value: Any) -> tuple[SpecPath, str] | None:
    if value is None or value is False:
        return None
    names = [step for step in path if isinstance(step, str)]
    last = names[-1] if names else ""
    if last in HOST:
        return path, last
    if "hostPath" in names:
        return path[: path.index("hostPath") + 1], "hostPath"
    if names[-2:] == ["capabilities", "add"] and isinstance(value, str) and value not in CAPABILITIES:
        return path, f"capability {value}"
    if last == "hostPort" and value != 0:
        return path, f"hostPort {value}"
    if names[-2:] == ["seccompProfile", "type"] and value == "Unconfined":
        return path, "seccompProfile Unconfined"
    return (path, "procMount Unmasked") if last == "procMount" and value == "Unmasked" else None
