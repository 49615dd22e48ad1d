"""What a manifest says, and whether what stands beside it is so."""

from __future__ import annotations

import pytest
from inferspec.plan.views import weights as views
from inferspec.preflight.needs import needs
from inferspec.weights.bucket import parse_target
from inferspec.weights.manifest import MANIFEST, read_manifest

from tests import line
from tests.weights.conftest import Bench


def test_verify(bench: Bench) -> None:
    assert bench.run("models", "verify", bench.target) == 1
    assert "holds nothing" in bench.err
    bench.put("config.json", b"{}")
    assert bench.run("models", "verify", bench.target) == 1
    assert "1 objects and no manifest" in bench.err
    assert bench.publish() == 0
    assert bench.run("models", "verify", bench.target, "--revision", bench.revision) == 0, bench.out
    assert "complete; hf://Acme/Tiny" in bench.out
    assert bench.run("models", "verify", bench.target, "--revision", "0" * 40) == 1
    shard = "model-00002-of-00002.safetensors"
    bench.put(shard, bench.files[shard][:-10])
    assert bench.run("models", "verify", bench.target) == 1
    assert f"{shard} has 450,189 bytes, not 450,199" in bench.out
    assert f"{shard}: 8 + header 191 + tensors 450,000 = 450,199 bytes, the file has 450,189" in bench.out


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"{}",
        b'{"files": {"a": 1}, "revision": "x", "source": "y"}',
        b'{"files": {"a": {"bytes": 1}}, "bytes": 2, "revision": "x", "source": "y"}',
    ],
)
def test_a_manifest_that_is_none(bench: Bench, text: bytes) -> None:
    bench.put("inferspec-manifest.json", text)
    assert bench.publish() == 1
    assert bench.run("models", "verify", bench.target) == 1
    assert "inferspec-manifest.json" in bench.err
    assert list(bench.objects()) == ["inferspec-manifest.json"]


@pytest.mark.parametrize("name", ["quickstart", "platform", "reference"])
def test_the_compiler_s_folders_are_targets(name: str) -> None:
    """What servers read is what a publication writes: the same prefix, the same name of the manifest."""
    fleet = line.fleet(name)
    models = needs(fleet, fleet.places).models.values()
    assert [parse_target(need.target) for need in models] == [(need.bucket, need.artefact.folder.v) for need in models]
    assert views.MANIFEST == MANIFEST and len(models) > 0


def test_a_manifest_reads_as_it_was_written(bench: Bench) -> None:
    assert bench.publish() == 0
    text = bench.content("inferspec-manifest.json")
    assert read_manifest(text, "x").text().encode() == text
