"""Measure inferspec, and the peers beside it, on fleets of the same work.

    ./dev bench [--clusters 10,100,1000] [--repeat 3] [--peers] [--log]

Prints a Markdown table: CPU seconds of the whole process tree (least of the repetitions), wall time (least, median), peak
memory, files written, and the goals with what was reached. --peers builds helm and jsonnet once. --log adds every run to
bench/results.jsonl.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import fleet
import meter
from meter import Sample, Summary

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench" / "results.jsonl"
INFERSPEC = (sys.executable, "-m", "inferspec")
SPEC = "specs/fleet.yaml"
BYTECODE = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(Path(tempfile.gettempdir(), f"inferspec-bench-{os.getpid()}"))}
"""An installed inferspec is compiled to bytecode; a checkout need not be."""

Row = tuple[str, int]
"""What was run, and over how many clusters."""

COLD = "compile"
SAME = "compile, nothing changed"
ONE = "compile, one override of one cluster edited"
ALL = "compile, one value of every cluster edited"
FRESH = "compile into an empty folder, builds proven before"
VET = "vet"
VERSION = "--version"
HELM, KUSTOMIZE, JSONNET = "helm template", "kustomize build", "jsonnet"


def measured(clusters: int, scratch: Path) -> Iterator[tuple[str, Sample]]:
    """One repetition of inferspec's rows, in one fresh folder with a fresh cache of proofs."""
    work = scratch / "work"
    env = {"PYTHONPATH": str(ROOT / "compiler"), "XDG_CACHE_HOME": str(scratch / "cache"), **BYTECODE}

    def run(*arguments: str) -> Sample:
        return meter.run([*INFERSPEC, *arguments], cwd=work, env=env, watch=work)

    fleet.write_spec(work, clusters)
    yield VERSION, run("--version")
    yield VET, run("vet", "-f", SPEC, "--fail-on", "error")
    yield COLD, run("compile", "-f", SPEC)
    yield SAME, run("compile", "-f", SPEC)
    fleet.write_spec(work, clusters, own_max=7)
    yield ONE, run("compile", "-f", SPEC)
    fleet.write_spec(work, clusters, own_max=7, seqs=65)
    yield ALL, run("compile", "-f", SPEC)
    shutil.rmtree(work)
    fleet.write_spec(work, clusters)
    yield FRESH, run("compile", "-f", SPEC)


def compared(clusters: int, scratch: Path, tools: dict[str, Path]) -> Iterator[tuple[str, Sample]]:
    """One repetition of the peers, computing only: what they make is thrown away. Two at a time where a cluster is a process."""
    for name, write in fleet.PEERS.items():
        write(scratch / name, clusters)
    names = " ".join(fleet.fields(i)["cluster"] for i in range(clusters))
    each = f"printf '%s\\n' {names} | xargs -P 2 -I @ "
    env = {"HOME": str(scratch), "PATH": os.environ.get("PATH", os.defpath)}
    helm, kustomize = f"{tools['helm']} template @ chart -f values/@.yaml", f"{tools['kustomize']} build overlays/@"
    for row, folder, command in ((HELM, "helm", helm), (KUSTOMIZE, "kustomize", kustomize)):
        script = scratch / folder / "all.sh"
        script.write_text(f"{each}{command}\n", encoding="utf-8")
        yield row, meter.run(["sh", script], cwd=scratch / folder, env=env)
    yield JSONNET, meter.run([tools["jsonnet"], "fleet.jsonnet"], cwd=scratch / "jsonnet", env=env)


def gather(sizes: list[int], repeat: int, tools: dict[str, Path] | None, log: bool) -> dict[Row, list[Sample]]:
    """Every row ``repeat`` times: all of them once, then all again, so that a busy minute does not hit one row alone."""
    found: dict[Row, list[Sample]] = {}
    with tempfile.TemporaryDirectory(prefix="inferspec-bench-") as scratch:
        list(measured(10, Path(scratch)))  # fills the bytecode
    for number in range(repeat):
        for clusters in sizes:
            _progress(f"repetition {number + 1} of {repeat}, {clusters} clusters")
            parts: list[Callable[[int, Path], Iterator[tuple[str, Sample]]]] = [measured]
            if tools is not None:
                parts.append(lambda n, path: compared(n, path, tools))
            for part in parts:
                with tempfile.TemporaryDirectory(prefix="inferspec-bench-") as scratch:
                    for name, sample in part(clusters, Path(scratch)):
                        found.setdefault((name, clusters), []).append(sample)
                        if log:
                            _log(name, clusters, sample)
    return found


