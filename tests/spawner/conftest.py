import pytest

from genkan_spawner import catalogue_metrics


@pytest.fixture(autouse=True)
def _no_looks_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have no test that reads metrics look at the catalogue of an earlier one, which may be gone by then."""
    monkeypatch.setattr(catalogue_metrics._validity, "look", lambda: None)
