"""Two commands on one folder and one store: each ends well, or in a line that says why not."""

import crowd
import pytest


@pytest.mark.cluster
def test_two_verdicts_at_once_while_files_come_and_go(tmp_path):
    ended, store = crowd.verdicts(tmp_path)
    assert crowd.faults(ended, store) == []
