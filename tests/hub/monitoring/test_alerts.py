import subprocess
from pathlib import Path

import yaml

from .expressions import ALERTS, alerts, known, named

CASES = Path(__file__).with_name("alerts.yaml")


def run(promtool: str, *words: str | Path) -> str:
    done = subprocess.run([promtool, *map(str, words)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_prometheus_reads_the_alerts(promtool: str) -> None:
    assert f"{len(alerts())} rules found" in run(promtool, "check", "rules", ALERTS)


def test_the_alerts_say_what_they_are_to_say_and_when(promtool: str) -> None:
    assert "SUCCESS" in run(promtool, "test", "rules", CASES)


def test_every_alert_has_a_case_in_which_it_comes_and_one_in_which_it_does_not() -> None:
    cases = [row for test in yaml.safe_load(CASES.read_text())["tests"] for row in test["alert_rule_test"]]
    comes = {row["alertname"] for row in cases if row["exp_alerts"]}
    stays = {row["alertname"] for row in cases if not row["exp_alerts"]}
    names = {rule["alert"] for rule in alerts()}
    assert names - comes - {"GenkanUseNotMeasured"} == set()
    assert names - stays == set()


def test_every_alert_says_what_is_the_matter_and_what_to_do() -> None:
    for rule in alerts():
        assert rule["labels"]["severity"] in {"info", "warning", "critical"}
        assert rule["annotations"].keys() == {"summary", "description"}
        assert all(text.endswith(".") for text in rule["annotations"].values())


def test_alerts_ask_for_metrics_that_there_are() -> None:
    assert set().union(*(named(rule["expr"]) for rule in alerts())) <= known()
