"""Memory and scratch stay bounded, and of two orders at once for one prefix only one is published."""

from __future__ import annotations

import subprocess
import sys
import threading
from threading import Event

import pytest
from inferspec.weights.errors import Interrupted
from inferspec.weights.space import Space

from tests import line
from tests.weights.conftest import Bench, safetensors

MIB = 1 << 20


MEASURED = """
import sys, tracemalloc
from inferspec.cli import main
tracemalloc.start()
code = main(sys.argv[1:])
print(tracemalloc.get_traced_memory()[1])
sys.exit(code)
"""


def peak(bench: Bench, size: int) -> int:
    """Bytes that Python objects took at most while one file of ``size`` bytes was published."""
    bench.revision = bench.hub.add("Acme/Tiny", {"config.json": b"{}", "model.safetensors": safetensors(size)})
    command = [sys.executable, "-c", MEASURED, *bench.arguments("--chunk-mib", "4", "--workers", "1")]
    done = subprocess.run(command, env=line.surroundings(bench.environment()), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return int(done.stdout.splitlines()[-1])


def test_memory_does_not_grow_with_the_file(bench: Bench) -> None:
    small, large = peak(bench, 100_000), peak(bench, 48 * MIB)
    assert large - small < 12 * MIB, f"{small / MIB:.0f} MiB, then {large / MIB:.0f} MiB"


def test_files_in_flight_never_take_more_than_the_room() -> None:
    room, most, lock = Space(100, Event()), [0, 0], threading.Lock()

    def hold() -> None:
        for _ in range(200):
            with room.held(40):
                with lock:
                    most[0] += 40
                    most[1] = max(most)
                with lock:
                    most[0] -= 40

    threads = [threading.Thread(target=hold) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert 40 <= most[1] <= 100 and room.used == 0


def test_waiting_for_room_ends_with_a_stop() -> None:
    stop = Event()
    room = Space(100, stop)
    with room.held(80):
        threading.Timer(0.05, stop.set).start()
        with pytest.raises(Interrupted), room.held(80):
            pytest.fail("there was no room")


def test_two_orders_at_once_for_one_prefix(bench: Bench) -> None:
    """Other files each: the claim decides, whichever comes first, and what stands there is the winner's alone.

    Where the one with more files has ended before the other looks, the other has nothing to do.
    """
    ends = []
    first, second = bench.started(), bench.started("--all-formats", "--scratch", f"{bench.scratch}-2")
    for process in (first, second):
        with process:
            out, err = process.communicate(timeout=30)
            ends.append((process.returncode, out + err))
    listed = bench.manifest()["files"]
    refused = [said for code, said in ends if code == 1]
    if refused:
        assert sorted(code for code, _ in ends) == [0, 1], ends
        assert "is being filled with other content" in refused[0] or "nothing is overwritten" in refused[0]
    else:
        assert [code for code, _ in ends] == [0, 0] and "0 uploaded" in ends[0][1] and "pytorch_model.bin" in listed, ends
    assert set(bench.objects()) == {*listed, "inferspec-manifest.json", "inferspec-claim.json"}
    assert ("pytorch_model.bin" in listed) == (ends[1][0] == 0)
    assert all(bench.content(name) == bench.files[name] for name in listed)
