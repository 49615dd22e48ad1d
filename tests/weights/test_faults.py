"""After every fault nothing is lost and nothing half published; a rerun completes.

Cuts and continuing are shown on gcp-storage-emulator, conditions on generations on fake-gcs-server: neither does both.
"""

from __future__ import annotations

import signal
from collections.abc import Callable

import pytest

from tests.weights.conftest import Bench
from tests.weights.faults import Fault, Proxy

Proxied = Callable[[str], Proxy]
SHARD = "model-00001-of-00002.safetensors"


def hub_file(name: str) -> Callable[[str, str], bool]:
    return lambda method, path: method == "GET" and path.endswith(f"/{name}")


def chunk(method: str, path: str) -> bool:
    return method == "PUT" and "upload_id" in path


def unpublished(bench: Bench) -> bool:
    return "inferspec-manifest.json" not in bench.objects()


FROM_HUB = {
    "503": {"status": 503},
    "429": {"status": 429},
    "cut in the middle": {"cut": 100_000},
    "cut before the first byte": {"cut": 0},
    "refused": {"refused": True},
    "wrong bytes": {"change": lambda body: body[:-1] + b"?"},
    "short and well-formed": {"change": lambda body: body[: len(body) // 2]},
    "slow": {"pause": 0.002},
}


@pytest.mark.parametrize("fault", FROM_HUB)
def test_a_fault_between_the_hub_and_us_is_mended(bench: Bench, proxied: Proxied, fault: str) -> None:
    proxy = proxied(bench.hub.url)
    proxy.faults = [Fault(hub_file(SHARD), **FROM_HUB[fault])]
    bench.endpoint = proxy.url
    assert bench.publish() == 0, bench.err
    assert proxy.met == 1 and bench.whole()


def test_the_hub_s_own_answers_are_asked_again(bench: Bench, proxied: Proxied) -> None:
    proxy = proxied(bench.hub.url)
    proxy.faults = [
        Fault(lambda method, path: "/api/models/" in path, status=503),
        Fault(lambda method, path: "/tree/" in path, refused=True),
    ]
    bench.endpoint = proxy.url
    assert bench.publish() == 0, bench.err
    assert proxy.met == 2 and bench.whole()


def test_a_cut_download_goes_on_where_it_was_cut(bench: Bench, proxied: Proxied) -> None:
    proxy = proxied(bench.hub.url)
    proxy.faults = [Fault(hub_file(SHARD), times=2, cut=100_000)]
    bench.endpoint = proxy.url
    assert bench.publish() == 0, bench.err
    ranges = [asked.rpartition(" ")[2] for asked in bench.hub.asked if asked.startswith("GET") and SHARD in asked and "bytes=" in asked]
    assert ranges == ["bytes=100000-", "bytes=200000-"]


def test_a_hub_that_never_delivers_leaves_what_came_and_the_next_run_goes_on(bench: Bench, proxied: Proxied) -> None:
    proxy = proxied(bench.hub.url)
    proxy.faults = [Fault(hub_file(SHARD), cut=100_000), Fault(hub_file(SHARD), times=99, status=503)]
    bench.endpoint = proxy.url
    assert bench.publish() == 4
    assert "given up after 6 attempts" in bench.err and unpublished(bench)
    bench.endpoint, bench.hub.asked[:] = bench.hub.url, []
    assert bench.publish() == 0, bench.err
    assert bench.whole()
    assert f"GET /Acme/Tiny/resolve/{bench.revision}/{SHARD} HTTP/1.1" not in " ".join(bench.hub.asked)
    assert any(SHARD in asked and asked.endswith("bytes=100000-") for asked in bench.hub.asked)


def test_content_that_stays_wrong_is_never_published(bench: Bench, proxied: Proxied) -> None:
    proxy = proxied(bench.hub.url)
    proxy.faults = [Fault(hub_file(SHARD), times=9, change=lambda body: body[:-1] + b"?")]
    bench.endpoint = proxy.url
    assert bench.publish() == 1
    assert f"{SHARD} of hf://Acme/Tiny: sha256" in bench.err and unpublished(bench) and SHARD not in bench.objects()
    assert proxy.met == 2, "loaded once more, then refused"
    proxy.faults = []
    assert bench.publish() == 0 and bench.whole()


def test_a_small_file_is_held_to_its_git_id(bench: Bench, proxied: Proxied) -> None:
    proxy = proxied(bench.hub.url)
    proxy.faults = [Fault(hub_file("config.json"), times=9, change=lambda body: b"[" + body[1:])]
    bench.endpoint = proxy.url
    assert bench.publish() == 1
    assert "config.json of hf://Acme/Tiny: git id" in bench.err and unpublished(bench)


TO_BUCKET = {
    "503 to a chunk": Fault(chunk, times=2, status=503),
    "429 to a chunk": Fault(chunk, status=429),
    "a chunk that was refused": Fault(chunk, times=2, refused=True),
    "a chunk whose answer was lost": Fault(chunk, times=2, lost=True),
    "503 to the start of an upload": Fault(lambda method, path: "uploadType=resumable" in path and method == "POST", status=503),
    "503 to a list": Fault(lambda method, path: method == "GET" and "prefix=" in path, status=503),
    "a list that was cut": Fault(lambda method, path: method == "GET" and "prefix=" in path, cut=10),
    "503 to the claim": Fault(lambda method, path: "uploadType=multipart" in path, status=503),
}


@pytest.mark.parametrize("fault", TO_BUCKET)
def test_a_fault_between_us_and_the_bucket_is_mended(resuming: Bench, proxied: Proxied, fault: str) -> None:
    from dataclasses import replace

    proxy = proxied(resuming.server)
    proxy.faults = [replace(TO_BUCKET[fault])]
    resuming.storage = proxy.url
    assert resuming.publish() == 0, resuming.err
    assert proxy.met == TO_BUCKET[fault].times and resuming.whole()


def test_the_answer_to_the_manifest_is_lost(bench: Bench, proxied: Proxied) -> None:
    """It was written: the second attempt finds it, and that it is our own."""
    proxy = proxied(bench.server)
    multipart = lambda method, path: "uploadType=multipart" in path  # noqa: E731
    proxy.faults = [Fault(multipart, call=lambda: None), Fault(multipart, lost=True)]
    bench.storage = proxy.url
    assert bench.publish() == 0, bench.err
    assert proxy.met == 2 and bench.whole()


def test_an_upload_that_was_cut_goes_on_in_the_next_run(resuming: Bench, proxied: Proxied) -> None:
    """One quarter of a MiB is in the bucket when all ends; the next run sends the rest of it, not all."""
    resuming.files["model-00001-of-00002.safetensors"] = big = _big()
    resuming.revision = resuming.hub.add("Acme/Tiny", resuming.files)
    proxy = proxied(resuming.server)
    sent = [0]

    def third(method: str, path: str) -> bool:
        sent[0] += chunk(method, path)
        return chunk(method, path) and sent[0] > 2

    proxy.faults = [Fault(third, times=999, status=503)]
    resuming.storage = proxy.url
    only = ("--include", "model-00001*", "--workers", "1")
    assert resuming.publish(*only) == 4
    assert unpublished(resuming) and SHARD not in resuming.objects()
    proxy.faults, proxy.asked[:], resuming.hub.asked[:] = [], [], []
    assert resuming.publish(*only) == 0, resuming.err
    puts = [asked for asked in proxy.asked if asked.startswith("PUT")]
    starts = [asked for asked in proxy.asked if asked.startswith("POST") and "resumable" in asked]
    assert starts == [], "the session of the first run was taken over"
    assert len(puts) == 1 + (len(big) + 262143) // 262144 - 2, "one question, then what was missing"
    assert not any("GET" in asked and "/resolve/" in asked for asked in resuming.hub.asked), "the file was still on disk"
    assert resuming.content(SHARD) == big


def _big() -> bytes:
    from tests.weights.conftest import safetensors

    return safetensors(1_200_000)


def test_a_session_that_is_gone_is_begun_anew(resuming: Bench, proxied: Proxied) -> None:
    proxy = proxied(resuming.server)
    proxy.faults = [Fault(chunk, times=1, status=410)]
    resuming.storage = proxy.url
    assert resuming.publish("--workers", "1") == 0, resuming.err
    assert resuming.whole()


def test_a_denial_is_not_tried_again(bench: Bench, proxied: Proxied) -> None:
    proxy = proxied(bench.server)
    proxy.faults = [Fault(lambda method, path: "uploadType=resumable" in path, times=99, status=403)]
    bench.storage = proxy.url
    assert bench.publish("--workers", "1") == 2
    assert "writing objectUser" in bench.err and proxy.met == 1 and unpublished(bench)


def test_a_server_that_keeps_other_bytes_is_found_out(resuming: Bench, proxied: Proxied) -> None:
    """The CRC32C that the server reports of the object decides, not that the upload was accepted."""
    proxy = proxied(resuming.server)
    told = lambda method, path: method == "GET" and path.split("?")[0].endswith("config.json")  # noqa: E731

    def other(body: bytes) -> bytes:
        return body.replace(b'"crc32c": "', b'"crc32c": "AA').replace(b'"crc32c":"', b'"crc32c":"AA')

    proxy.faults = [Fault(told, times=99, change=other)]
    resuming.storage = proxy.url
    assert resuming.publish() == 1
    assert "config.json is 39 bytes, CRC32C AA" in resuming.err and "after 3 uploads of 39 bytes" in resuming.err
    assert unpublished(resuming)
    proxy.faults = []
    assert resuming.publish() == 0 and resuming.whole()


def test_an_object_that_changes_before_the_manifest(bench: Bench, proxied: Proxied) -> None:
    """Somebody overwrites an object after it was proven: the last list sees it."""
    proxy = proxied(bench.server)
    lists = [0]

    def last(method: str, path: str) -> bool:
        lists[0] += method == "GET" and "prefix=" in path
        return method == "GET" and "prefix=" in path and lists[0] == 2

    proxy.faults = [Fault(last, call=lambda: bench.put("config.json", b"x" * 39))]
    bench.storage = proxy.url
    assert bench.publish() == 1
    assert "changed while it was filled: config.json has CRC32C" in bench.err and unpublished(bench)
    assert bench.publish() == 0 and bench.whole()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_leaves_what_the_next_run_continues(resuming: Bench, proxied: Proxied, number: signal.Signals) -> None:
    proxy = proxied(resuming.hub.url)
    running = []
    proxy.faults = [Fault(hub_file(SHARD), pause=0.05, call=lambda: running[0].send_signal(number))]
    resuming.endpoint = proxy.url
    with resuming.started() as process:
        running.append(process)
        _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "the same command continues" in err and "Traceback" not in err and unpublished(resuming)
    resuming.endpoint = resuming.hub.url
    assert resuming.publish() == 0 and resuming.whole()


def test_a_kill_leaves_what_the_next_run_continues(resuming: Bench, proxied: Proxied) -> None:
    proxy = proxied(resuming.server)
    running = []
    proxy.faults = [Fault(chunk, times=99, call=lambda: running[0].kill())]
    resuming.storage = proxy.url
    with resuming.started() as process:
        running.append(process)
        process.communicate(timeout=20)
    assert process.returncode == -signal.SIGKILL and unpublished(resuming)
    resuming.storage = resuming.server
    assert resuming.publish() == 0 and resuming.whole()


# -- two writers ------------------------------------------------------------------------------------------------------


def test_two_writers_of_the_same_content_both_succeed(bench: Bench) -> None:
    first, second = bench.started(), bench.started("--scratch", f"{bench.scratch}-2")
    ends = [(process.communicate(timeout=30), process.returncode) for process in (first, second)]
    assert [code for _, code in ends] == [0, 0], ends
    assert bench.whole()


def test_a_writer_that_finds_the_others_manifest_compares_and_succeeds(bench: Bench, proxied: Proxied) -> None:
    """The other finishes while our last file is on its way."""
    proxy = proxied(bench.hub.url)
    other = Bench(bench.server, bench.hub, bench.scratch.with_name("other"), bench._capsys, bench._monkeypatch)
    other.bucket = bench.bucket
    codes = []

    def finish() -> None:
        with other.started() as process:
            process.communicate(timeout=20)
            codes.append(process.returncode)

    proxy.faults = [Fault(hub_file(SHARD), call=finish)]
    bench.endpoint = proxy.url
    assert bench.publish() == 0, bench.err
    assert codes == [0] and bench.whole()


def test_a_writer_of_other_content_stops_before_it_writes(bench: Bench, proxied: Proxied) -> None:
    """The same prefix, other files: the claim of the first is there."""
    proxy = proxied(bench.hub.url)
    proxy.faults = [Fault(hub_file(SHARD), times=99, status=503)]
    bench.endpoint = proxy.url
    assert bench.publish() == 4
    before = bench.objects()
    bench.endpoint = bench.hub.url
    assert bench.publish("--all-formats") == 1
    assert "is being filled with other content" in bench.err and bench.objects() == before
    assert bench.publish() == 0 and bench.whole()


def test_an_object_that_another_writer_makes_first_is_compared(bench: Bench, proxied: Proxied) -> None:
    """The upload meets 412: the same bytes are taken for ours, other bytes are replaced only at the generation that was seen."""
    proxy = proxied(bench.hub.url)
    proxy.faults = [
        Fault(hub_file("config.json"), call=lambda: bench.put("config.json", bench.files["config.json"])),
        Fault(hub_file("LICENSE"), call=lambda: bench.put("LICENSE", b"half")),
    ]
    bench.endpoint = proxy.url
    assert bench.publish("--workers", "1") == 0, bench.err
    assert "config.json 39 B was there" in bench.err and "LICENSE 6 B uploaded" in bench.err
    assert bench.whole()
