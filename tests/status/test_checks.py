"""Everything that has to work: each line appears when something is wrong, goes when it is mended, and is the instance admin's alone."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection as database
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from django.utils import timezone
from pydantic import SecretStr

from seatrial.control.accounts.models import ApiToken
from seatrial.control.audit.models import Verification
from seatrial.control.forges.models import (
    Account,
    Delivery,
    DeliveryResult,
    Drift,
    DriftKind,
    Hook,
    StoredBudget,
)
from seatrial.control.forges.oauth.models import Authorization
from seatrial.control.home.health_page import health_fingerprint
from seatrial.control.outbox.models import OutboxMessage
from seatrial.control.outbox.services import Instruction
from seatrial.control.projects.models import Connection, Project
from seatrial.control.status import upkeep
from tests import factories as make

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
HOUR = timedelta(hours=1)


@pytest.fixture
def cast() -> make.Cast:
    return make.Cast()


@pytest.fixture
def admin() -> Client:
    made = Client()
    made.force_login(make.user("root", is_superuser=True))
    return made


@pytest.fixture
def host(cast: make.Cast) -> Connection:
    return make.connection(
        cast.workspace, name="acme", forge="gitea", base_url="https://git.test", webhook_secret="s" * 32
    )


@pytest.fixture
def project(cast: make.Cast, host: Connection) -> Project:
    return make.project(cast.workspace, "shop", connection=host)


def wrong(admin: Client, about: str) -> list[dict[str, Any]]:
    upkeep._lost.cache_clear()
    rows = admin.get("/api/v1/health/checks").json()
    assert all(row["fix"] for row in rows if not row["well"] and row["grave"]), "each grave one has its fix"
    found = [row for row in rows if row["about"] == about and not row["well"]]
    page = admin.get("/health").content.decode()
    assert [
        row["text"] for row in found if row["text"].split(":")[0].replace("'", "&#x27;") not in page
    ] == []
    return found


def one(admin: Client, about: str) -> dict[str, Any]:
    (found,) = wrong(admin, about)
    return found


def test_nobody_but_the_instance_admin_reads_them(cast: make.Cast, host: Connection) -> None:
    for person in (cast.alice, cast.bob, cast.charlie):
        client = Client()
        client.force_login(person)
        answer = client.get("/api/v1/health/checks")
        assert answer.status_code == 403 and "acme" not in answer.content.decode()
        assert health_fingerprint(person) is None
    assert Client().get("/api/v1/health/checks").status_code == 401


def test_a_server_on_which_all_is_well_says_so(admin: Client, project: Project) -> None:
    make.agent("dock")
    rows = admin.get("/api/v1/health/checks").json()
    assert [row["text"] for row in rows if not row["well"]] == []
    assert {"database", "schema", "messages", "agent", "sandbox", "clock", "secrets", "webhooks"} <= {
        row["about"] for row in rows
    }
    assert "All is well" in admin.get("/health").content.decode()


def test_a_migration_that_is_missing(admin: Client) -> None:
    rows = MigrationRecorder.Migration.objects.filter(app="audit").order_by("-id")[:1]
    (row,) = rows
    row.delete()
    assert f"lacks 1 migration of this release: audit.{row.name}" in one(admin, "schema")["text"]
    row.save()
    assert wrong(admin, "schema") == []


def test_orders_that_wait_for_long(admin: Client) -> None:
    long_ago = timezone.now() - HOUR
    row = OutboxMessage.objects.create(subject=Instruction.REPORT, body={}, due_at=long_ago, attempts=3)
    assert wrong(admin, "queue") == []
    OutboxMessage.objects.filter(pk=row.pk).update(created_at=long_ago)
    said = one(admin, "queue")
    assert "1 order to report waited since" in said["text"] and "1 of which failed" in said["text"]
    assert not said["grave"]
    OutboxMessage.objects.filter(pk=row.pk).update(published_at=timezone.now())
    assert wrong(admin, "queue") == []


def test_an_order_for_later_does_not_wait_yet(admin: Client) -> None:
    row = OutboxMessage.objects.create(
        subject=Instruction.CONFIRM, body={}, due_at=timezone.now() + timedelta(minutes=1)
    )
    OutboxMessage.objects.filter(pk=row.pk).update(created_at=timezone.now() - HOUR)
    assert wrong(admin, "queue") == []


def test_a_secret_that_no_key_opens(admin: Client, host: Connection) -> None:
    assert wrong(admin, "secrets") == []
    with database.cursor() as cursor:  # as another master key would have left it
        cursor.execute(
            "UPDATE projects_connection SET webhook_secret = REGEXP_REPLACE(webhook_secret, '^v2.[0-9a-f]{16}', %s) WHERE id = %s",
            ["v2." + "0" * 16, host.pk],
        )
    said = one(admin, "secrets")
    assert "The webhook secret of the connection acme" in said["text"] and said["grave"]
    host.webhook_secret = "another" * 5
    host.save()
    assert wrong(admin, "secrets") == []


def test_an_audit_log_that_does_not_hold_or_is_not_verified(admin: Client) -> None:
    row = Verification.objects.create(
        at=timezone.now(), number=3, hash="h", fault="changed", says="entry 3 differs"
    )
    assert "entry 3 differs" in one(admin, "audit")["text"]
    Verification.objects.update(fault="", at=timezone.now() - timedelta(days=3))
    said = one(admin, "audit")
    assert "was verified last at" in said["text"] and not said["grave"]
    Verification.objects.filter(pk=row.pk).update(at=timezone.now())
    assert wrong(admin, "audit") == []


def test_a_token_in_use_that_ends_soon(admin: Client, cast: make.Cast) -> None:
    soon = timezone.now() + timedelta(days=2)
    token = ApiToken.objects.create(user=cast.bob, name="ci", prefix="st_", digest="d", expires_at=soon)
    assert wrong(admin, "token") == [], "nobody uses it"
    ApiToken.objects.update(last_used_at=timezone.now())
    assert f"The API token ci of {cast.bob.get_username()} ends at" in one(admin, "token")["text"]
    token.delete()
    assert wrong(admin, "token") == []


def test_an_agent_that_is_away_says_why_and_what_it_had_warned_of(admin: Client) -> None:
    agent = make.agent("dock", state="offline", heartbeat={"warnings": ["the disk is nearly full"]})
    said = one(admin, "agent")
    assert said["text"] == "Agent dock is offline (it had warned: the disk is nearly full)"
    assert said["fix"].startswith("It went silent on") and said["fix"].endswith("revoke the agent")
    assert said["subject"] == agent.pk
    agent.last_heartbeat_at = None
    agent.save()
    assert "was never heard since" in one(admin, "agent")["fix"]
    agent.state, agent.last_heartbeat_at = "online", timezone.now()
    agent.save()
    assert wrong(admin, "agent") == []


def test_an_agent_of_a_release_that_is_too_far_from_ours(admin: Client) -> None:
    agent = make.agent("dock", release="0.9.0")
    assert "dock: its release 0.9.0 is more than one minor release ahead" in one(admin, "release")["text"]
    agent.state = "offline"
    agent.save()
    assert wrong(admin, "release") == []


@pytest.mark.parametrize("result", [result for result in DeliveryResult if result != DeliveryResult.ACCEPTED])
def test_webhooks_that_are_rejected_until_one_is_accepted(
    admin: Client, host: Connection, result: DeliveryResult
) -> None:
    make.delivery(host, result=result)
    make.delivery(host, result=result)
    said = one(admin, "webhooks")
    assert f"acme: 2 deliveries {result} and none accepted since" in said["text"]
    assert said["subject"] == host.pk
    assert said["grave"] is (result == DeliveryResult.REJECTED_SECRET)
    make.delivery(host)
    assert wrong(admin, "webhooks") == []


def test_rejections_of_yesterday_are_over(admin: Client, host: Connection) -> None:
    row = make.delivery(host, result=DeliveryResult.REJECTED_SIGNATURE)
    assert wrong(admin, "webhooks")
    Delivery.objects.filter(pk=row.pk).update(received_at=timezone.now() - timedelta(days=2))
    assert wrong(admin, "webhooks") == []


def test_webhooks_that_were_given_up(admin: Client, host: Connection) -> None:
    row = make.delivery(host, ending="given up", handled_at=timezone.now())
    assert "1 delivery of the last day given up" in one(admin, "webhooks")["text"]
    Delivery.objects.filter(pk=row.pk).update(ending="done")
    assert wrong(admin, "webhooks") == []


def test_changes_without_any_webhook_name_what_code_hosts_refuse(
    admin: Client, host: Connection, project: Project
) -> None:
    now = timezone.now()
    Drift.objects.create(project=project, kind=DriftKind.PUSHED, number=1, at=now, confirmed_at=now)
    said = one(admin, "webhooks")
    assert said["text"] == "1 change of shop came without a webhook in the last hour"
    assert "ALLOWED_HOST_LIST" in said["fix"] and "Outbound requests" in said["fix"]
    make.delivery(host)
    assert "ALLOWED_HOST_LIST" not in one(admin, "webhooks")["fix"], "the code host does reach this server"
    Drift.objects.update(at=now - 2 * HOUR)
    assert wrong(admin, "webhooks") == []


def test_a_webhook_that_is_not_as_it_should_be(admin: Client, project: Project) -> None:
    now = timezone.now()
    hook = Hook.objects.create(project=project, asked_at=now, problem="the code host refuses its address")
    assert "the webhook of shop is not as it should be" in one(admin, "webhooks")["text"]
    hook.problem = ""
    hook.save()
    assert wrong(admin, "webhooks") == []


def test_a_connection_without_a_webhook_secret(admin: Client, host: Connection) -> None:
    Connection.objects.filter(pk=host.pk).update(webhook_secret="")
    assert one(admin, "webhooks")["grave"]
    Connection.objects.filter(pk=host.pk).update(removal_asked_at=timezone.now())
    assert wrong(admin, "webhooks") == []


def test_a_credential_that_lacks_something_ends_or_gets_no_answer(admin: Client, host: Connection) -> None:
    account = Account.objects.create(
        connection=host,
        asked_at=timezone.now(),
        problem="git.test answers 401",
        missing=["the scope api"],
        expires_at=timezone.now() + HOUR,
    )
    texts = [said["text"] for said in wrong(admin, "credential")]
    assert [
        word in text
        for word, text in zip(("401", "lacks the scope api", "is good until"), texts, strict=True)
    ] == [True] * 3
    account.problem, account.missing, account.expires_at = "", [], timezone.now() - HOUR
    account.save()
    said = one(admin, "credential")
    assert "ended at" in said["text"] and said["grave"]
    account.expires_at = None
    account.save()
    assert wrong(admin, "credential") == []


def test_an_authorization_that_has_ended(admin: Client, host: Connection) -> None:
    row = Authorization.objects.create(connection=host, by="alice", at=timezone.now(), problem="withdrawn")
    assert "The authorization of acme cannot be renewed" in one(admin, "credential")["text"]
    row.ended = True
    row.save()
    assert "The authorization of acme has ended" in one(admin, "credential")["text"]
    row.problem = ""
    row.save()
    assert wrong(admin, "credential") == []


def test_a_code_host_that_wants_to_be_asked_nothing(admin: Client, host: Connection) -> None:
    budget = StoredBudget.objects.create(connection=host, paused_until=timezone.now() + HOUR)
    assert (
        "acme waits for the code host, which wants to be asked nothing until" in one(admin, "budget")["text"]
    )
    budget.paused_until = timezone.now() - HOUR
    budget.save()
    assert wrong(admin, "budget") == []


def test_the_redirect_uri_of_sign_in_is_shown_letter_for_letter(admin: Client, settings: Any) -> None:
    settings.CONFIGURATION = settings.CONFIGURATION.model_copy(
        update={"auth_provider_gitea_enabled": True, "gitea_url": "https://git.test", "gitea_client_id": "c"}
    )
    assert "Nobody can sign in with Gitea" in one(admin, "sign_in")["text"]
    settings.CONFIGURATION = settings.CONFIGURATION.model_copy(update={"gitea_client_secret": SecretStr("s")})
    assert wrong(admin, "sign_in") == []
    page = admin.get("/health").content.decode()
    assert f"{settings.SITE_URL}/accounts/gitea/login/callback/" in page
