"""Names the compiler gives, and the limits it keeps: checks compare the spec with them, plans emit them."""

from __future__ import annotations

from ..names import truncate_with_hash

GATEWAY_NAMESPACE = "inference-gateway"

WORKLOAD_NAME_LIMIT = 45
"""The longest suffix (``-autoscaling``) and a Pod's own suffix must still fit 63 characters."""

ROOT_SYNC_NAME_LIMIT = 38
"""63 characters of a label less its prefix ``config-management-system_`` (Config Sync, RootSync validation)."""


def workload_name(service: str, variant: str | None) -> str:
    return truncate_with_hash(service if variant is None else f"{service}-{variant}", WORKLOAD_NAME_LIMIT)


def prefill_name(front: str) -> str:
    """Of the servers that read prompts for those called ``front``."""
    return truncate_with_hash(f"{front}-prefill", WORKLOAD_NAME_LIMIT)


def canary_name(front: str) -> str:
    """Of the servers that take a share of the requests of those called ``front``."""
    return truncate_with_hash(f"{front}-canary", WORKLOAD_NAME_LIMIT)


def own_address(gateway: str, cluster: str) -> str:
    """Of the reserved address that a gateway has in one cluster (Compute Engine, addresses: 63 characters)."""
    return truncate_with_hash(f"{cluster}-{gateway}", 63)


def address_fact(gateway: str) -> str:
    """The fact of a cluster that holds it."""
    return f"address-{gateway}"


def objective_name(called: str, objective: str) -> str:
    """Of the InferenceObjective that requests name by header; ``called`` is Fleet.called of the pool."""
    return f"{called}-{objective}"


def writer_name(model: str) -> str:
    """Of what gets a model's weights: the Job, its service account, its directory."""
    return truncate_with_hash(f"{model}-weights", WORKLOAD_NAME_LIMIT)
