"""The master key is rotated: old and new side by side, every secret sealed anew, whatever happens meanwhile."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from pydantic import SecretStr

from seatrial.control.audit.actors import SYSTEM
from seatrial.control.audit.models import AuditEntry
from seatrial.control.keys import services
from seatrial.control.keys.reentry import PLACES, reentries
from seatrial.control.projects.models import Connection, Tier, Variable
from seatrial.control.vault import rewrapping
from seatrial.control.vault.columns import Counts, columns
from seatrial.control.vault.envelope import seal
from seatrial.control.vault.errors import StaleKeys, UnfitMasterKey, UnknownKey, WrongMasterKey
from seatrial.control.vault.fields import Sealed, keys
from tests import factories as make
from tests.keys.conftest import NEW, NEW_ID, NEWER, OLD, OLD_ID, Use
from tests.waiting import eventually

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]


def read(row: Connection) -> tuple[str, str]:
    row = Connection.objects.get(pk=row.pk)
    return str(row.credential), str(row.webhook_secret)


@pytest.fixture
def row(use: Use) -> Connection:
    use(OLD)
    return make.connection(make.workspace(), credential="token", webhook_secret="signs")


def test_a_rotation_from_the_old_key_to_the_new_one(row: Connection, use: Use) -> None:
    use(NEW, OLD)
    assert read(row) == ("token", "signs")
    assert rewrapping.state() == rewrapping.State(NEW_ID, OLD_ID, (OLD_ID,), Counts(current=3))
    late = make.connection(row.workspace, webhook_secret="before it begins")
    use(OLD)
    assert read(late)[1] == "before it begins", "a process that does not have the new key yet goes on"
    use(NEW, OLD)
    services.begin_rewrap(by=SYSTEM)
    assert rewrapping.state().counts == Counts(current=1, former=3) and not rewrapping.state().complete
    newest = make.connection(row.workspace, webhook_secret="meanwhile")
    services.go_on()
    assert rewrapping.state().complete and rewrapping.verify() == rewrapping.Verified(5, ())
    use(NEW)
    assert read(row) == ("token", "signs") and read(newest)[1] == "meanwhile"
    entries = AuditEntry.objects.filter(action__startswith="master_key").order_by("id")
    assert [(one.action, one.details) for one in entries] == [
        ("master_key.rotate", {"before": OLD_ID, "after": NEW_ID}),
        ("master_key.rewrap", {"renewed": 3}),
    ]


def test_beginning_twice_and_a_second_rotation_in_the_middle_of_the_first(row: Connection, use: Use) -> None:
    use(NEW, OLD)
    services.begin_rewrap(by=SYSTEM)
    services.begin_rewrap(by=SYSTEM)
    assert rewrapping.rewrap(1) == 1 and rewrapping.state().counts == Counts(current=2, former=1)
    use(NEWER, NEW, OLD)
    services.begin_rewrap(by=SYSTEM)
    services.go_on()
    use(NEWER)
    assert read(row) == ("token", "signs") and rewrapping.state().complete
    assert AuditEntry.objects.filter(action="master_key.rotate").count() == 2


def test_the_fernet_name_rotates_alike(row: Connection, use: Use) -> None:
    use(NEW, OLD, variable="gitgrit_encryption_key")
    services.begin_rewrap(by=SYSTEM)
    services.go_on()
    use(NEW, variable="gitgrit_encryption_key")
    assert read(row) == ("token", "signs")


def test_the_ciphertext_stays_and_second_factors_and_first_versions_are_sealed_anew(
    row: Connection, use: Use
) -> None:
    person = make.user()
    TOTP.activate(person, "JBSWY3DPEHPK3PXP")
    codes = RecoveryCodes.activate(person).generate_codes()
    before = stored(row)
    use(NEW, OLD)
    services.begin_rewrap(by=SYSTEM)
    services.go_on()
    use(NEW)
    assert stored(row).split(".")[4] == before.split(".")[4] and stored(row).split(".")[1] == NEW_ID
    kept = Authenticator.objects.get(user=person, type=Authenticator.Type.RECOVERY_CODES)
    assert RecoveryCodes(kept).generate_codes() == codes
    assert rewrapping.verify() == rewrapping.Verified(5, ())


def stored(row: Connection) -> str:
    sealed = Connection.objects.values_list("webhook_secret", flat=True).get(pk=row.pk)
    assert isinstance(sealed, Sealed)
    return sealed.text


def test_a_value_that_somebody_sets_meanwhile_is_not_undone(row: Connection, use: Use) -> None:
    use(NEW, OLD)
    services.begin_rewrap(by=SYSTEM)
    column = next(one for one in columns() if one.name == "projects.Connection.webhook_secret")
    seen = next(iter(column.behind(keys())))
    row.webhook_secret = "by somebody"
    row.save()
    assert not column.replace(seen, seal("of before", column.identity(seen.pk), keys()))
    services.go_on()
    assert read(row)[1] == "by somebody"


def test_a_process_of_before_the_rotation_seals_nothing_that_the_others_cannot_open(
    row: Connection, use: Use
) -> None:
    use(NEW, OLD)
    services.begin_rewrap(by=SYSTEM)
    with pytest.raises(WrongMasterKey):
        use(OLD)
    with pytest.raises(StaleKeys, match="restart this one"):
        make.connection(row.workspace, webhook_secret="x")


def test_a_key_that_opens_nothing_here_does_not_begin(row: Connection, use: Use) -> None:
    with pytest.raises(WrongMasterKey):
        use(NEW, NEWER)
    with pytest.raises(WrongMasterKey):
        services.begin_rewrap(by=SYSTEM)
    with pytest.raises(UnfitMasterKey, match="GALLEY_MASTER_KEY_FALLBACKS is too short"):
        use(NEW, "12")


def test_verify_lists_what_does_not_open_and_the_command_ends_with_it(row: Connection, use: Use) -> None:
    broken = make.connection(row.workspace, webhook_secret="lost")
    Connection.objects.filter(pk=broken.pk).update(webhook_secret=Sealed(stored(broken)[:-4] + "AAAA"))
    use(NEW, OLD)
    said = io.StringIO()
    with pytest.raises(CommandError, match="1 stored secret cannot be opened"):
        call_command("rewrap_keys", stderr=said)
    assert said.getvalue().count("\n") == 1 and f"of {broken.pk}: damaged" in said.getvalue()
    broken.delete()
    said = io.StringIO()
    call_command("rewrap_keys", "--verify", stdout=said)
    assert said.getvalue().startswith("3 stored secrets: the newest master key opens all.")


def test_verifying_alone_changes_nothing(row: Connection, use: Use) -> None:
    use(NEW, OLD)
    with pytest.raises(CommandError, match="3 stored secrets cannot be opened"):
        call_command("rewrap_keys", "--verify", stderr=io.StringIO())
    assert rewrapping.state().sealing == OLD_ID


def test_without_a_former_key_a_worker_looks_at_nothing(row: Connection, django_assert_num_queries) -> None:
    with django_assert_num_queries(1):
        services.go_on()


def test_a_lost_key_is_given_up_only_when_asked_and_each_secret_has_its_place(
    row: Connection, use: Use, settings
) -> None:
    project = make.project(row.workspace, "shop", connection=row)
    for name, value in (("TOKEN", "a"), ("KEPT", "")):
        Variable.objects.create(
            workspace=row.workspace, project=project, name=name, value=value, tier=Tier.TRUSTED
        )
    TOTP.activate(make.user("ada"), "JBSWY3DPEHPK3PXP")
    with pytest.raises(WrongMasterKey):
        use(NEW)
    with pytest.raises(CommandError, match="nothing was changed"):
        call_command("give_up_lost_key")
    said = io.StringIO()
    call_command("give_up_lost_key", "--yes", stdout=said)
    lines = said.getvalue().splitlines()
    assert len(lines) == 5 and lines[-1].startswith(f"The master key {OLD_ID} was given up.")
    assert (
        f"The variable TOKEN of the project shop: Set it again. {settings.SITE_URL}/projects/{project.pk}/variables"
        in lines
    )
    assert any("manage remove_second_factor ada" in line for line in lines)
    use(NEW)  # starts
    assert rewrapping.state().counts == Counts(current=1, unknown=4)
    with pytest.raises(UnknownKey):
        read(row)
    row = Connection.objects.get(pk=row.pk)
    row.credential, row.webhook_secret = "another", "another"
    row.save()
    assert len(reentries()) == 2 and read(row) == ("another", "another")
    assert services.give_up_former_key(by=SYSTEM) == "", "there is nothing more to give up"
    assert AuditEntry.objects.get(action="master_key.give_up").details["before"] == OLD_ID
    use(NEW, OLD)  # somebody found it
    services.go_on()
    assert rewrapping.state().complete and not reentries()


def test_a_key_that_is_here_is_not_given_up(row: Connection, use: Use) -> None:
    use(NEW, OLD)
    assert services.give_up_former_key(by=SYSTEM) == "" and rewrapping.state().sealing == OLD_ID


def test_every_column_has_a_place_where_it_is_entered_again() -> None:
    assert {column.name for column in columns()} == set(PLACES)


def test_a_file_is_read_again_so_that_a_rotation_reaches_who_runs(
    db, settings, monkeypatch, tmp_path: Path
) -> None:
    files = {"GALLEY_MASTER_KEY": tmp_path / "key", "GALLEY_MASTER_KEY_FALLBACKS": tmp_path / "former"}
    for name, file in files.items():
        monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv(f"{name}_FILE", str(file))
        file.write_text("")
    files["GALLEY_MASTER_KEY"].write_text(OLD)
    settings.CONFIGURATION = settings.CONFIGURATION.model_copy(
        update={"galley_master_key": SecretStr(OLD), "gitgrit_encryption_key": SecretStr("")}
    )
    row = make.connection(make.workspace(), webhook_secret="signs")
    files["GALLEY_MASTER_KEY_FALLBACKS"].write_text(f"{OLD}\n")
    files["GALLEY_MASTER_KEY"].write_text(f"{NEW}\n")
    assert keys().ids == [NEW_ID, OLD_ID] and read(row)[1] == "signs"
    files["GALLEY_MASTER_KEY"].unlink()
    assert keys().ids == [OLD_ID], "the value of the start, until the file is back"


@pytest.mark.django_db(transaction=True)
def test_killed_in_the_middle_it_goes_on_where_it_was(use: Use) -> None:
    use(OLD)
    workspace = make.workspace()
    Connection.objects.bulk_create(
        Connection(workspace=workspace, forge="local", name=f"c{number}", webhook_secret=f"s{number}")
        for number in range(300)
    )
    use(NEW, OLD)
    environment = {
        **os.environ,
        "DB_NAME": connection.settings_dict["NAME"],
        "GALLEY_MASTER_KEY": NEW,
        "GALLEY_MASTER_KEY_FALLBACKS": OLD,
    }
    line = [sys.executable, "-m", "seatrial.control.manage", "rewrap_keys"]
    with transaction.atomic():
        Connection.objects.select_for_update().get(name="c150")  # it waits here
        with subprocess.Popen(line, env=environment, stdout=subprocess.DEVNULL) as process:
            eventually(lambda: rewrapping.state().counts.former and rewrapping.state().counts.current > 1)
            process.kill()
        halfway = rewrapping.state().counts
    assert halfway.former and halfway.current + halfway.former == 301, "each is sealed with one of the two"
    services.go_on()
    use(NEW)
    assert rewrapping.verify() == rewrapping.Verified(301, ())
    assert str(Connection.objects.get(name="c299").webhook_secret) == "s299"
