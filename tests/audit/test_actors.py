import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from seatrial.control.audit.actors import SYSTEM, Actor, ActorKind
from seatrial.control.audit.models import AuditEntry
from seatrial.control.audit.services import record

ACTORS = [
    (Actor.person("ada"), ActorKind.PERSON, "ada"),
    (Actor.token("laptop", owner="ada"), ActorKind.TOKEN, "ada (token:laptop)"),
    (Actor.agent("two"), ActorKind.AGENT, "agent:two"),
    (SYSTEM, ActorKind.SYSTEM, "system"),
    (Actor.forge("github"), ActorKind.FORGE, "forge:github"),
    (Actor.anonymous(), ActorKind.ANONYMOUS, "anonymous"),
]


def test_every_kind_of_actor_is_tried_here() -> None:
    assert [kind for _, kind, _ in ACTORS] == list(ActorKind)


@pytest.mark.django_db
@pytest.mark.postgres
@pytest.mark.parametrize(("actor", "kind", "shown"), ACTORS)
def test_an_entry_shows_its_actor_and_knows_what_they_are(actor: Actor, kind: ActorKind, shown: str) -> None:
    entry = record("x.y", "x/1", by=actor)
    entry.refresh_from_db()
    assert (str(actor), entry.actor, entry.actor_kind) == (shown, shown, kind)


@pytest.mark.django_db(transaction=True)
@pytest.mark.postgres
def test_entries_from_before_kinds_were_kept_have_theirs() -> None:
    latest = MigrationExecutor(connection).loader.graph.leaf_nodes("audit")
    before = [("audit", "0002_append_only")]
    try:
        MigrationExecutor(connection).migrate(before)
        old = MigrationExecutor(connection).loader.project_state(before).apps.get_model("audit", "AuditEntry")
        for _, kind, shown in ACTORS:
            if kind is not ActorKind.FORGE:  # there was none
                old.objects.create(actor=shown, action=kind, target="x/1")
    finally:
        MigrationExecutor(connection).migrate(latest)
    rows = AuditEntry.objects.filter(target="x/1")
    assert len(rows) == len(ACTORS) - 1
    assert [(row.action, row.actor_kind) for row in rows if row.action != row.actor_kind] == []
    assert record("x.y", "x/2", by=SYSTEM).actor_kind == ActorKind.SYSTEM, "the column can be written"
