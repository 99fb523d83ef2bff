"""Results are signed: what is signed, with which key, who gets it, and what `verify` refuses."""

import base64
import io
import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from seatrial.control.audit.actors import Actor
from seatrial.control.audit.models import AuditEntry
from seatrial.control.outbox.models import OutboxMessage
from seatrial.control.policies import results as reported
from seatrial.control.policies.deciding import decide_again
from seatrial.control.policies.errors import NotEnded
from seatrial.control.policies.glass.services import break_glass, mend
from seatrial.control.policies.models import Evaluation
from seatrial.control.policies.signing import services
from seatrial.control.policies.signing.models import Attestation, SigningKey
from seatrial.control.worker.errands import signatures
from seatrial.signed.envelope import PREDICATE_TYPE, STATEMENT_TYPE, check, sign
from seatrial.signed.errors import NoEnvelope, NoKey, NotGenuine, OtherKey, SignedError
from seatrial.signed.keys import new_key, private_key, public_keys
from seatrial.wire.evaluations import Digests, EvaluationFinished, PolicyResult
from seatrial.wire.states import EvaluationState, Isolation, ResultState
from tests import factories as make

STATEMENT = {
    "_type": STATEMENT_TYPE,
    "predicateType": PREDICATE_TYPE,
    "subject": [],
    "predicate": {"score": 99},
}
KEY = new_key()
SIGNED = json.dumps(sign(STATEMENT, private_key(KEY.private)))


def test_a_signed_statement_comes_back_as_it_was() -> None:
    statement, key = check(SIGNED, public_keys(KEY.public))
    assert statement == STATEMENT and key == KEY.id
    several = json.dumps([{"public_key": new_key().public}, {"public_key": KEY.public}])
    assert check(SIGNED, public_keys(several))[1] == KEY.id


def test_no_byte_of_it_can_be_changed() -> None:
    keys = public_keys(KEY.public)
    for at, byte in enumerate(SIGNED):
        for other in {"A", "b", "=", "\n", '"'} - {byte}:
            changed = SIGNED[:at] + other + SIGNED[at + 1 :]
            if json_of(changed) == json.loads(SIGNED):
                continue  # a blank between its parts
            with pytest.raises(SignedError):
                check(changed, keys)


def json_of(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def test_another_score_another_key_and_no_signature_are_refused() -> None:
    envelope = json.loads(SIGNED)
    forged = json.dumps({**STATEMENT, "predicate": {"score": 100}}).encode()
    envelope["payload"] = base64.b64encode(forged).decode()
    with pytest.raises(NotGenuine):
        check(json.dumps(envelope), public_keys(KEY.public))
    with pytest.raises(OtherKey, match=KEY.id[:16]):
        check(SIGNED, public_keys(new_key().public))
    renamed = json.loads(json.dumps(sign(STATEMENT, private_key(new_key().private))))
    renamed["signatures"][0]["keyid"] = KEY.id
    with pytest.raises(NotGenuine):
        check(json.dumps(renamed), public_keys(KEY.public))
    with pytest.raises(OtherKey):
        check(json.dumps({**envelope, "signatures": []}), public_keys(KEY.public))


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "5", '{"payload": 1, "payloadType": 2, "signatures": 3}', "[" * 100_000, '{"payload":"","payloadType":"x","signatures":[{}]}'],
)  # fmt: skip
def test_what_is_no_envelope_is_said_to_be_none(text: str) -> None:
    with pytest.raises(NoEnvelope):
        check(text, public_keys(KEY.public))


def test_a_signature_over_something_else_proves_nothing_here() -> None:
    other = sign({"_type": STATEMENT_TYPE, "predicateType": "urn:other"}, private_key(KEY.private))
    with pytest.raises(NoEnvelope):
        check(json.dumps(other), public_keys(KEY.public))


