"""Files on disk: ours and only ours, all of them or none."""

from __future__ import annotations

import errno
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from inferspec.emit import journal
from inferspec.emit.strays import strays
from inferspec.emit.tree import Tree, render_tree
from inferspec.emit.write import Planned, WriteError, WriteResult, read_inventory, tree_inventory, write_tree

from .fleet import SITES, Fleet

OLD = render_tree(Fleet(sites=SITES[:3]).plan())
NEW = render_tree(Fleet(sites=(replace(SITES[1], own={"replicas": 3}), *SITES[2:4]), fleet={"note": "new"}).plan())
BASE = "overlays/acme/base/chat/objects.yaml"


def on_disk(root: Path) -> dict[str, str]:
    return {path.relative_to(root).as_posix(): path.read_text() for path in root.rglob("*") if path.is_file()}


def directories(root: Path) -> set[Path]:
    return {path for path in root.rglob("*") if path.is_dir()}


@pytest.fixture
def written(tmp_path: Path) -> Path:
    write_tree(OLD, tmp_path)
    return tmp_path


def test_creates_then_changes_nothing(tmp_path: Path) -> None:
    first = write_tree(OLD, tmp_path)
    assert set(first.created) == set(OLD) and on_disk(tmp_path) == dict(OLD)
    times = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    again = write_tree(OLD, tmp_path)
    assert set(again.unchanged) == set(OLD) and not again.stale
    assert times == {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}


def test_writes_what_differs_and_deletes_what_is_no_longer_made(written: Path) -> None:
    (written / "README.md").write_text("mine")
    (written / "overlays/acme/us-central1/usc1-prod/notes.txt").write_text("mine")
    result = write_tree(NEW, written)
    assert on_disk(written) == {**NEW, "README.md": "mine", "overlays/acme/us-central1/usc1-prod/notes.txt": "mine"}
    assert set(result.deleted) == OLD.keys() - NEW.keys() and set(result.created) == NEW.keys() - OLD.keys()
    assert set(result.changed) == {path for path in OLD.keys() & NEW.keys() if OLD[path] != NEW[path]}
    assert not (written / "overlays/acme/us-central1/usc1-canary").exists()
    assert all(any(directory.iterdir()) for directory in directories(written))


def test_a_dry_run_writes_nothing(written: Path) -> None:
    before = on_disk(written)
    result = write_tree(NEW, written, dry_run=True)
    assert result.stale and on_disk(written) == before
    assert write_tree(NEW, written) == result


def test_an_edited_file_is_refused_with_all_others(written: Path) -> None:
    deleted = "overlays/acme/us-central1/usc1-canary/search/kustomization.yaml"
    for path in (BASE, deleted):
        (written / path).write_text("edited")
    before = on_disk(written)
    result = write_tree(NEW, written)
    assert [refusal.path for refusal in result.refused] == [BASE, deleted] and "edited by hand" in result.refused[0].reason
    assert on_disk(written) == before
    assert not write_tree(NEW, written, force=True).refused and on_disk(written) == dict(NEW)


def test_an_edit_of_an_unchanged_file_is_refused_too(written: Path) -> None:
    (written / BASE).write_text("edited")
    assert [refusal.path for refusal in write_tree(OLD, written).refused] == [BASE]


def test_an_edit_that_is_what_we_would_write_is_fine(written: Path) -> None:
    (written / BASE).write_text(NEW[BASE])
    assert not write_tree(NEW, written).refused and on_disk(written) == dict(NEW)


def test_a_file_that_is_not_ours_is_refused(tmp_path: Path) -> None:
    (tmp_path / BASE).parent.mkdir(parents=True)
    (tmp_path / BASE).write_text("somebody's")
    result = write_tree(OLD, tmp_path)
    assert [refusal.path for refusal in result.refused] == [BASE] and "not made by" in result.refused[0].reason
    assert on_disk(tmp_path) == {BASE: "somebody's"}
    assert not write_tree(OLD, tmp_path, force=True).refused


def test_a_deleted_file_comes_back(written: Path) -> None:
    (written / BASE).unlink()
    assert write_tree(OLD, written).created == (BASE,)


def test_other_platforms_are_not_touched(written: Path) -> None:
    other = render_tree(replace(Fleet(sites=SITES[:1]).plan(), platform="other"))
    assert not write_tree(other, written).deleted
    assert on_disk(written) == {**OLD, **other}
    assert not write_tree(OLD, written).stale


