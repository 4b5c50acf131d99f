"""A start, from the choice to the running pod: checked, reserved, created, followed, and undone if it fails."""
