"""What every test runs under: no progress bars, a store of its own, no deadline for properties."""

import pytest
from hypothesis import settings

# How long an example takes says something of the machine, nothing of the property.
settings.register_profile("fflib", deadline=None)
settings.load_profile("fflib")


@pytest.fixture(autouse=True)
def _own_store(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("FFLIB_STORE", str(tmp_path_factory.mktemp("store")))
    monkeypatch.setenv("TQDM_DISABLE", "1")
