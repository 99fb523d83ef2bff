"""An evaluation as SARIF, JUnit, CSV and Markdown: what they say, what they escape, and who gets them."""

import csv
import io
import json
from datetime import timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest
from django.test import Client
from django.utils import timezone

from seatrial.control.audit.actors import Actor
from seatrial.control.policies.glass.services import break_glass
from seatrial.control.policies.models import Evaluation
from seatrial.control.policies.reports.formats import ReportFormat
from seatrial.control.policies.reports.junit import junit
from seatrial.control.policies.reports.markdown import markdown
from seatrial.control.policies.reports.patches import Replacement, replacements
from seatrial.control.policies.reports.sarif import sarif
from seatrial.control.policies.reports.table import COLUMNS, safe, table
from seatrial.control.policies.reports.told import Report, report_of
from seatrial.wire.states import ResultState
from tests import factories as make

# As OASIS publishes it, without its descriptions.
SCHEMA = json.loads((Path(__file__).parent / "published" / "sarif-2.1.0.json").read_text())
FIX = "--- a/src/a b.py\n+++ b/src/a b.py\n@@ -3,2 +3,2 @@\n kept\n-password = 'x'\n+password = read()\n"
FOUND = [
    {
        "path": "src/a b.py", "line": 4, "message": "A password.\x1b[2K\u202e", "severity": "critical",
        "fingerprint": "f1", "fix": FIX,
    },
    {"path": "café/ü.txt", "message": "=cmd|'/c calc'!A1", "severity": "low", "fingerprint": "=f2"},
]  # fmt: skip


@pytest.mark.parametrize(
    ("diff", "made"),
    [
        (FIX, [Replacement(3, 2, "kept\npassword = read()\n")]),
        ("@@ -0,0 +1,2 @@\n+a\n+b\n", [Replacement(1, 0, "a\nb\n")]),
        ("@@ -5 +4,0 @@\n-gone\n", [Replacement(5, 1, "")]),
        ("@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b\n", [Replacement(1, 1, "b\n")]),
        ("@@ -1 +1 @@\n-a\n+b\n\\ No newline at end of file\n", [Replacement(1, 1, "b")]),
        ("@@ -1 +1 @@\n-a\n+b\n@@ -9,0 +9 @@\n+c\n", [Replacement(1, 1, "b\n"), Replacement(10, 0, "c\n")]),
        ("@@ -1,3 +1 @@\n-a\n+b\n", []),
        ("change the password", []),
        ("", []),
    ],
)
def test_a_diff_is_read_into_what_replaces_what(diff: str, made: list[Replacement]) -> None:
    assert replacements(diff) == made


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx", "\r=1", "  =1", "\uff1d1"])
def test_no_cell_is_run_by_a_spreadsheet(text: str) -> None:
    assert safe(text) == f"'{text}"
    assert safe("a" + text) == "a" + text


class Told:
    """A verdict in which one policy failed, one is waived, and the others ended in every other way."""

    def __init__(self) -> None:
        self.owner, self.stranger = make.user("olga"), make.user("sam")
        self.space = make.workspace("shop", owner=self.owner)
        make.workspace("elsewhere", owner=self.stranger)
        self.project = make.project(self.space, "shop", web_url="https://git.example.com/acme/shop")
        self.evaluation = make.evaluation(
            make.pull_request(self.project),
            state="failed",
            score=40,
            waived=1,
            seconds=2,
            finished_at=timezone.now(),
        )
        said: dict[str, dict[str, Any]] = {
            "No secrets": {"state": "failed", "score": 10, "findings": FOUND, "findings_left_out": 3},
            "Has licence": {"state": "failed", "score": 0, "message": "@ann: no *licence*"},
            "Has readme": {"state": "passed", "score": 100, "message": "README.md", "findings": FOUND[:1]},
            "Is pinned": {
                "state": "waived",
                "score": 0,
                "findings": [{"path": "x", "line": 1, "fingerprint": "f3"}],
            },
            "Breaks": {"state": "errored", "message": "KeyError: 'x'\ufffe"},
            "Is slow": {"state": "timed_out"},
            "Is Go": {"state": "skipped"},
        }
        for name, fields in said.items():
            version = make.policy(self.space, name, f"{name}.\n\nMore of it.")
            row = make.result(self.evaluation, version, seconds=0.5, **fields)
            if fields["state"] == "waived":
                waiver = make.waiver(
                    self.project,
                    version,
                    state="approved",
                    decided_by="olga",
                    expires_at=timezone.now() + timedelta(days=3),
                )
                row.waivers.add(waiver)

    def report(self) -> Report:
        return report_of(Evaluation.objects.select_related("project").get(pk=self.evaluation.pk))

    def ask(self, who: Any, address: str) -> Any:
        client = Client()
        client.force_login(who)
        return client.get(address.replace("ID", self.evaluation.pk))


