"""The page and REST of keys: what they show, what they do, and who is refused."""

from typing import Any

import pytest
from django.test import Client

from seatrial.control.accounts import tokens
from seatrial.control.accounts.access import Scope
from seatrial.control.accounts.models import User
from seatrial.control.audit.actors import SYSTEM
from seatrial.control.audit.models import AuditEntry
from seatrial.control.keys import services
from seatrial.control.keys.overview import ABOUT, KeyKind, overview
from seatrial.control.policies.signing.models import SigningKey
from seatrial.control.policies.signing.services import current_key
from seatrial.control.projects.models import Connection
from seatrial.control.vault.errors import WrongMasterKey
from tests import factories as make
from tests.keys.conftest import NEW, NEW_ID, OLD, OLD_ID, Use

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]

PAGES = ["/keys", "/keys/signing-key/rotate"]
POSTS = ["/keys/master-key/rewrap", "/keys/master-key/verify", "/keys/signing-key/rotate"]


@pytest.fixture
def cast() -> make.Cast:
    return make.Cast()


@pytest.fixture
def root(cast: make.Cast) -> User:
    return make.user("root", is_superuser=True)


def page_of(person: User | None) -> Client:
    client = Client()
    if person is not None:
        client.force_login(person)
    return client


def rest(person: User, method: str, path: str) -> tuple[int, Any]:
    token = tokens.issue(person, "script", by=SYSTEM)
    answer = Client(headers={"Authorization": f"Bearer {token}"}).generic(method, f"/api/v1{path}")
    return answer.status_code, answer.json()


def test_owners_teammates_and_strangers_are_refused_everywhere(cast: make.Cast) -> None:
    key = current_key().key_id
    for person in (cast.alice, cast.bob, cast.charlie):
        assert {page_of(person).get(path).status_code for path in [*PAGES, "/keys/stream"]} == {403}
        assert {page_of(person).post(path).status_code for path in POSTS} == {403}
        assert {rest(person, "POST", path)[0] for path in POSTS} == {403}
        assert rest(person, "GET", "/keys")[0] == 403
    assert {page_of(None).get(path).status_code for path in PAGES} == {302}
    assert {Client().post(f"/api/v1{path}").status_code for path in POSTS} == {401}
    assert current_key().key_id == key
    assert not AuditEntry.objects.filter(action__in=["master_key.rotate", "signing_key.rotate"]).exists()


def test_a_token_with_scopes_is_refused_also_the_instance_admins(root: User) -> None:
    token = tokens.make(root, "script", [Scope.READ], 1, by=SYSTEM)
    answer = Client(headers={"Authorization": f"Bearer {token}"}).get("/api/v1/keys")
    assert answer.status_code == 403 and "no scope allows it" in answer.json()["error"]["message"]


def test_the_page_leads_through_a_rotation(cast: make.Cast, root: User, use: Use) -> None:
    use(OLD)
    row = make.connection(cast.workspace, credential="of-the-code-host")
    client = page_of(root)
    page = client.get("/keys").content.decode()
    assert OLD_ID in page and "To rotate it" in page and "Re-wrap</button>" not in page
    use(NEW, OLD)
    assert f"The key <code>{NEW_ID}</code> is ready" in client.get("/keys").content.decode()
    assert client.post("/keys/master-key/rewrap").status_code == 302
    assert "Re-wrapping: 1 of 3 stored secrets" in client.get("/keys").content.decode()
    closed = client.post("/keys/master-key/verify").content.decode()
    assert "Not every secret opens" in closed and f"projects_connection.credential of {row.pk}" in closed
    services.go_on()
    assert "may go from" in client.get("/keys").content.decode()
    assert "Every secret opens" in client.post("/keys/master-key/verify").content.decode()
    assert AuditEntry.objects.get(action="master_key.rotate").actor == "root"
    for secret in (OLD, NEW, "of-the-code-host"):
        assert secret not in page + closed


