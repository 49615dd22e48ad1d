"""A publication is whole or absent, and done once. On fake-gcs-server, with the official client."""

from __future__ import annotations

import hashlib
import json

import pytest

from tests.weights.conftest import PUBLISHED, Bench, model, safetensors


def test_every_file_then_the_manifest(bench: Bench) -> None:
    assert bench.publish() == 0, bench.err
    assert bench.whole()
    said = bench.manifest()
    assert (said["apiVersion"], said["kind"]) == ("inferspec/v1alpha1", "ModelManifest")
    assert (said["source"], said["revision"]) == ("hf://Acme/Tiny", bench.revision)
    objects = bench.objects()
    assert said["files"] == {
        name: {"bytes": len(bench.files[name]), "crc32c": objects[name]["crc32c"], "sha256": said["files"][name]["sha256"]}
        for name in PUBLISHED
        if not name.startswith("inferspec-")
    }
    assert said["bytes"] == sum(file["bytes"] for file in said["files"].values())
    last = max(objects.values(), key=lambda item: int(item["generation"]))
    assert last["name"].endswith("/inferspec-manifest.json")


def test_progress_and_a_last_line(bench: Bench) -> None:
    assert bench.publish() == 0
    assert "model-00001-of-00002.safetensors 439.6 KiB uploaded: " in bench.err
    assert "6/6 files, 879.5 KiB of 879.5 KiB" in bench.err
    assert bench.out.startswith(f"hf://Acme/Tiny at {bench.revision}: 6 files, 879.5 KiB in {bench.target} (6 uploaded, 0 there already;")
    assert not list(bench.scratch.iterdir()), "scratch is empty when all is published"


def test_the_second_run_does_nothing_and_asks_no_source(bench: Bench) -> None:
    assert bench.publish() == 0
    before = {name: item["generation"] for name, item in bench.objects().items()}
    bench.hub.files.clear()
    assert bench.publish() == 0, bench.err
    assert "complete already, nothing to do" in bench.out
    assert {name: item["generation"] for name, item in bench.objects().items()} == before


def test_the_same_content_gives_the_same_manifest(bench: Bench) -> None:
    assert bench.publish() == 0
    first, bucket = bench.content("inferspec-manifest.json"), bench.bucket
    bench.bucket = f"{bucket}-again"
    from tests.weights.conftest import ask

    assert ask(bench.server, "POST", "/storage/v1/b?project=p", {"name": bench.bucket})[0] == 200
    assert bench.publish("--workers", "1") == 0
    assert bench.content("inferspec-manifest.json") == first


@pytest.mark.parametrize("revision", ["main", "v1", "", "dcc83ea", "DCC83EA841AB6100D6B47A070329E1BA4CF78752"])
def test_a_revision_that_can_move_is_refused(bench: Bench, revision: str) -> None:
    assert bench.publish("--revision", revision) == 2
    assert "can move" in bench.err and bench.hub.asked == [] and bench.objects() == {}


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("gs://b-1", "no folder"),
        ("gs://b-1/", "no folder"),
        ("s3://b-1/x", "no folder"),
        ("gs://b-1/a/../b", "no folder"),
        ("gs://b-1/a//b", "no folder"),
        ("gs://b-1/Acme/Tiny", "acme/tiny"),
    ],
)
def test_a_target_is_a_lower_case_folder(bench: Bench, target: str, says: str) -> None:
    assert bench.publish("--to", target) == 2
    assert says in bench.err


@pytest.mark.parametrize(
    "source", ["Acme/Tiny", "hf://Tiny", "hf://Acme/Tiny/x", "ftp://a/b", "kaggle://a/b/c/d/latest", "https://x/y.tar"]
)
def test_a_source_is_pinned_and_of_a_known_form(bench: Bench, source: str) -> None:
    assert bench.publish("--source", source) == 2
    assert bench.objects() == {}


def test_there_is_no_such_revision_or_repository(bench: Bench) -> None:
    assert bench.publish("--revision", "0" * 40) == 3
    assert "has no revision 0000" in bench.err
    assert bench.publish("--source", "hf://acme/nothing") == 2
    assert "needs a token" in bench.err
    assert bench.objects() == {}