@pytest.fixture
def told(db: None) -> Told:
    return Told()


@pytest.mark.postgres
def test_sarif_is_what_its_schema_wants(told: Told) -> None:
    document = sarif(told.report())
    jsonschema.Draft4Validator(SCHEMA).validate(document)
    (run,) = document["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert rules == ["breaks", "has-licence", "has-readme", "is-go", "is-pinned", "is-slow", "no-secrets"]
    results = {
        (one["ruleId"], one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]): one
        for one in run["results"]
    }
    assert set(results) == {
        ("has-licence", "."), ("is-pinned", "x"), ("no-secrets", "src/a%20b.py"), ("no-secrets", "caf%C3%A9/%C3%BC.txt"),
    }  # fmt: skip
    secret = results["no-secrets", "src/a%20b.py"]
    assert secret["level"] == "error" and secret["message"]["text"] == "A password.\\x1b[2K<U+202E>"
    assert secret["partialFingerprints"] == {"seatrialFinding/v1": "f1"} and "suppressions" not in secret
    (change,) = secret["fixes"][0]["artifactChanges"]
    assert change["replacements"] == [
        {
            "deletedRegion": {"startLine": 3, "startColumn": 1, "endLine": 5, "endColumn": 1},
            "insertedContent": {"text": "kept\npassword = read()\n"},
        }
    ]
    assert all(rules[one["ruleIndex"]] == one["ruleId"] for one in run["results"])
    (suppressed,) = results["is-pinned", "x"]["suppressions"]
    assert suppressed["status"] == "accepted" and "waived by olga" in suppressed["justification"]
    notes = {
        (note["level"], note["associatedRule"]["id"])
        for note in run["invocations"][0]["toolExecutionNotifications"]
    }
    assert notes == {("error", "breaks"), ("error", "is-slow"), ("note", "is-go"), ("warning", "no-secrets")}
    assert run["versionControlProvenance"][0]["revisionId"] == told.evaluation.commit


@pytest.mark.postgres
def test_sarif_of_what_ended_without_any_result(told: Told) -> None:
    told.evaluation.results.all().delete()
    Evaluation.objects.update(state="errored", message="The checkout failed.", score=None)
    document = sarif(told.report())
    jsonschema.Draft4Validator(SCHEMA).validate(document)
    (invocation,) = document["runs"][0]["invocations"]
    assert not invocation["executionSuccessful"] and document["runs"][0]["results"] == []
    assert invocation["toolExecutionNotifications"][0]["message"]["text"] == "The checkout failed."


