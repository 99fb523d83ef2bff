"""Sample data in which every state occurs once. Used by the tests in a browser and by scripts/screenshots."""

import json
from dataclasses import asdict, dataclass
from datetime import timedelta

from django.utils import timezone

from seatrial.control.accounts.admission.invitations import invite_here
from seatrial.control.accounts.models import Role
from seatrial.control.audit import services as audit
from seatrial.control.audit.actors import Actor
from seatrial.control.fleet.models import Agent
from seatrial.control.forges.github.rights import rights_of_token
from seatrial.control.forges.listings import LISTINGS_OF_WEB, Listing
from seatrial.control.forges.models import Account, Attempt, Drift, Hook
from seatrial.control.forges.protocol import ForgeRepository
from seatrial.control.outbox.models import OutboxMessage
from seatrial.control.policies.authoring import writing
from seatrial.control.policies.badges import services as badges
from seatrial.control.policies.models import Evaluation, NetworkPermission, Policy, PolicyVersion, Waiver
from seatrial.control.policies.notices import services as notices
from seatrial.control.policies.scores.models import DailyScore
from seatrial.control.previews import services as previews
from seatrial.control.previews.models import Environment
from seatrial.control.projects.models import Connection, Project, PullRequest
from tests import factories as make
from tests.detection.examples import EXAMPLES, plan

REACHED = ["anchorage", "beacons", "logbook", "moorings", *(f"pier-{number:02}" for number in range(60))]

FOUND = [
    {
        "path": "requirements.txt",
        "line": 3,
        "message": "httpx has no version",
        "severity": "high",
        "fingerprint": "7c1d1f0e",
        "excerpt": {
            "first": 1,
            "lines": ["django==5.2.8", "psycopg[binary]==3.2.12", "httpx", "uvicorn==0.38.0", ""],
        },
        "fix": "--- a/requirements.txt\n+++ b/requirements.txt\n@@ -3 +3 @@\n-httpx\n+httpx==0.28.1\n",
    },
    {"path": "requirements-dev.txt", "line": 12, "message": "ruff has no version", "severity": "low"},
]


@dataclass
class Harbour:
    """The rows that pages are opened at."""

    cast: make.Cast
    project: Project
    live: Environment
    building: Environment
    failed: Environment
    stopped: Environment
    evaluation: Evaluation
    weak: Evaluation
    away: Environment
    kept: Environment
    hosted: Connection
    fork: PullRequest
    asked: Waiver
    granted: Waiver
    written: Policy
    floats: Evaluation


HOST = [
    {"about": "engine", "well": True, "text": "Docker Engine 20.10.24 answers"},
    {"about": "gvisor", "well": True, "text": "gVisor (runsc) is registered, and 2 sandboxes now run in it"},
    {"about": "firewall", "well": True, "text": "firewall rules keep previews away from this host"},
    {"about": "builder", "well": True, "text": "buildah and what it needs are installed"},
    {
        "about": "registry",
        "well": False,
        "text": "docker.io limits how much may be pulled (429 Too Many Requests)",
        "fix": "Wait until it allows more",
        "grave": False,
    },
]


