"""Files that appear whole or not at all."""

import os
import signal
import subprocess
import sys

import pytest

from fflib.records.files import PARTIAL, hold, remove_abandoned, write_whole


def test_a_file_appears_with_its_folder_and_replaces_what_was_there(tmp_path):
    path = tmp_path / "new" / "note"
    for content in (b"first", b"second"):
        assert write_whole(path, content) == path
        assert path.read_bytes() == content
    assert [p.name for p in path.parent.iterdir()] == ["note"]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = write_whole(tmp_path / "note", b"old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["note"]


def names(folder):
    return sorted(path.name for path in folder.iterdir())


KILLED = """
import os, sys
from pathlib import Path
from fflib.records import files
def killed(*_):
    os.kill(os.getpid(), 9)
os.fsync = killed
{}
"""


@pytest.mark.skipif(os.name == "nt", reason="needs signals")
def test_what_a_killed_writer_leaves_differs_from_what_a_live_one_is_writing(tmp_path):
    path = write_whole(tmp_path / "note", b"old")
    code = KILLED.format("files.write_whole(Path(sys.argv[1]), b'new')")
    assert subprocess.run([sys.executable, "-c", code, path]).returncode == -signal.SIGKILL
    assert len(names(tmp_path)) == 2
    live = tmp_path / f"{PARTIAL}live"
    with hold(live):
        remove_abandoned(tmp_path)
        assert names(tmp_path) == [live.name, "note"]
    assert path.read_bytes() == b"old"


def test_a_writer_whose_partial_file_was_removed_writes_again(tmp_path, monkeypatch):
    chmod, seen = os.chmod, []

    def removed(partial, mode):
        if not seen:
            os.unlink(partial)
        seen.append(partial)
        chmod(partial, mode)

    monkeypatch.setattr(os, "chmod", removed)
    assert write_whole(tmp_path / "note", b"new").read_bytes() == b"new"
    assert len(seen) == 2


def test_a_file_is_held_by_one_and_gone_when_it_is_released(tmp_path):
    path = tmp_path / "folder" / "it"
    with hold(path) as mine:
        with hold(path) as other:
            assert (mine, other) == (True, False)
        assert path.exists()
    assert not path.exists()
    with hold(path) as mine:
        assert mine


@pytest.mark.skipif(os.name == "nt", reason="needs signals")
def test_a_file_that_a_killed_process_held_can_be_held_again(tmp_path):
    path = tmp_path / "it"
    code = KILLED.format("with files.hold(Path(sys.argv[1])) as mine: assert mine; killed()")
    assert subprocess.run([sys.executable, "-c", code, path]).returncode == -signal.SIGKILL
    assert path.exists()
    with hold(path) as mine:
        assert mine
    assert not path.exists()


HELD_IN_TURN = """
import sys
from pathlib import Path
from fflib.records.files import hold
path, counter = Path(sys.argv[1]), Path(sys.argv[2])
done = 0
while done < 200:
    with hold(path) as mine:
        if mine:
            counter.write_text(str(int(counter.read_text()) + 1))
            done += 1
"""


def test_two_processes_never_hold_a_file_together(tmp_path):
    counter = tmp_path / "counter"
    counter.write_text("0")
    command = [sys.executable, "-c", HELD_IN_TURN, tmp_path / "it", counter]
    with subprocess.Popen(command) as one, subprocess.Popen(command) as other:
        assert (one.wait(60), other.wait(60)) == (0, 0)
    assert counter.read_text() == "400"  # an increment is lost where both read before either writes