def test_there_is_no_such_bucket(bench: Bench) -> None:
    assert bench.publish("--to", "gs://no-such-bucket/acme/tiny") == 3
    assert "no bucket no-such-bucket" in bench.err


def test_a_gated_model_is_told_once_and_not_tried_again(bench: Bench, tmp_path_factory: pytest.TempPathFactory) -> None:
    bench.hub.gated.add("Acme/Tiny")
    assert bench.publish("--workers", "1") == 2
    assert bench.err.count("is gated: accept its licence on the model's page") == 1
    assert len([asked for asked in bench.hub.asked if "/resolve/" in asked]) == 1
    token = tmp_path_factory.mktemp("token") / "token"
    token.write_text("wrong\n")
    assert bench.publish("--token-file", str(token), "--workers", "1") == 2
    assert "this token's account has not" in bench.err
    token.write_text("letmein\n")
    assert bench.publish("--token-file", str(token)) == 0, bench.err
    assert bench.whole()


def test_a_token_file_that_is_not_there(bench: Bench) -> None:
    assert bench.publish("--token-file", "/nowhere/token") == 2
    assert "cannot read the token file /nowhere/token" in bench.err


def test_other_formats_on_request(bench: Bench) -> None:
    assert bench.publish("--all-formats") == 0, bench.err
    assert {"original/consolidated.00.pth", "pytorch_model.bin"} < bench.objects().keys()


def test_a_repository_without_safetensors_keeps_what_it_has(bench: Bench) -> None:
    bench.revision = bench.hub.add("Acme/Tiny", {"config.json": b"{}", "pytorch_model.bin": b"b" * 5000})
    assert bench.publish() == 0
    assert "pytorch_model.bin" in bench.objects()


def test_patterns_narrow_and_take_away(bench: Bench) -> None:
    assert bench.publish("--include", "*.json", "--include", "L*", "--exclude", "model*") == 0
    assert sorted(bench.objects()) == ["LICENSE", "config.json", "inferspec-claim.json", "inferspec-manifest.json"]
    assert bench.publish("--include", "*.nothing") == 2
    assert "no file of the source's 9" in bench.err


def test_names_that_case_alone_tells_apart_are_refused(bench: Bench) -> None:
    bench.revision = bench.hub.add("Acme/Tiny", {"a.json": b"1", "A.json": b"2"})
    assert bench.publish() == 1
    assert "A.json and a.json differ in case alone" in bench.err and bench.objects() == {}
    assert bench.publish("--exclude", "A.json") == 0


@pytest.mark.parametrize("name", ["../up", "a/../b", "inferspec-manifest.json", "a\\b", "a\nb"])
def test_names_that_no_folder_holds_are_refused(bench: Bench, name: str) -> None:
    bench.revision = bench.hub.add("Acme/Tiny", {"config.json": b"{}", name: b"x"})
    assert bench.publish() == 1
    assert bench.objects() == {}


def test_an_index_that_names_more_than_there_is(bench: Bench) -> None:
    del bench.files["model-00002-of-00002.safetensors"]
    bench.revision = bench.hub.add("Acme/Tiny", bench.files)
    assert bench.publish() == 1
    assert "model.safetensors.index.json names model-00002-of-00002.safetensors, not there" in bench.err
    assert "inferspec-manifest.json" not in bench.objects()
    assert not any("resolve" in asked and "safetensors " in asked for asked in bench.hub.asked), "no weights were loaded for that"


def test_safetensors_that_end_early(bench: Bench) -> None:
    bench.revision = bench.hub.add("Acme/Tiny", {"model.safetensors": safetensors(5000)[:-1]})
    assert bench.publish() == 1
    assert "8 + header 106 + tensors 5,000 = 5,114 bytes, the file has 5,113" in bench.err
    assert "inferspec-manifest.json" not in bench.objects()


def test_a_prefix_with_another_revision_is_left_alone(bench: Bench) -> None:
    assert bench.publish() == 0
    target, before = bench.target, bench.objects()
    other = model()
    other["config.json"] = b'{"architectures": ["Other"]}'
    newer = bench.hub.add("Acme/Tiny", other)
    assert bench.publish("--revision", newer, "--to", target) == 1
    assert f"holds hf://Acme/Tiny at {bench.revision}; nothing is overwritten" in bench.err
    assert bench.objects() == before


