"""Processes that are kept running, and ended to the last one."""