def fill() -> Harbour:
    """Make everything."""
    cast = make.Cast()
    shop = make.project(cast.workspace, "chandlery", ttl_hours=72)
    agent = make.agent("dock-1")
    agent.heartbeat["host"] = HOST
    agent.save()
    gone = make.agent(
        "dock-2",
        state="offline",
        last_heartbeat_at=timezone.now() - timedelta(minutes=14),
        heartbeat={"runtime": "docker", "sandbox": "runc", "cpus": 2, "memory_mb": 4096, "disk_free_mb": 900,
                   "warnings": ["Disk is nearly full: 900 MB are free in the data directory."]},
    )  # fmt: skip
    live = _live(shop, agent)
    building = _building(shop, agent)
    failed = _failed(shop, agent)
    stopped = make.environment(
        make.pull_request(shop, title="Try a lighter mast", author="dina", branch="light-mast"),
        state="terminated",
        stop_cause="person",
        stopped_by="alice",
        terminated_at=timezone.now() - timedelta(minutes=3),
    )
    checks = _checks(live, "passed", "runsc")
    floats = _floats(live)
    _checks(building, "running", "")
    weak = _checks(failed, "failed", "runc")
    away = _away(make.project(cast.workspace, "lighthouse"), gone)
    _records(cast, shop)
    kept = _kept(shop, agent)
    hosted = _hosted(cast)
    fork = make.pull_request(
        shop, title="Chart the reef", author="zoe", from_fork=True, draft=True, labels=["help wanted"]
    )
    _networked(weak)
    asked, granted = _waivers(weak)
    _scores(cast)
    written = _written(cast)
    invite_here("charlie", cast.workspace, Role.DEVELOPER, by=Actor.person("alice"))
    _sent()
    return Harbour(
        cast, shop, live, building, failed, stopped, checks, weak, away, kept, hosted, fork, asked, granted,
        written, floats,
    )  # fmt: skip


def _sent() -> None:
    """The bus has every message: after a few seconds of a slow test, the pages would say that they wait for it."""
    OutboxMessage.objects.update(published_at=timezone.now())


WRITTEN = '''"""Every service has an owner.

Looks for a CODEOWNERS file, and for a line in it that covers each folder below `services/`.
"""

NAME = "Owned services"
CRITERIA = {"events": ["pull_request", "push"], "languages": ["Python", "Go"]}
PARAMS = {"folder": "services", "most": 0, "strict": False, "places": ["CODEOWNERS", "docs/CODEOWNERS"], "weights": {"a": 1}}
TESTS = [{"name": "no services", "input": {"files": {"CODEOWNERS": "* @us"}}, "expected": {"passed": True}}]


def evaluate(project, params, log):
    files = project.list_files()  # sorted
    owners = next((path for path in params["places"] if path in files), None)
    if owners is None:
        return {"passed": False, "score": 0, "message": f"No CODEOWNERS file; looked at {params['places']}."}
    return {"passed": True, "score": 100, "details": {"file": owners}}
'''


def _written(cast: make.Cast) -> Policy:
    """A policy that people wrote, with three versions."""
    alice, bob = Actor.person("alice"), Actor.person("bob")
    policy = writing.create(cast.workspace, "owned-services", WRITTEN, by=alice, note="The first one")
    newer = WRITTEN.replace('"score": 100', '"score": 100, "message": f"{owners} names owners."')
    writing.edit(policy, newer, based_on=1, by=bob, note="A pass says what proves it")
    writing.set_params(policy, {"folder": "apps"}, based_on=2, by=alice)
    return policy


SCORED = {"chandlery": (71.5, 12, 3, 1, 0), "lighthouse": (48.0, 4, 5, 0, 2), "charts": (96.5, 15, 0, 0, 0)}