def test_a_complete_prefix_is_not_added_to(bench: Bench) -> None:
    assert bench.publish() == 0
    before = bench.objects()
    assert bench.publish("--all-formats") == 1
    assert "is complete and has no original/consolidated.00.pth" in bench.err
    assert bench.publish("--include", "*.json") == 0, "what is asked for is there"
    assert bench.objects() == before


def test_a_complete_prefix_that_lost_an_object_is_damaged(bench: Bench) -> None:
    from tests.weights.conftest import ask

    assert bench.publish() == 0
    key = f"acme%2Ftiny%2F{bench.revision}%2Fconfig.json"
    assert ask(bench.server, "DELETE", f"/storage/v1/b/{bench.bucket}/o/{key}")[0] == 200
    assert bench.publish() == 1
    assert "damaged: config.json is not there" in bench.err and "config.json" not in bench.objects()


def test_what_an_earlier_job_published_is_complete(bench: Bench) -> None:
    """The Job's inline script wrote ``repository`` and no checksums."""
    files = {name: data for name, data in bench.files.items() if name in PUBLISHED}
    for name, data in files.items():
        bench.put(name, data)
    said = {"repository": "Acme/Tiny", "revision": bench.revision, "files": {name: {"bytes": len(data)} for name, data in files.items()}}
    bench.put("inferspec-manifest.json", json.dumps(said).encode())
    assert bench.publish() == 0, bench.err
    assert "complete already" in bench.out
    assert bench.run("models", "verify", bench.target) == 0


def test_objects_that_others_left_are_not_trusted(bench: Bench) -> None:
    """Half a file of the right name, another of the right size, and one that happens to be right."""
    shard = "model-00001-of-00002.safetensors"
    bench.put(shard, bench.files[shard][:1000])
    bench.put("config.json", b"x" * len(bench.files["config.json"]))
    bench.put("LICENSE", bench.files["LICENSE"])
    kept = bench.objects()["LICENSE"]["generation"]
    assert bench.publish() == 0, bench.err
    assert bench.whole()
    assert bench.objects()["LICENSE"]["generation"] == kept
    assert "5 uploaded, 1 there already" in bench.out


def test_scratch_that_cannot_hold_the_largest_file(bench: Bench) -> None:
    assert bench.publish("--scratch-gib", "0.0001") == 4
    assert "104.9 KiB" in bench.err or "104.8 KiB" in bench.err
    assert "the largest file has 439.6 KiB" in bench.err


def test_files_wait_for_room(bench: Bench) -> None:
    """Room for one shard at a time, four workers."""
    assert bench.publish("--scratch-gib", "0.00043", "--workers", "4") == 0, bench.err
    assert bench.whole()


def test_an_order_from_the_environment(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"SOURCE": "hf://Acme/Tiny", "REVISION": bench.revision, "TARGET": bench.target, "SCRATCH": str(bench.scratch),
                        "EXCLUDE": "*.txt LIC*", "WORKERS": "2", "CHUNK_MIB": "1"}.items():  # fmt: skip
        monkeypatch.setenv(f"MODEL_{name}", value)
    assert bench.run("models", "publish") == 0, bench.err
    assert "LICENSE" not in bench.objects() and "config.json" in bench.objects()


def test_an_order_that_is_not_one(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    assert bench.run("models", "publish") == 2 and "MODEL_SOURCE" in bench.err
    assert bench.run("models") == 2
    assert bench.publish("--workers", "0") == 2 and "workers is 0: 1 to 64" in bench.err
    monkeypatch.setenv("MODEL_WORKERS", "many")
    assert bench.publish() == 2 and "MODEL_WORKERS is 'many'" in bench.err


def test_metadata_alone_makes_no_object_trusted(bench: Bench) -> None:
    """It says which content was meant; the checksum that the server reports says whether that is what stands there."""
    meant = bench.files["config.json"]
    blob = hashlib.sha1(b"blob %d\0" % len(meant) + meant).hexdigest()
    said = {"inferspec-identity": f"git:{blob}", "inferspec-sha256": "0" * 64}
    bench.put("config.json", b"x" * len(meant), {**said, "inferspec-crc32c": "AAAAAA=="})
    assert bench.publish() == 0, bench.err
    assert bench.whole() and "6 uploaded, 0 there already" in bench.out
