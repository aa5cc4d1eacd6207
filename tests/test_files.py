"""Files that appear whole or not at all."""

import pytest

from fflib.files import write_whole


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