def _scores(cast: make.Cast) -> None:
    """Days on which nothing was taken are gaps, and one project has no score at all."""
    today = timezone.now()
    cast.workspace.projects.filter(name__in=("chandlery", "lighthouse")).update(stack="django")
    told = notices.subscribe(
        cast.workspace,
        "https://chat.example.com/hooks/harbour",
        ["evaluation_finished"],
        by=Actor.person("alice"),
    )
    body = {"type": "evaluation_finished"}
    told.notices.create(kind="evaluation_finished", body=body, status=200, attempts=1, over=True)
    told.notices.create(
        kind="evaluation_finished", body=body, status=503, attempts=9, over=True, problem="It answered 503."
    )
    told.notices.create(kind="evaluation_finished", body=body)
    badges.publish(cast.workspace.projects.get(name="chandlery"), by=Actor.person("alice"))
    for name, (score, passed, failed, waived, errored) in SCORED.items():
        project = cast.workspace.projects.get(name=name)
        DailyScore.objects.bulk_create(
            DailyScore(
                project=project,
                day=(today - timedelta(days=back)).date(),
                score=round(min(100.0, max(0.0, score - back / 4 + 9 * ((back // 7) % 3 - 1))), 1)
                if back
                else score,
                passed=passed,
                failed=failed,
                waived=waived,
                errored=errored,
                basis="default_branch" if name == "charts" else "pull_requests",
                taken_at=today - timedelta(days=back),
            )
            for back in range(80)
            if not 30 < back < 36
        )


def _networked(weak: Evaluation) -> None:
    """One of its policies ran with the network, which the workspace permits."""
    readme = weak.results.filter(state="passed").order_by("pk").first()
    assert readme is not None
    readme.network = "gitgrit_internal"
    readme.save()
    PolicyVersion.objects.filter(pk=readme.version_id).update(network=True)
    NetworkPermission.objects.create(workspace=weak.project.workspace, by="alice")


def _waivers(weak: Evaluation) -> tuple[Waiver, Waiver]:
    """One waits for a decision; one is in force, so one of the failures is waived."""
    licence, locks = (
        weak.versions.get(policy__name=name) for name in ("Licence present", "Lock files committed")
    )
    asked = make.waiver(
        weak.project,
        licence,
        reason="The lawyers choose one this month: LEGAL-41.",
        requested_by="dina (forge:git.example.com)",
    )
    granted = make.waiver(
        weak.project,
        locks,
        path="search/generated",
        reason="A generator writes these, and pins by itself.",
        requested_by="bob",
        state="approved",
        decided_by="alice",
        decided_at=timezone.now(),
        note="Until the generator is replaced.",
    )
    waived = weak.results.get(version=locks)
    waived.state = "waived"
    waived.save()
    granted.results.add(waived)
    weak.waived = 1
    weak.save()
    return asked, granted


def _hosted(cast: make.Cast) -> Connection:
    """A connection to a code host: one repository is well, one has no webhook, one waits."""
    connection = make.connection(
        cast.workspace,
        forge="github",
        name="seatrial-bot at git.example.com",
        base_url="https://git.example.com",
    )
    Account.objects.create(
        connection=connection,
        login="seatrial-bot",
        version="GitHub Enterprise Server 3.17",
        rights=[asdict(right) for right in rights_of_token(None)],
        expires_at=timezone.now() + timedelta(days=11, hours=2),
        asked_at=timezone.now() - timedelta(minutes=20),
    )
    named = {
        "harbour/charts": {"problem": "", "checked_at": timezone.now() - timedelta(minutes=12)},
        "harbour/pilot-book": {
            "problem": "git.example.com has nothing at /api/v3/repos/harbour/pilot-book/hooks, or hides it",
            "checked_at": timezone.now() - timedelta(minutes=3),
        },
        "harbour/tides": None,
    }
    for number, (full_name, hook) in enumerate(named.items(), start=7):
        project = make.project(
            cast.workspace,
            full_name.partition("/")[2],
            connection=connection,
            external_id=str(number),
            full_name=full_name,
            web_url=f"https://git.example.com/{full_name}",
        )
        if hook is not None:
            Hook.objects.create(project=project, asked_at=timezone.now(), **hook)
    reached = [
        ForgeRepository(
            external_id=str(number),
            full_name=full_name,
            name=full_name.partition("/")[2],
            clone_url="",
            web_url="",
            default_branch="main",
            manageable=full_name != "harbour/logbook",
        )
        for number, full_name in enumerate([*named, *(f"harbour/{name}" for name in REACHED)], start=7)
    ]
    LISTINGS_OF_WEB._kept[connection.pk] = (connection.updated_at, Listing(iter(reached)))
    return connection


def _live(shop: Project, agent: Agent) -> Environment:
    pull = make.pull_request(shop, title="Show tide times on the order page", branch="tide-times")
    environment = make.running(pull, agent=agent)
    assert environment.live is not None
    make.phases(
        environment.live, ("checkout", 0, 0.4), ("recipe", 0.4, 0.05), ("build web", 0.5, 11.8),
        ("build api", 0.5, 7.2), ("start", 12.4, 1.3), ("health", 13.7, 2.2), ("switch", 15.9, 0.3),
    )  # fmt: skip
    return environment


def _building(shop: Project, agent: Agent) -> Environment:
    pull = make.pull_request(shop, title="Weigh parcels in kilograms", author="bob", branch="kilograms")
    environment = make.environment(pull, state="building", agent=agent)
    found = plan(EXAMPLES["vite-yarn"])
    detected = {
        "title": found.title,
        "reasons": [one._asdict() for one in found.reasons],
        "dockerfile": found.dockerfile,
    }
    candidate = make.deployment(environment, state="building", detected=detected)
    environment.candidate = candidate
    environment.save()
    begun = timezone.now() - timedelta(seconds=9)
    make.phases(
        candidate, ("checkout", 0, 0.5), ("recipe", 0.5, 0.04), ("build web", 0.6, None),
        ("build api", 0.6, 4.4), start=begun,
    )  # fmt: skip
    return environment


def _failed(shop: Project, agent: Agent) -> Environment:
    pull = make.pull_request(shop, title="Move the search to its own service", author="dina", branch="search")
    environment = make.environment(pull, state="pending", agent=agent)
    attempt = make.deployment(
        environment,
        state="failed",
        reason="unhealthy",
        failed_service="search",
        message="search: GET /health on port 9200 answered nothing within 60 s. The container listens on 127.0.0.1:9200 only.",
        log_tail=[
            "search | loading 41,233 products",
            "search | index built in 2.9 s",
            "search | listening on 127.0.0.1:9200",
        ],
        finished_at=timezone.now(),
    )
    make.phases(attempt, ("checkout", 0, 0.4), ("recipe", 0.4, 0.05), ("build search", 0.5, 9.1),
                ("start", 9.7, 1.0), ("health", 10.7, 58.0), start=timezone.now() - timedelta(seconds=70),
                failed="health")  # fmt: skip
    return environment


def _kept(shop: Project, agent: Agent) -> Environment:
    """Somebody stopped it a moment ago, and can undo that."""
    pull = make.pull_request(shop, title="Print the tide table", author="bob", branch="tide-table")
    environment = make.running(pull, agent=agent)
    previews.stop(environment, by=Actor.person("dina"))
    environment.refresh_from_db()
    return environment


def _away(lighthouse: Project, agent: Agent) -> Environment:
    """Running when its agent was last heard; its checks never came to an end."""
    environment = make.running(make.pull_request(lighthouse, title="Turn the lamp faster"), agent=agent)
    make.evaluation(
        environment.pull_request,
        state="errored",
        message="The agent lost contact while the policies ran. Push again, or run the checks again.",
        finished_at=timezone.now(),
    )
    return environment


def _checks(of: Environment, state: str, isolation: str) -> Evaluation:
    pull = of.pull_request
    done = state != "running"
    evaluation = make.evaluation(
        pull, state=state, isolation=isolation, seconds=1.84 if done else None,
        score=(100.0 if state == "passed" else 62.5) if done else None,
    )  # fmt: skip
    space = of.project.workspace
    policies = [
        ("Readme present", "A README tells a newcomer what this is.", "README.md is there, 64 lines."),
        ("Licence present", "The licence is stated.", "LICENSE is the MIT licence."),
        ("No large files", "No file above 5 MB in the repository.", "The largest file has 212 KB."),
        ("Lock files committed", "Every dependency is pinned.", "requirements.txt pins 31 of 31."),
    ]
    for index, (name, description, message) in enumerate(policies):
        version = make.policy(space, name, description)
        evaluation.versions.add(version)
        if not done:
            continue
        fails = state == "failed" and index in {1, 3}
        make.result(
            evaluation, version, state="failed" if fails else "passed", score=25.0 if fails else 100.0,
            message="No LICENSE, LICENSE.md or COPYING at the top of the repository." if fails else message,
            details={"looked_at": ["LICENSE", "LICENSE.md", "COPYING"]} if fails else {},
            findings=FOUND if fails and index == 3 else [],
            logs=[{"level": "info", "message": "3 candidates"}] if fails else [],
            seconds=0.041 + index / 10, memoised=index == 2,
        )  # fmt: skip
    return evaluation


def _floats(of: Environment) -> Evaluation:
    assert of.live is not None
    evaluation = make.evaluation(
        of.pull_request, event="preview", deployment=of.live.pk, state="failed", score=75.0, seconds=3.2
    )
    for name, state, message in (
        ("Every link answers", "passed", "12 addresses of the preview answer."),
        ("Nobody runs as root", "failed", "web runs as root: neither its recipe nor its image names a user."),
    ):
        version = make.policy(of.project.workspace, name, "Looks at the running preview.")
        version.live = True
        version.save()
        evaluation.versions.add(version)
        score = 100.0 if state == "passed" else 50.0
        make.result(evaluation, version, state=state, score=score, message=message, seconds=1.4)
    return evaluation


def _records(cast: make.Cast, shop: Project) -> None:
    link = shop.connection
    about = {"external_id": shop.external_id, "repository": "harbour/chandlery", "number": 1}
    make.delivery(
        link,
        handled_at=timezone.now(),
        outcome="deployment of pr-1-chandlery; evaluation of 4 policies",
        ending="done",
        **about,
    )
    push = make.delivery(
        link,
        event="push",
        headers={"X-GitHub-Event": "push", "X-GitHub-Delivery": "0b989ba4-242f-11e5-81e1-c7b6966d2516"},
        body=json.dumps(
            {"ref": "refs/heads/main", "repository": {"full_name": "harbour/chandlery"}}
        ).encode(),
        handled_at=timezone.now(),
        outcome="nothing new for the preview",
        ending="done",
        fetched=True,
        delivery_id="0b989ba4-242f-11e5-81e1-c7b6966d2516",
        **about,
    )
    Attempt.objects.create(
        delivery=push, failed=True, outcome="failed after 1 attempt: no space left on device"
    )
    Attempt.objects.create(delivery=push, failed=False, outcome=push.outcome, by="alice")
    make.delivery(
        link, result="rejected (signature)", outcome="The signature does not match", handled_at=timezone.now()
    )
    make.delivery(
        link,
        handled_at=timezone.now(),
        outcome="ignored: no project is connected to repository harbour/museum",
        ending="not connected",
        external_id="77",
        repository="harbour/museum",
    )
    make.delivery(link)
    audit.record("session.sign_in", "user/alice", by=Actor.person("alice", address="192.0.2.7"))
    audit.record(
        "environment.rebuild", "environment/pr-1-chandlery", by=Actor.person("alice"), workspace=cast.workspace.pk,
        details={"commit": make.sha(1)},
    )  # fmt: skip


def talk(harbour: Harbour) -> None:
    """Log lines of a build and of what runs, on the bus."""
    from tests.dashboard.lines import say

    live = harbour.live
    say(live, "_system", "checked out tide-times", "galley.yml names 3 services", source="system")
    say(
        live, "web", "STEP 1/6: FROM python:3.11-slim", "STEP 2/6: WORKDIR /app", "STEP 3/6: COPY requirements.txt .",
        "STEP 4/6: RUN pip install -r requirements.txt", "Successfully installed flask-3.1.0 gunicorn-23.0.0",
        "STEP 6/6: CMD gunicorn -b 0.0.0.0:8000 app:app", source="build",
    )  # fmt: skip
    say(live, "db", "database system is ready to accept connections")
    say(live, "api", "listening on 0.0.0.0:9000", "migrations: nothing to do")
    say(live, "api", "slow query: SELECT * FROM tides took 412 ms", stream="stderr")
    say(live, "web", "GET / 200 in 4 ms", "GET /orders/17 200 in 9 ms", "GET /static/app.css 200 in 1 ms")


def drift(harbour: Harbour) -> None:
    """Changes for which no webhook came."""
    at = timezone.now() - timedelta(minutes=9)
    for of in (harbour.project, harbour.hosted.projects.earliest("id")):
        for number in (1, 2, 3):
            Drift.objects.create(project=of, kind="opened", number=number, at=at, confirmed_at=at)
