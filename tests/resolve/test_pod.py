"""What a server's Pod asks for: host memory behind the KV cache, the file cache of all that is mounted."""

from __future__ import annotations

import pytest
from inferspec.resolve.fleet import Fleet
from inferspec.resolve.memory import GIB
from inferspec.resolve.settings import WorkloadKey
from inferspec.resolve.workload import Workload

from tests import line

CONNECTOR = '{"kv_connector":"OffloadingConnector","kv_role":"kv_both","kv_connector_extra_config":{"cpu_bytes_to_use":3221225472}}'


def chat(settings: dict[str, object]) -> Workload:
    spec = line.data("quickstart")
    spec["serving"]["chat"] |= settings
    fleet: Fleet = line.resolved(line.written(spec))
    return fleet.workload_at(WorkloadKey("chat", None), fleet.places[0])


@pytest.mark.parametrize(
    ("flags", "gib"),
    [({}, 0), ({"kv-offloading-size": 4}, 4), ({"kv-offloading-size": 2.5}, 3), ({"kv-transfer-config": CONNECTOR}, 3)],
)
def test_what_the_kv_cache_spills_into_is_asked_for(flags: dict[str, object], gib: int) -> None:
    plain, told = chat({}), chat({"flags": flags})
    assert told.pod.server_bytes - plain.pod.server_bytes == gib * GIB
    assert str(told.pod.memory.v) == f"{told.pod.server_bytes // GIB}Gi"
    assert int(told.pod.shm.v) == int(plain.pod.shm.v) + gib, "it is a file in /dev/shm"


@pytest.mark.parametrize(("size", "gib"), [(4, 4), (8, 8), (0, 0)])
def test_sglang_keeps_further_kv_cache_in_host_memory(size: int, gib: int) -> None:
    flags: list[dict[str, object]] = [{}, {"hicache-size": size}]
    plain, told = (chat({"engine": "sglang", "flags": {"enable-hierarchical-cache": True, **more}}) for more in flags)
    assert told.pod.server_bytes - plain.pod.server_bytes == gib * GIB


def test_the_file_cache_holds_the_model_and_each_adapter() -> None:
    plain = chat({})
    one = chat({"adapters": {"sql": {"source": "gs://acme/sql", "revision": "r1", "rank": 16}}})
    assert plain.pod.fused_bytes == plain.weights
    assert one.pod.fused_bytes == plain.weights + GIB


def test_a_streamed_model_needs_no_file_cache() -> None:
    streamed = chat({"read": "run-ai-streamer"})
    assert (streamed.pod.fused_bytes, streamed.pod.sidecar_bytes, streamed.mounts.mounted) == (0, 0, ())
