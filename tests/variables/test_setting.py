"""What may be set, what counts for whom and from when on, and that nothing half is ever saved."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from seatrial.control.audit.models import AuditEntry
from seatrial.control.projects.models import Project, Tier, Variable
from seatrial.control.projects.variables import given
from seatrial.control.variables import setting
from seatrial.control.variables.entries import MOST_CHARACTERS, Entry, of_dotenv
from seatrial.control.variables.errors import BadVariable, NoVariable, TooMuch
from tests import factories
from tests.variables.scene import ALICE, put

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return factories.project(factories.workspace(), "shop")


def values(project: Project, tier: Tier = Tier.TRUSTED, at: Any = None) -> dict[str, str]:
    return {name: row.value for name, row in given(project, tier, at or timezone.now()).items()}


@pytest.mark.parametrize(
    ("entry", "field", "words"),
    [
        (Entry("", "x"), "name", "not the name of a variable"),
        (Entry("1A", "x"), "name", "'1A' is not the name"),
        (Entry("A-B", "x"), "name", "'A-B' is not the name"),
        (Entry("Ä", "x"), "name", "not the name"),
        (Entry("A\n", "x"), "name", "not the name"),
        (Entry("A" * 101, "x"), "name", "up to 99"),
        (Entry("galley_COMMIT", "x"), "name", "the platform's"),
        (Entry("A", "hush\0"), "value", "A: the value holds a NUL"),
        (Entry("A", "x" * (MOST_CHARACTERS + 1)), "value", "at most 32,768"),
        (Entry("A", "x", tier="production"), "tier", "there is: trusted, forks"),
    ],
)
def test_one_that_is_wrong_refuses_all(project: Project, entry: Entry, field: str, words: str) -> None:
    with pytest.raises(BadVariable, match=words) as refused:
        setting.put(project, [Entry("GOOD", "x"), entry], by=ALICE)
    assert refused.value.field == field and "hush" not in str(refused.value)
    assert (
        not Variable.objects.exists()
        and not AuditEntry.objects.filter(action__startswith="variable").exists()
    )


def test_there_can_be_so_many_and_no_more(project: Project) -> None:
    put(project, **{f"V{number}": "x" for number in range(200)})
    with pytest.raises(TooMuch, match="200 variables, not 201"):
        put(project, ONE="x")
    put(project, "forks", ONE="x")
    with pytest.raises(TooMuch, match="200,000 bytes"):
        put(project.workspace, **{f"V{number}": "ü" * 20_000 for number in range(6)})
    assert setting.current(project).count() == 201 and not setting.current(project.workspace).exists()


def test_the_projects_own_win_and_other_projects_get_none(project: Project) -> None:
    other = factories.project(project.workspace, "other")
    stranger = factories.project(factories.workspace(), "strangers")
    put(project.workspace, HOST="all", LEVEL="info")
    put(project, HOST="mine", KEY="k")
    assert values(project) == {"HOST": "mine", "LEVEL": "info", "KEY": "k"}
    assert values(other) == {"HOST": "all", "LEVEL": "info"}
    assert values(stranger) == {}


def test_forks_get_what_is_set_for_them_and_nothing_else(project: Project) -> None:
    put(project.workspace, KEY="real", LEVEL="info")
    put(project, "forks", KEY="fake")
    assert values(project, Tier.FORKS) == {"KEY": "fake"}
    assert values(project) == {"KEY": "real", "LEVEL": "info"}


def test_a_deployment_keeps_what_counted_when_it_was_made(project: Project) -> None:
    put(project, KEY="first", GONE="soon")
    then = timezone.now()
    assert put(project, KEY="second", GONE="soon") == ["KEY"]
    setting.unset(project, "GONE", "trusted", by=ALICE)
    assert values(project, at=then) == {"KEY": "first", "GONE": "soon"}
    assert values(project) == {"KEY": "second"}
    assert values(project, at=then - timedelta(days=1)) == {}


def test_what_is_said_again_changes_nothing(project: Project) -> None:
    put(project, KEY="same")
    before = Variable.objects.count(), AuditEntry.objects.count()
    assert put(project, KEY="same") == []
    assert before == (Variable.objects.count(), AuditEntry.objects.count())
    assert put(project, KEY="same", secret=False) == ["KEY"], "that is another thing"


def test_reads_and_writes_are_audited_without_a_value(project: Project) -> None:
    put(project, KEY="hunter22")
    put(project, KEY="hunter33")
    assert setting.reveal(project, "KEY", "trusted", by=ALICE).value == "hunter33"
    setting.unset(project, "KEY", "trusted", by=ALICE)
    with pytest.raises(NoVariable, match="No variable KEY is set here for trusted"):
        setting.reveal(project, "KEY", "trusted", by=ALICE)
    entries = AuditEntry.objects.filter(action__startswith="variable.").order_by("id")
    assert [entry.action for entry in entries] == [
        "variable.set",
        "variable.changed",
        "variable.revealed",
        "variable.unset",
    ]
    assert {entry.target for entry in entries} == {f"project/{project.pk}"}
    assert not any("hunter" in str(entry.details) for entry in entries)


def test_the_database_has_no_value_in_clear(project: Project) -> None:
    put(project, KEY="hunter22")
    put(project, PLAIN="also sealed", secret=False)
    with connection.cursor() as cursor:
        cursor.execute("select value from projects_variable")
        stored = [value for (value,) in cursor.fetchall()]
    assert len(stored) == 2 and all(value.startswith("v2.") for value in stored)


def test_a_dotenv_is_read_as_compose_reads_it() -> None:
    text = "\ufeff# ours\r\nA=1\r\nexport B='two words'\nC=\"line\\nline\"\n\nD=\nE=a#b ${A}\n"
    found = {entry.name: entry.value for entry in of_dotenv(text)}
    assert found == {"A": "1", "B": "two words", "C": "line\nline", "D": "", "E": "a#b ${A}"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("A=1\nhunter22\n", "line 2: it is not NAME=value"),
        ("A=1\nA=2\n", "line 2: A stands there twice"),
        ("A=1\n\nGALLEY_X=2\n", "line 3: GALLEY_X: names"),
        ("# nothing\n", "no variable in it"),
        ("A='hunter22\n", "line 1: it is not"),
        ("A=1\n" * 200_000, "too long"),
    ],
)
def test_a_dotenv_that_is_wrong_is_refused_with_its_line(text: str, words: str) -> None:
    with pytest.raises(BadVariable, match=words) as refused:
        of_dotenv(text)
    assert refused.value.field == "text" and "hunter22" not in str(refused.value)
