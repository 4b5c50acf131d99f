import json
import os
import shutil
from pathlib import Path

import pytest
import yaml

CHART = "GENKAN_Z2JH_CHART"


@pytest.fixture(scope="session")
def chart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Zero to JupyterHub chart, from its own repository or as it is published.

    No package index has it, so that nothing can see to it that it is here.
    """
    given = os.environ.get(CHART)
    if not given:
        pytest.skip(
            f"{CHART} is not set: with the path of a Zero to JupyterHub chart, the values are rendered with it. "
            "Without, the tests of helm-values alone have run"
        )
    path = Path(given)
    assert (path / "Chart.yaml").is_file(), f"{CHART} is {given}, and there is no chart."
    if (path / "values.schema.json").exists():
        return path
    # Its repository has the schema as YAML, of which Helm knows nothing.
    copy = tmp_path_factory.mktemp("chart") / "jupyterhub"
    shutil.copytree(path, copy)
    schema = yaml.safe_load((path / "values.schema.yaml").read_text())
    (copy / "values.schema.json").write_text(json.dumps(schema))
    return copy
