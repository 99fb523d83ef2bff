"""The page kit knows no noun: import-linter sees to its modules, this to its templates."""

import re
from pathlib import Path

import pytest

import seatrial.control
from seatrial.control import dashboard

APPS = Path(seatrial.control.__file__).parent
OWN = Path(dashboard.__file__).parent / "templates"
LEADS_TO = re.compile(r"""{% (?:url|include|extends) ['"]([\w:./]+)|{% load (.+?) %}""")
KNOWN = re.compile(r"dashboard[:/]|account_|security$|seatrial$")  # signing in is the library's


@pytest.mark.parametrize("template", sorted(OWN.rglob("*.html")), ids=lambda path: str(path.relative_to(OWN)))
def test_its_templates_lead_to_none(template: Path) -> None:
    names_by_app = [name or tags for name, tags in LEADS_TO.findall(template.read_text())]
    assert [name for name in names_by_app if not KNOWN.match(name)] == []


def test_every_app_keeps_its_templates_in_a_folder_of_its_name() -> None:
    """Else the first installed app would win, unseen."""
    shared = {
        "dashboard": {"dashboard"},
        "accounts": {"account", "accounts", "allauth", "mfa", "socialaccount"},
    }
    names_by_app = {app: {path.name for path in (app / "templates").iterdir() if path.is_dir()}
             for app in APPS.iterdir() if (app / "templates").is_dir()}  # fmt: skip
    assert {app.name: names for app, names in names_by_app.items()} == {
        app.name: shared.get(app.name, {app.name}) for app in names_by_app
    }
