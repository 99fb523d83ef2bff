from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from seatrial.control.accounts.models import Membership, User, Workspace
from seatrial.control.audit.models import AuditEntry

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]


@pytest.fixture(autouse=True)
def _workspace() -> None:
    Workspace.objects.create(slug="default", name="Default")


def add(tmp_path: Path, name: str = "ada", password: str = "correct horse battery", **options: str) -> str:
    file, said = tmp_path / "password", StringIO()
    file.write_text(f"{password}\n")
    call_command("add_person", name, password_file=file, stdout=said, **{"role": "developer", **options})
    return said.getvalue()


def test_a_new_person_signs_in_and_has_the_role(tmp_path: Path) -> None:
    assert "ada may sign in, and is developer of default" in add(tmp_path)
    form = {"login": "ada", "password": "correct horse battery"}
    assert Client().post("/accounts/login/", form).status_code == 302
    user = User.objects.get()
    assert (Membership.objects.get(user=user).role, user.is_superuser) == ("developer", False)
    recorded = AuditEntry.objects.order_by("id").values_list("action", "target", "actor")
    assert list(recorded)[:2] == [("user.create", "user/ada", "system"), ("member.add", "user/ada", "system")]
    assert "correct horse" not in str(list(AuditEntry.objects.values()))


def test_again_changes_the_role_and_keeps_the_password(tmp_path: Path) -> None:
    add(tmp_path)
    assert "ada is viewer of default; the password is unchanged" in add(
        tmp_path, password="another one entirely", role="viewer"
    )
    assert User.objects.get().check_password("correct horse battery")
    assert AuditEntry.objects.filter(action="member.change_role", details={"role": "viewer"}).exists()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"password": "short"}, "too short"),
        ({"password": ""}, "too short"),
        ({"name": "a b"}, "valid username"),
        ({"name": "x" * 151}, "at most 150 characters"),
        ({"workspace": "nowhere"}, "there is no 'nowhere', only: default"),
        ({"role": "king"}, "invalid choice"),
    ],
)
def test_what_is_wrong_is_named_and_nobody_is_made(tmp_path: Path, wrong: dict[str, str], said: str) -> None:
    with pytest.raises(CommandError, match=said):
        add(tmp_path, **wrong)
    assert not User.objects.exists()


def test_without_a_terminal_it_asks_for_a_file() -> None:
    with pytest.raises(CommandError, match="give --password-file"):
        call_command("add_person", "ada", role="viewer")