@pytest.mark.parametrize("content", ["<<<<<<< HEAD\n", "{}", "\xff", '{"version": 1, "files": {"README.md": "%s"}}' % ("0" * 64)])
def test_a_damaged_lock_is_refused_and_rebuilt_with_force(written: Path, content: str) -> None:
    lock = "clusters/acme/us-central1/usc1-prod/manifest.lock"
    (written / "README.md").write_text("mine")
    (written / lock).write_bytes(content.encode("latin-1"))
    assert (lock, "is damaged; with --force it is rebuilt") in write_tree(OLD, written).refused
    assert not write_tree(OLD, written, force=True).refused
    assert on_disk(written) == {**OLD, "README.md": "mine"}


@pytest.mark.parametrize("name", ["overlays", "overlays/acme/base", "overlays/acme/europe-west4/euw4-prod/search"])
def test_a_link_out_of_the_repository_is_never_followed(tmp_path: Path, name: str) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    outside.mkdir()
    (root / name).parent.mkdir(parents=True)
    (root / name).symlink_to(outside)
    for force in (False, True):
        result = write_tree(OLD, root, force=force)
        assert result.refused and all("symbolic link out of" in refusal.reason for refusal in result.refused)
    assert list(outside.iterdir()) == []


def test_a_link_in_place_of_a_file_is_replaced_only_with_force(written: Path, tmp_path: Path) -> None:
    victim = tmp_path.parent / f"{tmp_path.name}-victim"
    victim.write_text(OLD[BASE])
    (written / BASE).unlink()
    (written / BASE).symlink_to(victim)
    assert [refusal.path for refusal in write_tree(NEW, written).refused] == [BASE]
    assert not write_tree(NEW, written, force=True).refused
    assert victim.read_text() == OLD[BASE] and not (written / BASE).is_symlink()


def test_a_link_within_the_repository_works(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "overlays").symlink_to(tmp_path / "elsewhere")
    assert not write_tree(OLD, tmp_path).refused
    assert (tmp_path / "elsewhere/acme/manifest.lock").exists() and not write_tree(OLD, tmp_path).stale


def test_what_stands_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / BASE).mkdir(parents=True)
    (tmp_path / "clusters").write_text("a file")
    reasons = {refusal.reason for refusal in write_tree(OLD, tmp_path, force=True).refused}
    assert reasons == {"is not a file", "clusters is not a directory"}


class Crash(BaseException):
    """As if the process were killed: no handler of ours may help."""


