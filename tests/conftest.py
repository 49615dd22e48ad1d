"""Fixtures that start the real parts. A part that is not built fails the test and says how to build it: nothing is skipped."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))

import real_parts

from tests.controlplane import ControlPlane
from tests.crd_seed import await_served, seed
from tests.scheduling import remove_nodes, start_scheduler


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--refresh", action="store_true", help="write what the golden cases and snapshots find as what they expect")


@pytest.fixture(scope="session")
def refresh(request: pytest.FixtureRequest) -> bool:
    """Whether golden files are to be written anew; look at their diff before it is committed."""
    return bool(request.config.getoption("--refresh"))


@pytest.fixture(scope="session")
def real_programs() -> Path:
    """The folder of etcd, kube-apiserver, kube-scheduler and kustomize 5.4.2."""
    try:
        for program in real_parts.PROGRAMS:
            real_parts.path(program.name)
    except FileNotFoundError as problem:
        pytest.fail(str(problem), pytrace=False)
    return real_parts.folder()


@pytest.fixture(scope="session")
def control_plane(real_programs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A real API server with every CRD we know installed. Shared by the session: use namespaces of your own, or dry runs."""
    archive, refused = seed(real_programs)
    plane = ControlPlane(real_programs, tmp_path_factory.mktemp("control-plane") / "run", archive)
    plane.start()
    try:
        plane.refused_crds = refused
        await_served(plane)
        yield plane
    finally:
        plane.stop()


@pytest.fixture(scope="session")
def _scheduler_runs(control_plane: ControlPlane) -> ControlPlane:
    start_scheduler(control_plane)
    return control_plane


@pytest.fixture
def scheduler(_scheduler_runs: ControlPlane) -> Iterator[ControlPlane]:
    """The control plane with a real kube-scheduler. It has no Nodes when a test starts, and loses them when it ends."""
    yield _scheduler_runs
    remove_nodes(_scheduler_runs)