@pytest.mark.parametrize(
    "text", ["", "x", "[]", "{}", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"]
)
def test_what_is_no_key_is_said_to_be_none(text: str) -> None:
    with pytest.raises(NoKey):
        public_keys(text)
    assert KEY.private not in repr(KEY)


class Verdict:
    """An evaluation that an agent has just finished: one policy passed, one failed."""

    def __init__(self) -> None:
        self.owner, self.stranger = make.user("olga"), make.user("sam")
        self.space = make.workspace("shop", owner=self.owner)
        make.workspace("elsewhere", owner=self.stranger)
        self.project = make.project(self.space, "shop", full_name="acme/shop")
        self.readme, self.secrets = (
            make.policy(self.space, "Has readme"),
            make.policy(self.space, "No secrets"),
        )
        self.agent = make.agent("dock-1")
        self.evaluation = make.evaluation(make.pull_request(self.project), state="running", isolation="")
        self.evaluation.versions.set([self.readme, self.secrets])

    def finish(self) -> None:
        results = [
            PolicyResult(
                version_id=version.pk, slug=version.policy.slug, state=ResultState(state), score=score,
                digests=Digests(code="c" * 64, params="d" * 64, answers="e" * 64),
            )
            for version, state, score in ((self.readme, "passed", 100), (self.secrets, "failed", 0))
        ]  # fmt: skip
        finished = EvaluationFinished(
            evaluation=self.evaluation.pk, state=EvaluationState.FAILED, isolation=Isolation.GVISOR, results=results,
            facts="f" * 64, program="a" * 64, python="3.13.5",
        )  # fmt: skip
        reported.finished(self.agent.pk, finished)

    def statement(self) -> Any:
        envelope = json.dumps(Attestation.objects.get().envelope)
        keys = json.loads(Client().get("/api/v1/signing-keys").content)
        return check(envelope, public_keys(json.dumps(keys)))[0]

    def ask(self, who: Any, address: str) -> Any:
        client = Client()
        client.force_login(who)
        return client.get(address.replace("ID", self.evaluation.pk))


@pytest.fixture
def verdict(db: None) -> Verdict:
    return Verdict()


def carry_out() -> None:
    for row in OutboxMessage.objects.filter(subject="sign").order_by("id"):
        signatures().act(row.body)


@pytest.mark.postgres
def test_what_an_agent_reported_is_signed_with_all_that_it_depends_on(verdict: Verdict) -> None:
    verdict.finish()
    carry_out()
    statement = verdict.statement()
    assert statement["subject"] == [{"name": "acme/shop", "digest": {"gitCommit": verdict.evaluation.commit}}]
    predicate = statement["predicate"]
    assert predicate["evaluation"]["state"] == "failed" and predicate["evaluation"]["score"] == 50
    assert predicate["facts"] == {"sha256": "f" * 64}
    assert predicate["runtime"] == {"isolation": "runsc", "python": "3.13.5", "program": {"sha256": "a" * 64}}
    assert predicate["agent"] == {"id": verdict.agent.pk, "name": "dock-1"}
    first, second = predicate["results"]
    assert (first["policy"], first["version"], first["state"]) == ("has-readme", 1, "passed")
    digests = [first[name]["sha256"][0] for name in ("code", "parameters", "answers")]
    assert digests == ["c", "d", "e"] and first["kept"]["sha256"] == verdict.readme.digest
    assert second["waivedBy"] == []


@pytest.mark.postgres
def test_a_waiver_has_it_signed_again_and_nothing_else_does(verdict: Verdict) -> None:
    verdict.finish()
    carry_out()
    first = Attestation.objects.get().signed_at
    carry_out()
    assert Attestation.objects.get().signed_at == first
    until = timezone.now() + timedelta(days=3)
    make.waiver(verdict.project, verdict.secrets, state="approved", decided_by="olga", expires_at=until)
    with transaction.atomic():
        assert decide_again(Evaluation.objects.all()) == 1
    carry_out()
    (waived,) = [row for row in verdict.statement()["predicate"]["results"] if row["state"] == "waived"]
    assert [one["approvedBy"] for one in waived["waivedBy"]] == ["olga"]


@pytest.mark.postgres
def test_what_passes_behind_broken_glass_is_not_signed_as_if_nothing_were_against_it(
    verdict: Verdict,
) -> None:
    verdict.finish()
    carry_out()
    assert verdict.statement()["predicate"]["evaluation"]["glass"] == ""
    evaluation = Evaluation.objects.get()
    asked = {"reason": "the shop is down", "by": Actor.person("olga"), "person": verdict.owner}
    broken = break_glass(evaluation, **asked)
    carry_out()
    signed = verdict.statement()["predicate"]["evaluation"]
    assert signed["state"] == "passed" and signed["glass"].startswith("glass broken by olga until ")
    assert signed["glass"].endswith("the shop is down. Without it: failed")
    mend(broken, by=Actor.person("olga"))
    carry_out()
    signed = verdict.statement()["predicate"]["evaluation"]
    assert (signed["state"], signed["glass"]) == ("failed", "")


@pytest.mark.postgres
def test_a_failure_of_which_all_is_known_is_signed_with_the_weight_that_it_had(verdict: Verdict) -> None:
    verdict.finish()
    row = verdict.evaluation.results.get(version=verdict.secrets)
    row.findings, row.known = [{"message": "old", "fingerprint": "f"}], ["f"]
    row.save()
    carry_out()
    signed = verdict.statement()["predicate"]["results"][1]
    assert (signed["state"], signed["level"]) == ("failed", "advisory")
    assert (signed["findings"]["number"], signed["findings"]["known"]) == (1, 1)


@pytest.mark.postgres
def test_after_a_rotation_both_keys_check_what_they_signed(verdict: Verdict) -> None:
    verdict.finish()
    carry_out()
    old = SigningKey.objects.get()
    said = io.StringIO()
    call_command("rotate_signing_key", stdout=said, stderr=said)
    new = services.current_key()
    assert new.key_id != old.key_id and new.key_id in said.getvalue()
    old.refresh_from_db()
    assert old.private == "" and old.retired_at is not None
    assert verdict.statement()["predicate"]["evaluation"]["id"] == verdict.evaluation.pk
    keys = json.loads(Client().get("/api/v1/signing-keys").content)
    assert [(row["key_id"], row["current"]) for row in keys] == [(new.key_id, True), (old.key_id, False)]
    assert "PRIVATE" not in json.dumps(keys)
    assert AuditEntry.objects.get(action="signing_key.rotate").details == {"key_id": new.key_id}
    with pytest.raises(IntegrityError), transaction.atomic():
        SigningKey(key_id="x", public="", private="p").save(force_insert=True)


@pytest.mark.postgres
def test_who_sees_the_evaluation_gets_its_signed_results(verdict: Verdict) -> None:
    rest, page = "/api/v1/evaluations/ID/attestation", "/evaluations/ID/attestation"
    assert (
        verdict.ask(verdict.owner, rest).status_code == 409
        and verdict.ask(verdict.owner, page).status_code == 302
    )
    with pytest.raises(NotEnded):
        services.attest(verdict.evaluation.pk)
    verdict.finish()
    given = verdict.ask(verdict.owner, rest).json()
    assert given == verdict.ask(verdict.owner, page).json() == Attestation.objects.get().envelope
    assert [verdict.ask(verdict.stranger, address).status_code for address in (rest, page)] == [404, 404]
    assert services.attest("0" * 26) is None


@pytest.mark.postgres
def test_the_private_key_is_sealed_in_the_database(db: None) -> None:
    key = services.current_key()
    assert "PRIVATE" in key.private
    assert "PRIVATE" not in str(SigningKey.objects.values().get()["private"])
    assert services.current_key() == key
