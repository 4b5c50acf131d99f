"""Expected values that are too long for a test: JSON files beside it, written anew by `pytest --update-golden`."""

import json
from pathlib import Path
from typing import Any


class Golden:
    """The golden files of one test module, in the folder `golden` beside it."""

    def __init__(self, folder: Path, *, update: bool) -> None:
        self._folder = folder
        self._update = update

    def check(self, name: str, value: Any) -> None:
        """Compare a value with the file, or write the file if the run was told to."""
        file = self._folder / f"{name}.json"
        text = json.dumps(value, indent=2, ensure_ascii=False) + "\n"
        if self._update:
            self._folder.mkdir(exist_ok=True)
            file.write_text(text)
        assert json.loads(text) == json.loads(file.read_text()), f"{file} differs; see it with --update-golden"