@pytest.mark.parametrize("after", range(0, 60, 3))
def test_interrupted_while_renaming_the_next_run_finishes(written: Path, monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    done = 0
    real = journal._do

    def crash(*arguments: Any) -> None:
        nonlocal done
        done += 1
        if done > after:
            raise Crash
        real(*arguments)

    monkeypatch.setattr(journal, "_do", crash)
    try:
        write_tree(NEW, written)
    except Crash:
        assert (written / journal.FOLDER).exists()
        assert not write_tree(NEW, written, dry_run=True).refused
    monkeypatch.setattr(journal, "_do", real)
    assert not write_tree(NEW, written).refused
    assert on_disk(written) == dict(NEW)


def test_interrupted_and_then_another_tree(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    interrupt(written, monkeypatch, 5)
    assert not write_tree(OLD, written).refused
    assert on_disk(written) == dict(OLD)


@pytest.mark.parametrize("after", [0, 2])
def test_interrupted_and_then_edited_by_hand(written: Path, monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    interrupt(written, monkeypatch, after)
    (written / BASE).write_text("edited")
    assert [refusal.path for refusal in write_tree(NEW, written).refused] == [BASE]
    assert (written / BASE).read_text() == "edited"
    assert not write_tree(NEW, written, force=True).refused and on_disk(written) == dict(NEW)


@pytest.mark.parametrize("after", range(0, 40, 4))
def test_locks_come_last_so_that_even_a_lost_journal_refuses_nothing(
    written: Path, monkeypatch: pytest.MonkeyPatch, after: int,
) -> None:
    steps = len(write_tree(NEW, written, dry_run=True).changed)
    interrupt(written, monkeypatch, min(after, steps))
    shutil.rmtree(written / journal.FOLDER)
    assert not write_tree(NEW, written).refused
    assert on_disk(written) == dict(NEW)


def interrupt(root: Path, monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    real, done = journal._do, iter(range(10_000))

    def crash(*arguments: Any) -> None:
        if next(done) >= after:
            raise Crash
        real(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(journal, "_do", crash)
        with pytest.raises(Crash):
            write_tree(NEW, root)


def test_killed_while_staging_the_old_tree_stands(written: Path) -> None:
    folder = written / journal.FOLDER
    folder.mkdir()
    (folder / "000001").write_text("half")
    assert set(write_tree(NEW, written).created) == NEW.keys() - OLD.keys()
    assert on_disk(written) == dict(NEW)


@pytest.mark.parametrize(("broken", "number"), [("_write", errno.ENOSPC), ("_make_directories", errno.EROFS), ("_flush", errno.EIO)])
def test_a_refusing_system_is_one_error_and_nothing_changed(
    written: Path, monkeypatch: pytest.MonkeyPatch, broken: str, number: int,
) -> None:
    before, folders = on_disk(written), directories(written)

    def refuse(*_: Any) -> None:
        raise OSError(number, os.strerror(number), "somewhere")

    monkeypatch.setattr(journal, broken, refuse)
    with pytest.raises(WriteError, match=f"{os.strerror(number)}.*nothing was changed"):
        write_tree(NEW, written)
    assert on_disk(written) == before and directories(written) == folders


def test_refused_while_renaming_the_error_says_what_next(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(errno.EACCES, "Permission denied", "somewhere")

    with monkeypatch.context() as patch:
        patch.setattr(journal, "_do", refuse)
        with pytest.raises(WriteError, match="the next run finishes it"):
            write_tree(NEW, written)
    write_tree(NEW, written)
    assert on_disk(written) == dict(NEW)


def test_two_runs_at_once_do_not_mix(written: Path) -> None:
    with journal.exclusive(written), pytest.raises(WriteError, match="another run"):
        write_tree(NEW, written)
    assert on_disk(written) == dict(OLD)


@pytest.mark.parametrize("step", [
    ["../outside", None, "{new}", "0"], ["README.md", None, "{new}", "0"], ["overlays/link/x", None, "{new}", "0"],
    ["overlays/acme/x", None, "{new}", "../../secret"], ["README.md", "{old}", None, None], ["overlays/../README.md", "{old}", None, None],
])
def test_a_forged_journal_writes_nothing_outside(tmp_path: Path, step: list[Any]) -> None:
    root, outside = tmp_path / "root", tmp_path / "far"
    outside.mkdir()
    (tmp_path / "secret").write_text("evil")
    (root / "overlays").mkdir(parents=True)
    (root / "overlays/link").symlink_to(outside)
    (root / "README.md").write_text("mine")
    folder = root / journal.FOLDER
    folder.mkdir()
    (folder / "0").write_text("evil")
    hashes = {"{new}": journal.digest_of(folder / "0"), "{old}": journal.digest_of(root / "README.md")}
    steps = json.dumps([[hashes.get(field, field) if field else field for field in step]]).encode()
    (folder / "journal.json").write_bytes(journal._signature(root, steps) + b"\n" + steps)
    assert journal.pending(root), "by its signature it is ours"
    write_tree(OLD, root)
    assert on_disk(root) == {**OLD, "README.md": "mine"}
    assert list(outside.iterdir()) == [] and not (tmp_path / "outside").exists() and (tmp_path / "secret").exists()


def test_a_journal_that_a_commit_brings_is_ignored(written: Path) -> None:
    folder = written / journal.FOLDER
    folder.mkdir()
    (folder / "000000").write_text("evil")
    evil = "clusters/acme/us-central1/usc1-prod/sync/evil.yaml"
    steps = json.dumps([[evil, None, journal.digest_of(folder / "000000"), "000000"]]).encode()
    for text in (steps, b"0" * 64 + b"\n" + steps, journal._signature(written / "elsewhere", steps) + b"\n" + steps):
        (folder / "journal.json").write_bytes(text)
        assert journal.pending(written) == []
    write_tree(NEW, written)
    assert on_disk(written) == dict(NEW)


def test_links_in_the_staging_folder_are_not_followed(written: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.mkdir()
    folder = written / journal.FOLDER
    folder.mkdir()
    for name in (".gitignore", "000000", "000001", "journal.json.new", "journal.json"):
        (folder / name).symlink_to(victim / name.strip("."))
    write_tree(NEW, written)
    assert list(victim.iterdir()) == [] and on_disk(written) == dict(NEW)
    assert not any(path.is_symlink() for path in written.rglob("*"))


@pytest.mark.parametrize("lock", [
    '"syncs": ["x"]', '"syncs": 5', '"parts": [1]', '"parts": {"platform": 5}', '"own": {"platform": null}', '"facets": {"x": [5]}',
    '"own": {"a": ["b"]}',
])
def test_a_lock_of_another_shape_is_damaged(written: Path, lock: str) -> None:
    path = written / "clusters/acme/us-central1/usc1-prod/manifest.lock"
    path.write_text('{"version": 1, "files": {}, ' + lock + "}")
    assert "is damaged; with --force it is rebuilt" in {refusal.reason for refusal in write_tree(NEW, written).refused}
    assert read_inventory(written, "acme")


def test_a_lock_that_is_a_device_or_a_link_is_not_read(written: Path) -> None:
    path = written / "clusters/acme/us-central1/usc1-prod/manifest.lock"
    path.unlink()
    path.symlink_to("/dev/zero")
    assert "is a symbolic link" in {refusal.reason for refusal in write_tree(NEW, written).refused}


def test_manifests_that_nobody_made_are_found(written: Path, tmp_path: Path) -> None:
    sync = written / "clusters/acme/us-central1/usc1-prod/sync"
    ghost = written / "clusters/acme/us-central1/ghost/sync/deep"
    ghost.mkdir(parents=True)
    for path in (sync / "evil.yaml", sync / "notes.md", ghost / "x.json"):
        path.write_text("a: 1")
    (sync / "linked").symlink_to(tmp_path)
    place = "clusters/acme/us-central1"
    found = ["ghost/sync/deep/x.json", "usc1-prod/sync/evil.yaml", "usc1-prod/sync/linked"]
    assert strays(written, "acme", OLD) == [f"{place}/{path}" for path in found]
    assert strays(written, "other", OLD) == []


def test_a_damaged_journal_is_ignored(written: Path) -> None:
    folder = written / journal.FOLDER
    folder.mkdir()
    (folder / "journal.json").write_text("{")
    write_tree(NEW, written)
    assert on_disk(written) == dict(NEW)


def test_the_inventory_on_disk_is_that_of_the_tree(written: Path) -> None:
    assert read_inventory(written, "acme") == tree_inventory(OLD)
    assert read_inventory(written, "other") == {}


def test_a_plain_mapping_of_texts_is_written_too(tmp_path: Path) -> None:
    assert isinstance(OLD, Tree)
    result = write_tree(dict(OLD), tmp_path)
    assert isinstance(result, WriteResult) and len(result.created) == len(OLD)


def test_what_is_staged_is_written_later(written: Path) -> None:
    planned = Planned(NEW, written)
    planned.stage()
    with pytest.raises(WriteError, match="another run"):
        write_tree(NEW, written)
    assert {path: text for path, text in on_disk(written).items() if not path.startswith(journal.FOLDER)} == dict(OLD)
    assert planned.write() == planned.result
    planned.drop()
    assert on_disk(written) == dict(NEW) and not (written / journal.FOLDER).exists()


@pytest.mark.parametrize("root", ["there", "new/below"])
def test_what_is_staged_and_dropped_leaves_nothing(tmp_path: Path, root: str) -> None:
    write_tree(OLD, tmp_path / "there")
    (tmp_path / "new").mkdir()
    before, folders = on_disk(tmp_path), directories(tmp_path)
    planned = Planned(NEW, tmp_path / root)
    planned.stage()
    planned.drop()
    planned.drop()
    assert on_disk(tmp_path) == before
    assert directories(tmp_path) - folders <= {tmp_path / "new/below"}, "as after any write that failed"


def test_a_file_that_is_edited_while_others_are_staged_ends_the_run(written: Path) -> None:
    """What would be deleted was judged by the files that stood there before."""
    planned = Planned(NEW, written)
    planned.stage()
    (written / BASE).write_text("edited")
    with pytest.raises(WriteError, match="changed meanwhile; nothing was changed"):
        planned.write()
    planned.drop()
    assert on_disk(written) == {**OLD, BASE: "edited"} and not (written / journal.FOLDER).exists()


def test_nothing_is_staged_where_something_is_refused(written: Path) -> None:
    (written / BASE).write_text("edited")
    planned = Planned(NEW, written)
    planned.stage()
    assert not (written / journal.FOLDER).exists()
    assert planned.write().refused


def test_a_run_beside_is_told_of_when_it_is_written(written: Path) -> None:
    planned = Planned(NEW, written)
    with journal.exclusive(written):
        planned.stage()
        with pytest.raises(WriteError, match="another run"):
            planned.write()
    assert not planned.write().refused and on_disk(written) == dict(NEW)


def test_a_disk_that_fills_while_files_are_staged_is_one_error(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, folders = on_disk(written), directories(written)

    def refuse(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "somewhere")

    monkeypatch.setattr(journal, "_write", refuse)
    planned = Planned(NEW, written)
    planned.stage()
    with pytest.raises(WriteError, match=r"No space left.*nothing was changed"):
        planned.write()
    planned.drop()
    assert on_disk(written) == before and directories(written) == folders
