"""Damaged and strange image files are read rightly, or refused in one line that names the file."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import strange_images
from PIL import Image

from fflib import data
from fflib.errors import DataError


def test_three_hundred_files_are_read_rightly_or_refused_by_name(tmp_path):
    script = Path(strange_images.__file__)
    command = [sys.executable, script, tmp_path, "300", "0"]
    said = subprocess.run(command, capture_output=True, check=True, text=True, timeout=300).stdout
    found = json.loads(said)
    assert found["faults"] == []
    assert sum(found["kinds"].values()) == 300
    assert found["slowest"] < 20
    assert found["megabytes"] < 1000


@pytest.mark.parametrize("kind", ["pipe", "loop", "broken link", "device", "folder"])
def test_what_only_looks_like_an_image_file_is_left_out_and_nothing_waits_for_it(tmp_path, kind):
    for name, value in (("cat", 1), ("dog", 2)):
        (tmp_path / name).mkdir()
        for i in range(5):
            Image.new("L", (4, 4), value + i).save(tmp_path / name / f"{i}.png")
    before = data.load(tmp_path)
    strange = tmp_path / "cat" / "strange.png"
    if kind == "pipe":
        os.mkfifo(strange)
    elif kind == "folder":
        strange.mkdir()
    else:
        strange.symlink_to({"loop": strange, "broken link": "nowhere", "device": "/dev/zero"}[kind])
    after = data.load(tmp_path)
    assert after.checksums == before.checksums
    assert len(after.remarks) == len(before.remarks) + 1


def test_a_picture_that_takes_too_much_memory_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "large.png"
    path.write_bytes(strange_images.png(9000, 9000, b""))
    with pytest.raises(DataError, match="an image may have 67108864 pixels, this has 9000×9000"):
        strange_images.read_picture(path)