def test_rest_leads_through_a_rotation(cast: make.Cast, root: User, use: Use) -> None:
    use(OLD)
    make.connection(cast.workspace)
    use(NEW, OLD)
    state = rest(root, "GET", "/keys")[1]["master_key"]
    assert state == {
        "newest": NEW_ID, "sealing": OLD_ID, "fallbacks": [OLD_ID],
        "rewrapped": 2, "behind": 0, "unknown": 0, "complete": False,
    }  # fmt: skip
    assert rest(root, "POST", "/keys/master-key/rewrap")[1]["behind"] == 1
    code, found = rest(root, "POST", "/keys/master-key/verify")
    assert code == 200 and (found["opened"], found["failed"]) == (1, 1)
    assert found["closed"][0]["column"] == "projects.Connection.webhook_secret"
    services.go_on()
    assert rest(root, "POST", "/keys/master-key/rewrap")[1]["complete"], "once more changes nothing"
    assert rest(root, "POST", "/keys/master-key/verify")[1] == {"opened": 2, "failed": 0, "closed": []}


def test_the_key_of_signed_results_is_rotated_by_button_and_rest(root: User) -> None:
    before = current_key().key_id
    client = page_of(root)
    assert "Rotate the key of signed results?" in client.get("/keys/signing-key/rotate").content.decode()
    assert current_key().key_id == before, "asking changes nothing"
    client.post("/keys/signing-key/rotate")
    between = current_key().key_id
    assert rest(root, "POST", "/keys/signing-key/rotate")[1] == {"key_id": current_key().key_id}
    assert SigningKey.objects.count() == 3 and between not in {before, current_key().key_id}
    assert AuditEntry.objects.filter(action="signing_key.rotate").count() == 2


def test_every_kind_of_key_says_how_and_since_when(cast: make.Cast, root: User) -> None:
    assert set(ABOUT) == set(KeyKind)
    assert all(row.rotated_at is None for row in overview() if row.kind is not KeyKind.API_TOKEN)
    page_of(root).post("/keys/signing-key/rotate")
    services.note_secret_key()
    answer = rest(root, "GET", "/keys")[1]
    known = {row["kind"] for row in answer["keys"] if row["rotated_at"]}
    assert known == {"signing_key", "secret_key", "api_token"}
    for row in answer["keys"]:
        assert not row["page"] or page_of(root).get(row["page"]).status_code == 200, row["kind"]


def test_what_is_lost_is_listed_with_its_place(cast: make.Cast, root: User, use: Use) -> None:
    use(OLD)
    row = make.connection(cast.workspace, name="Forge", credential="token")
    with pytest.raises(WrongMasterKey):
        use(NEW)
    services.give_up_former_key(by=SYSTEM)
    page = page_of(root).get("/keys").content.decode()
    assert "2 secrets cannot be opened" in page and f'href="/connections/{row.pk}/rotate"' in page
    lost = rest(root, "GET", "/keys")[1]["lost"]
    assert {one["page"] for one in lost} == {f"/connections/{row.pk}", f"/connections/{row.pk}/rotate"}
    assert page_of(root).get(f"/connections/{row.pk}").status_code == 200
    assert page_of(root).post(f"/connections/{row.pk}/rotate").status_code == 200
    assert str(Connection.objects.get(pk=row.pk).webhook_secret)


def test_another_secret_key_is_noted_once(settings) -> None:
    services.note_secret_key()
    services.note_secret_key()
    configuration = settings.CONFIGURATION
    settings.CONFIGURATION = configuration.model_copy(
        update={"secret_key": type(configuration.secret_key)("another" * 9)}
    )
    services.note_secret_key()
    noted = AuditEntry.objects.filter(action="secret_key.set").order_by("id")
    assert len({one.details["key_id"] for one in noted}) == noted.count() == 2
    assert "another" not in str([one.details for one in noted])


def test_another_signing_key_beside_the_former_ends_no_session(cast: make.Cast, settings) -> None:
    client = page_of(cast.alice)
    former = settings.SECRET_KEY
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "n" * 20 + "another key" * 3, [former]
    assert client.get("/projects").status_code == 200
    settings.SECRET_KEY_FALLBACKS = []
    assert client.get("/projects").status_code == 200, "it has been signed anew meanwhile"
    settings.SECRET_KEY = "without" * 9
    assert client.get("/projects").status_code == 302, "and a key that signed nothing lets nobody in"
