"""Processes of tests as a person at a terminal would start them."""

import shutil

TERMINAL = (shutil.which("env") or "env", "--default-signal")
"""Words before a command that give signals their usual meaning back: nohup and shells' background jobs ignore some."""