@pytest.mark.postgres
def test_junit_has_a_test_for_each_policy(told: Told) -> None:
    suites = ElementTree.fromstring(junit(told.report()))
    counts = {name: suites.get(name) for name in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": "7", "failures": "2", "errors": "2", "skipped": "2"}
    cases = {case.get("name"): [one.tag for one in case] for case in suites.iter("testcase")}
    assert cases == {
        "breaks": ["error"], "has-licence": ["failure"], "has-readme": [], "is-go": ["skipped"], "is-pinned": ["skipped"],
        "is-slow": ["error"], "no-secrets": ["failure"],
    }  # fmt: skip
    text = junit(told.report()).decode()
    assert "src/a b.py:4: critical: A password.\\x1b[2K&lt;U+202E&gt;" in text and "3 more findings" in text
    assert "waived by olga" in text and "\ufffe" not in text


@pytest.mark.postgres
def test_what_is_advisory_fails_nothing_elsewhere_either(told: Told) -> None:
    levels = dict.fromkeys(told.evaluation.versions.values_list("pk", flat=True), "advisory")
    Evaluation.objects.update(levels=levels)
    report = told.report()
    suites = ElementTree.fromstring(junit(report))
    assert [suites.get(name) for name in ("tests", "failures", "errors", "skipped")] == ["7", "0", "0", "2"]
    case = next(case for case in suites.iter("testcase") if case.get("name") == "no-secrets")
    assert "failed, advisory" in str(case.findtext("system-out")) and "critical" in str(
        case.findtext("system-out")
    )
    assert {one["level"] for one in sarif(report)["runs"][0]["results"] if one["ruleId"] == "no-secrets"} == {
        "note"
    }
    assert "| failed, advisory | 10 |" in markdown(report)


@pytest.mark.postgres
def test_csv_has_a_row_for_each_finding_and_runs_nothing(told: Told) -> None:
    rows = list(csv.DictReader(io.StringIO(table(told.report()), newline="")))
    assert list(rows[0]) == list(COLUMNS) and len(rows) == 8
    found = [row for row in rows if row["policy"] == "no-secrets"]
    assert [(row["path"], row["line"], row["severity"]) for row in found] == [
        ("src/a b.py", "4", "critical"), ("café/ü.txt", "", "low"),
    ]  # fmt: skip
    assert found[1]["message"] == "'=cmd|'/c calc'!A1" and found[1]["fingerprint"] == "'=f2"
    assert next(row for row in rows if row["policy"] == "has-licence")["message"] == "'@ann: no *licence*"


@pytest.mark.postgres
def test_markdown_shows_text_of_others_without_effect(told: Told) -> None:
    text = markdown(told.report())
    assert "## Policies: failed, score 40, 1 waived" in text
    assert "@<!-- -->ann: no \\*licence\\*" in text
    assert (
        "- `src/a b.py:4` (critical): A password." in text
        and "\x1b" not in text
        and "+password = read()" in text
    )
    assert "- and 3 more" in text and "waived by olga" in text


@pytest.mark.postgres
@pytest.mark.parametrize("form", ReportFormat)
def test_who_sees_the_evaluation_gets_its_report_as_a_file(told: Told, form: ReportFormat) -> None:
    for address in (f"/api/v1/evaluations/ID/report?format={form}", f"/evaluations/ID/report/{form}"):
        answer = told.ask(told.owner, address)
        assert answer.status_code == 200 and "attachment" in answer["Content-Disposition"]
        assert told.ask(told.stranger, address).status_code == 404
    assert (
        f'href="/evaluations/{told.evaluation.pk}/report/{form}"'
        in told.ask(told.owner, "/evaluations/ID").content.decode()
    )


@pytest.mark.postgres
def test_there_is_no_report_before_the_verdict_and_no_other_format(told: Told) -> None:
    assert told.ask(told.owner, "/api/v1/evaluations/ID/report?format=pdf").status_code == 422
    assert told.ask(told.owner, "/evaluations/ID/report/pdf").status_code == 404
    Evaluation.objects.update(state="running")
    refused = told.ask(told.owner, "/api/v1/evaluations/ID/report")
    assert refused.status_code == 409 and refused.json()["error"]["code"] == "not_ended"
    assert told.ask(told.owner, "/evaluations/ID/report/csv").status_code == 302
    assert "report/sarif" not in told.ask(told.owner, "/evaluations/ID").content.decode()


@pytest.mark.postgres
def test_every_report_says_that_it_passes_behind_broken_glass(told: Told) -> None:
    asked = {"reason": "the *shop* is down", "by": Actor.person("olga"), "person": told.owner}
    break_glass(told.evaluation, **asked)
    report = told.report()
    said = "glass broken by olga until "
    assert said in markdown(report) and "the \\*shop\\*" in markdown(report)
    assert sarif(report)["runs"][0]["properties"]["glass"].startswith(said)
    properties = ElementTree.fromstring(junit(report)).iter("property")
    assert {one.get("name"): one.get("value") for one in properties}["glass"] == report.glass


@pytest.mark.postgres
def test_a_failure_of_which_all_is_known_fails_no_ci_that_reads_the_report(told: Told) -> None:
    before = told.report().number(ResultState.FAILED)
    row = told.evaluation.results.get(version__policy__slug="no-secrets")
    row.known, row.findings_left_out = ["f1", "=f2"], 0
    row.save()
    assert told.report().number(ResultState.FAILED) == before - 1
