"""Pull requests of the repository in which policies are kept: they are read and tested, and nothing of them is taken."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from seatrial.control.forges.connected import Forges
from seatrial.control.outbox.models import OutboxMessage
from seatrial.control.outbox.services import Instruction
from seatrial.control.policies.errors import TooManyTrials
from seatrial.control.policies.models import PolicyVersion, Trial
from seatrial.control.policies.source import reviewing, services, telling
from seatrial.control.policies.source.models import SourceReview
from seatrial.control.policies.source.retention import prune
from seatrial.control.policies.trials import results
from seatrial.control.policies.trials import services as trials
from seatrial.control.projects.models import PullRequest
from seatrial.wire.evaluations import PolicyResult
from seatrial.wire.states import Isolation, ResultState
from seatrial.wire.trials import TrialFinished, TrialResult
from tests import factories as make
from tests.policies.test_policy_source import OLGA, Rules, code, rules

__all__ = ["rules"]  # a fixture
pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
TESTED = (
    code("tested", "Tested") + '\n\nTESTS = [{"name": "passes", "input": {}, "expected": {"passed": True}}]\n'
)


def proposal(rules: Rules, files: dict[str, str], **fields: Any) -> PullRequest:
    commit = rules.push(files, branch="proposal")
    rules.repository.git("checkout", "-q", "main")
    return make.pull_request(rules.project, head_sha=commit, branch="proposal", **fields)


def reviewed(pull_request: PullRequest) -> SourceReview:
    reviewing.proposed(pull_request)
    row = SourceReview.objects.get(commit=pull_request.head_sha)
    return further(row)


def further(row: SourceReview) -> SourceReview:
    reviewing.review(Forges(), {"review": row.pk})
    row.refresh_from_db()
    return row


def finish(row: SourceReview, *, passed: bool) -> SourceReview:
    trial = Trial.objects.get(pk=row.trial_id)
    state = ResultState.PASSED if passed else ResultState.FAILED
    said = PolicyResult(version_id=trial.tried[0]["key"], slug="tested", state=state, score=0)
    found = [TrialResult(result=said, test=0)]
    results.finished("a", TrialFinished(trial=trial.pk, isolation=Isolation.GVISOR, results=found, seconds=1))
    assert OutboxMessage.objects.filter(subject=Instruction.REVIEW, body={"review": row.pk}).count() == 2
    return further(row)


def changes(row: SourceReview) -> dict[str, str]:
    return {one["policy"]: one["change"] for one in row.changes}


def test_it_says_what_would_change_and_takes_nothing(rules: Rules) -> None:
    rules.push({"policies/two.py": code("two", "Two"), "policies/three.py": code("three", "Three")})
    rules.sync()
    services.release(rules.policy("three"), by=OLGA)
    before = list(PolicyVersion.objects.values_list("pk", flat=True))
    (rules.repository.path / "policies/two.py").unlink()
    changed = {
        "policies/one.py": code("second"),
        "policies/new.py": code("x", "New"),
        "policies/three.py": code("y"),
    }
    row = reviewed(proposal(rules, changed))
    assert changes(row) == {"new": "new", "one": "changed", "three": "released", "two": "gone"}
    assert (row.state, row.failures, row.found["untested"]) == ("passed", [], ["new", "one", "three"])
    assert list(PolicyVersion.objects.values_list("pk", flat=True)) == before
    assert "1 new, 1 changed, 1 gone, 1 released" in telling.described(row)


def test_a_broken_file_fails_it_with_its_line(rules: Rules) -> None:
    row = reviewed(proposal(rules, {"policies/one.py": "NAME = 1\n\ndef evaluate(:\n"}))
    assert row.state == "failed" and changes(row) == {}, "a policy whose file cannot be read is not gone"
    (file,) = row.broken
    assert (file["path"], file["broken"][0]["line"]) == ("policies/one.py", 3)
    (noted,) = telling._annotations(row)
    assert (noted.path, noted.line, noted.failed) == ("policies/one.py", 3, True)


@pytest.mark.parametrize(("passed", "state"), [(True, "passed"), (False, "failed")])
def test_its_tests_run_in_a_sandbox_without_network_and_decide(
    rules: Rules, passed: bool, state: str
) -> None:
    row = reviewed(proposal(rules, {"policies/tested.py": "NETWORK = True\n" + TESTED}))
    assert row.state == "running" and further(row).state == "running", "the tests have not ended"
    assert [(one["slug"], one["withheld"]) for one in Trial.objects.get().tried] == [("tested", True)]
    row = finish(row, passed=passed)
    assert row.state == state and changes(row) == {"tested": "new"}
    failed = [(one["test"], one["path"]) for one in row.failures]
    assert failed == ([] if passed else [("passes", "policies/tested.py")])
    assert not PolicyVersion.objects.filter(policy__slug="tested").exists()


def test_code_of_forks_is_read_and_not_run(rules: Rules) -> None:
    row = reviewed(proposal(rules, {"policies/tested.py": TESTED}, from_fork=True))
    assert row.state == "passed" and not Trial.objects.exists() and "fork" in row.problem
    assert changes(row) == {"tested": "new"}


def test_only_pull_requests_to_the_branch_are_reviewed_each_commit_once(rules: Rules) -> None:
    reviewing.proposed(make.pull_request(rules.project, base_branch="other"))
    reviewing.proposed(make.pull_request(make.project(rules.workspace, "shop")))
    assert not SourceReview.objects.exists()
    pull = proposal(rules, {"policies/tested.py": TESTED})
    first = reviewed(pull)
    reviewing.proposed(pull)
    assert SourceReview.objects.count() == 1
    pull.head_sha = rules.first
    pull.save()
    second = reviewed(pull)
    first.refresh_from_db()
    assert (first.state, second.state, second.changes) == ("superseded", "passed", [])
    assert further(first).state == "superseded"


def test_while_there_is_no_room_it_waits_and_what_cannot_be_read_is_said(
    rules: Rules, monkeypatch: pytest.MonkeyPatch
) -> None:
    pull = proposal(rules, {"policies/tested.py": TESTED})
    reviewing.proposed(pull)
    row = SourceReview.objects.get()
    with monkeypatch.context() as full:
        full.setattr(trials, "MOST_AT_ONCE", 0)
        with pytest.raises(TooManyTrials):
            further(row)
    row.refresh_from_db()
    assert (row.state, row.found) == ("queued", {})
    assert further(row).state == "running"
    lost = SourceReview.objects.create(source=rules.source, pull_request=pull, commit="f" * 40)
    reviewing.given_up({"review": lost.pk}, "It does not answer.")
    lost.refresh_from_db()
    assert (lost.state, lost.problem) == ("errored", "It does not answer.")


def test_members_see_it_and_strangers_do_not(rules: Rules) -> None:
    hostile = "policies/<script>.py"
    row = reviewed(proposal(rules, {hostile: "def evaluate(:\n", "policies/one.py": code("second")}))

    def ask(who: Any, address: str) -> Any:
        client = Client()
        client.force_login(who)
        return client.get(address)

    addresses = [f"/policies/git/reviews/{row.pk}", f"/api/v1/policy-reviews/{row.pk}"]
    for address in [*addresses, "/api/v1/workspaces/shop/policy-source/reviews"]:
        assert ask(rules.dana, address).status_code == 200
        assert ask(rules.stranger, address).status_code == 404
    page = ask(rules.dana, addresses[0]).content.decode()
    assert "&lt;script&gt;" in page and "<script>.py" not in page and "A new version" in page
    (listed,) = json.loads(ask(rules.dana, "/api/v1/workspaces/shop/policy-source/reviews").content)
    assert (listed["state"], listed["changes"][0]["policy"]) == ("failed", "one")
    assert f"/policies/git/reviews/{row.pk}" in ask(rules.dana, "/policies/git").content.decode()
    assert prune(timezone.now()) == 0 and prune(timezone.now() + timedelta(days=999)) == 1