def _log(name: str, clusters: int, sample: Sample) -> None:
    entry = {"at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "row": name, "clusters": clusters, **sample.row()}
    with RESULTS.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(entry) + "\n")


def _progress(line: str) -> None:
    print(f"bench: {line}", file=sys.stderr, flush=True)


# -- what it means -----------------------------------------------------------------------------------------------------------


def table(found: dict[Row, Summary]) -> Iterator[str]:
    yield "| clusters | command | CPU s | wall s (median) | peak MB | files written |"
    yield "|---:|---|---:|---:|---:|---:|"
    for (name, clusters), s in sorted(found.items(), key=lambda item: item[0][1]):
        yield f"| {clusters:,} | {name} | {s.cpu:.3f} | {s.wall:.3f} ({s.wall_median:.3f}) | {s.rss:.0f} | {s.files:,} |"


def goals(found: dict[Row, Summary]) -> Iterator[str]:
    """Every goal whose figures were measured: what, goal, reached, met or not."""
    yield "| goal | at most | reached | |"
    yield "|---|---:|---:|---|"
    for what, most, reached, unit in _goals(found):
        yield f"| {what} | {most:g}{unit} | {reached:.3g}{unit} | {'met' if reached <= most else '**not met**'} |"


def _goals(found: dict[Row, Summary]) -> Iterator[tuple[str, float, float, str]]:
    def have(*rows: Row) -> bool:
        return all(row in found for row in rows)

    full, one = (COLD, 1000), (ONE, 1000)
    if have(full):
        yield "full compile of 1,000 clusters, CPU", 3, found[full].cpu, " s"
        yield "full compile of 1,000 clusters, wall", 2, found[full].wall, " s"
        yield "full compile of 1,000 clusters, largest process", 300, found[full].rss, " MB"
        for peer, part in ((HELM, 12), (KUSTOMIZE, 10), (JSONNET, 2)):
            if have((peer, 1000)):
                yield f"full compile against {peer}, CPU, 1/{part}", round(1 / part, 3), found[full].cpu / found[peer, 1000].cpu, ""
    if have((FRESH, 1000)):
        yield "the same with builds proven before, CPU", 3, found[FRESH, 1000].cpu, " s"
    if have(one, full):
        yield "one-line edit of 1,000 clusters, wall", 0.5, found[one].wall, " s"
        yield "one-line edit against the full compile, CPU, 1/10", 0.1, found[one].cpu / found[full].cpu, ""
        for peer, part in ((HELM, 50), (JSONNET, 10)):
            if have((peer, 1000)):
                yield f"one-line edit against all of {peer}, CPU, 1/{part}", 1 / part, found[one].cpu / found[peer, 1000].cpu, ""
    if have((COLD, 100), full):
        yield "full compile, growth from 100 to 1,000 clusters, CPU", 11, found[full].cpu / found[COLD, 100].cpu, "x"
    if have((VET, 10)):
        yield "vet of 10 clusters, wall", 0.2, found[VET, 10].wall, " s"
        if have((HELM, 10)):
            yield "vet of 10 clusters against helm template, CPU, 1/2", 0.5, found[VET, 10].cpu / found[HELM, 10].cpu, ""
        yield "--version, wall", 0.04, found[VERSION, 10].wall, " s"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="./dev bench", description="measure inferspec and its peers on fleets of the same work")
    parser.add_argument("--clusters", metavar="N,N", default="10,100,1000", help="sizes of fleet (10,100,1000)")
    parser.add_argument("--repeat", metavar="N", type=int, default=3, help="repetitions of every row (3)")
    parser.add_argument("--peers", action="store_true", help="helm, kustomize and jsonnet too; the first time builds two of them")
    parser.add_argument("--log", action="store_true", help="add every run to bench/results.jsonl")
    options = parser.parse_args(arguments)
    sizes = [int(part) for part in options.clusters.split(",")]
    tools = None
    if options.peers:
        import peers

        tools = peers.paths()
        amount = fleet.measure()
        if not amount.items() >= fleet.EXPECTED.items():
            sys.exit(f"bench: the peers' fleet is not what it should be: {amount}")
        print("Peers, in each cluster: " + ", ".join(f"{number:,} {what}" for what, number in amount.items()) + ".\n")
    try:
        found = {row: meter.summary(samples) for row, samples in gather(sizes, options.repeat, tools, options.log).items()}
    finally:
        shutil.rmtree(BYTECODE["PYTHONPYCACHEPREFIX"], ignore_errors=True)
    print("\n".join([*table(found), "", *goals(found)]))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except meter.Failed as problem:
        sys.exit(f"bench: {problem}")
