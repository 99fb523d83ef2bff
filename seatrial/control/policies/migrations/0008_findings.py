"""Findings leave the details of results and stand for themselves."""

from collections.abc import Iterator
from typing import Any

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

PATHS = ("file", "path")
OWN = {*PATHS, "line", "message", "severity", "fingerprint", "fix"}
SEVERITIES = {"info", "low", "medium", "high", "critical"}
AT_ONCE = 500


def move(apps: Apps, _editor: BaseDatabaseSchemaEditor) -> None:
    """Each finding that is an object; what it says is kept."""
    results = apps.get_model("policies", "Result").objects
    batch = []
    for row in results.filter(details__has_key="findings").only("details").iterator(AT_ONCE):
        if _move(row):
            batch.append(row)
        if len(batch) == AT_ONCE:
            results.bulk_update(batch, ["details", "findings", "findings_left_out"])
            batch = []
    results.bulk_update(batch, ["details", "findings", "findings_left_out"])


def _move(row: Any) -> bool:
    found = row.details["findings"]
    if not isinstance(found, list) or not any(isinstance(one, dict) for one in found):
        return False
    left_out = row.details.get("findings_left_out")
    row.findings = [_finding(one) for one in found]
    row.findings_left_out = max(0, left_out) if type(left_out) is int else int(bool(left_out))
    row.details = {k: v for k, v in row.details.items() if k not in ("findings", "findings_left_out")}
    return True


def _finding(found: Any) -> dict[str, Any]:
    if not isinstance(found, dict):
        found = {"message": str(found)}
    path = next((found[name] for name in PATHS if isinstance(found.get(name), str)), "")
    line, severity = found.get("line"), found.get("severity")
    return {
        "path": path,
        "line": line if path and type(line) is int and line > 0 else None,
        "message": _text(found, "message") or ", ".join(_others(found)),
        "severity": severity if severity in SEVERITIES else "medium",
        "fingerprint": _text(found, "fingerprint"),
        "fix": _text(found, "fix"),
    }


def _text(found: dict[str, Any], name: str) -> str:
    value = found.get(name)
    return value if isinstance(value, str) else ""


def _others(found: dict[str, Any]) -> Iterator[str]:
    return (f"{name}: {value}" for name, value in found.items() if name not in OWN)


class Migration(migrations.Migration):

    dependencies = [("policies", "0007_network")]

    operations = [
        migrations.AddField("result", "findings", models.JSONField(default=list)),
        migrations.AddField("result", "findings_left_out", models.PositiveIntegerField(default=0)),
        migrations.RunPython(move, migrations.RunPython.noop, elidable=True),
    ]
