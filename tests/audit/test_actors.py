import pytest

from seatrial.control.audit.actors import SYSTEM, Actor, ActorKind
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
