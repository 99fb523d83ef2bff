"""The planner: which steps follow from the desired state, the host and the work in progress."""

from collections.abc import Mapping
from dataclasses import replace

from seatrial.agent.environments.launch import Launch, Planned
from seatrial.agent.environments.planner import (
    Attempt,
    Cancel,
    Drain,
    Host,
    Progress,
    RemoveContainer,
    RemoveDeployment,
    RemoveEverything,
    RemoveImage,
    Repair,
    StartAgain,
    plan,
)
from seatrial.agent.recipes.recipe import Service
from seatrial.agent.vocabulary.containers import Container, ContainerSpec, ContainerState, RestartPolicy
from seatrial.agent.vocabulary.egress import Egress
from seatrial.agent.vocabulary.labels import DEPLOYMENT, FINGERPRINT, MADE_FOR
from seatrial.wire.deployments import DesiredDeployment, DesiredEnvironment, PreviewAddress, Source
from seatrial.wire.states import Isolation, ServiceKind

OLD = DesiredDeployment(id="old", commit="a" * 40)
NEW = DesiredDeployment(id="new", commit="b" * 40)
NEWER = DesiredDeployment(id="newer", commit="c" * 40)


def desired(
    live: DesiredDeployment | None = None, candidate: DesiredDeployment | None = None
) -> DesiredEnvironment:
    return DesiredEnvironment(
        environment="e1",
        name="pr-1-shop",
        workspace="w",
        project="p",
        repository="r",
        number=1,
        revision=1,
        source=Source(clone_url="/repo"),
        address=PreviewAddress(),
        live=live,
        candidate=candidate,
    )


def planned(
    deployment: str,
    name: str,
    *,
    durable: bool = False,
    restart: RestartPolicy = RestartPolicy.UNLESS_STOPPED,
) -> Planned:
    kind = ServiceKind.DATABASE if durable else ServiceKind.WEB
    labels = {FINGERPRINT: f"f-{name}"} | ({} if durable else {DEPLOYMENT: deployment})
    container = name if durable else f"{deployment}-{name}"
    spec = ContainerSpec(
        name=container, image=f"{name}:{deployment}", labels=labels, networks={f"net-{deployment}": [name]}
    )
    return Planned(Service(name, kind, restart=restart), spec, durable)


def launch(deployment: str, *services: Planned) -> Launch:
    return Launch(deployment, f"net-{deployment}", services, Isolation.CONTAINER, Egress.INTERNET)


def container(
    of: Planned, state: ContainerState = ContainerState.RUNNING, labels: Mapping[str, str] | None = None
) -> Container:
    addresses = dict.fromkeys(of.spec.networks, "10.0.0.2")
    return Container(of.spec.name, labels or of.spec.labels, state, None, addresses, of.spec.image)


def host(*containers: Container, networks: tuple[str, ...] = (), images: tuple[str, ...] = ()) -> Host:
    return Host(
        containers,
        {f"net-{network}": {DEPLOYMENT: network} for network in networks},
        {},
        {image: {} for image in images},
    )


WEB = planned("old", "web")
DB = planned("old", "db", durable=True)
LIVE = Progress(launches={"old": launch("old", WEB)})


def test_a_candidate_is_attempted_once() -> None:
    assert plan(desired(candidate=NEW), Host(), Progress(), 0) == [Attempt(NEW)]
    for busy in (
        Progress(attempt="new"),
        Progress(ready=frozenset({"new"})),
        Progress(failed=frozenset({"new"})),
    ):
        assert plan(desired(candidate=NEW), Host(), busy, 0) == []
    assert plan(desired(candidate=NEW), Host(), Progress(attempt_after=5), 4) == []


def test_a_newer_candidate_cancels_the_older_one_and_takes_its_things_away() -> None:
    there = host(container(planned("new", "web")), networks=("new",))
    assert plan(desired(candidate=NEWER), there, Progress(attempt="new"), 0) == [Cancel("new")]
    cancelled = Progress(discarded=frozenset({"new"}))
    assert plan(desired(candidate=NEWER), there, cancelled, 0) == [RemoveDeployment("new"), Attempt(NEWER)]


def test_what_was_replaced_drains_before_it_goes() -> None:
    new = planned("new", "web")
    there = host(container(WEB), container(new), networks=("old", "new"))
    progress = Progress(
        ready=frozenset({"new"}), launches={"old": launch("old", WEB), "new": launch("new", new)}
    )
    assert plan(desired(live=NEW), there, progress, 0) == [Drain("old")]
    draining = replace(progress, drains={"old": 5.0})
    assert plan(desired(live=NEW), there, draining, 4.9) == []
    assert plan(desired(live=NEW), there, draining, 5.0) == [RemoveDeployment("old")]


def test_live_is_not_touched_while_it_is_well() -> None:
    assert plan(desired(live=OLD), host(container(WEB), networks=("old",)), LIVE, 0) == []


def test_live_is_repaired_when_a_container_is_missing_or_stopped_or_its_network_is_gone() -> None:
    for there in (
        host(networks=("old",)),
        host(container(WEB, ContainerState.EXITED)),
        host(container(WEB)),
    ):
        assert Repair(OLD) in plan(desired(live=OLD), there, LIVE, 0)
    assert plan(desired(live=OLD), host(), replace(LIVE, repair="old"), 0) == []
    assert plan(desired(live=OLD), host(), replace(LIVE, repair_after=9), 8) == []


def test_what_only_has_stopped_is_started_again_at_once_and_repaired_if_that_does_not_last() -> None:
    stopped = container(WEB, ContainerState.EXITED)
    there = host(stopped, networks=("old",))
    again = [StartAgain(WEB, stopped)]
    assert plan(desired(live=OLD), there, LIVE, 100) == again
    lately = replace(LIVE, started_again={WEB.spec.name: 95})
    assert plan(desired(live=OLD), there, lately, 100) == [Repair(OLD)]
    assert plan(desired(live=OLD), there, lately, 106) == again
    assert plan(desired(live=OLD), there, replace(LIVE, repair="old"), 100) == []


def test_what_keeps_data_is_brought_back_by_a_repair_alone() -> None:
    database = planned("old", "db", durable=True)
    known = replace(LIVE, launches={"old": launch("old", database)})
    there = host(container(database, ContainerState.EXITED), networks=("old",))
    assert plan(desired(live=OLD), there, known, 100) == [Repair(OLD)]


def test_a_service_whose_shared_network_is_gone_is_started_again() -> None:
    guest = replace(WEB, spec=replace(WEB.spec, network_of="old-gate"))
    known = replace(LIVE, launches={"old": launch("old", guest)})
    cut_off = replace(container(guest), addresses={})
    assert plan(desired(live=OLD), host(cut_off, networks=("old",)), known, 0) == [StartAgain(guest, cut_off)]


def test_after_a_restart_live_is_looked_at_before_anything_of_it_is_removed() -> None:
    there = host(container(WEB), container(DB), networks=("old",), images=("stray:1",))
    assert plan(desired(live=OLD), there, Progress(), 0) == [Repair(OLD)]


def test_a_service_that_ended_as_it_should_is_not_started_again() -> None:
    once = planned("old", "migrate", restart=RestartPolicy.NEVER)
    progress = Progress(launches={"old": launch("old", once)})
    assert (
        plan(desired(live=OLD), host(container(once, ContainerState.EXITED), networks=("old",)), progress, 0)
        == []
    )


def test_a_service_that_failed_and_that_the_engine_leaves_down_is_started_again() -> None:
    job = planned("old", "job", restart=RestartPolicy.ON_FAILURE)
    progress = Progress(launches={"old": launch("old", job)})
    failed = replace(container(job, ContainerState.EXITED), exit_code=3, stays_down=True)
    assert plan(desired(live=OLD), host(failed, networks=("old",)), progress, 0) == [StartAgain(job, failed)]
    for ended in (replace(failed, exit_code=0), replace(failed, stays_down=False)):
        assert plan(desired(live=OLD), host(ended, networks=("old",)), progress, 0) == []


def test_a_durable_service_of_another_recipe_is_put_back_only_when_no_candidate_wants_it() -> None:
    progress = Progress(launches={"old": launch("old", DB)})
    changed = container(DB, labels={FINGERPRINT: "other", MADE_FOR: "one later than old"})
    there = host(changed, networks=("old",))
    assert plan(desired(live=OLD), there, progress, 0) == [Repair(OLD)]
    trying = replace(progress, attempt="new")
    assert plan(desired(live=OLD, candidate=NEW), there, trying, 0) == []
    assert plan(desired(live=OLD, candidate=NEW), host(networks=("old",)), trying, 0) == [], (
        "it is being replaced"
    )
    failed = replace(progress, failed=frozenset({"new"}))
    assert plan(desired(live=OLD, candidate=NEW), there, failed, 0) == [Repair(OLD)]
    own = host(container(DB, labels={FINGERPRINT: "other", MADE_FOR: "earlier"}), networks=("old",))
    assert plan(desired(live=OLD), own, progress, 0) == [], (
        "other variables or another release replace nothing"
    )


def test_durable_containers_and_images_of_no_recipe_go() -> None:
    there = host(container(WEB), container(DB), networks=("old",), images=("web:old", "db:old"))
    steps = plan(desired(live=OLD), there, LIVE, 0)
    assert steps == [RemoveContainer("db")]  # its image is in use until then
    gone = host(container(WEB), networks=("old",), images=("web:old", "web:older"))
    assert plan(desired(live=OLD), gone, LIVE, 0) == [RemoveImage("web:older")]


def test_an_environment_that_leaves_drains_and_keeps_its_data() -> None:
    """Neither live nor candidate is desired. The environment may come back, so its data stays until its key is deleted."""
    there = host(container(WEB), container(DB), networks=("old",), images=("web:old", "db:old", "older:1"))
    progress = Progress(launches={"old": launch("old", WEB, DB)})
    assert plan(desired(), there, progress, 0) == [Drain("old")]
    draining = replace(progress, drains={"old": 5.0})
    assert plan(desired(), there, draining, 4.9) == [], "the database is there for requests under way"
    assert plan(desired(), there, draining, 5.0) == [RemoveDeployment("old")]
    left = host(container(DB), images=("web:old", "db:old", "older:1"))
    assert plan(desired(), left, Progress(), 6.0) == []
    assert plan(desired(candidate=NEW), left, Progress(), 6.0) == [Attempt(NEW)], "it comes back"
    assert plan(None, left, Progress(), 6.0) == [RemoveEverything()]


def test_an_environment_that_leaves_ends_what_is_under_way() -> None:
    there = host(container(planned("new", "web")), networks=("new",))
    assert plan(desired(), there, Progress(attempt="new"), 0) == [Cancel("new")]
    cancelled = Progress(discarded=frozenset({"new"}))
    assert plan(desired(), there, cancelled, 0) == [RemoveDeployment("new")]
    repairing = Progress(repair="old")
    assert plan(desired(), host(networks=("old",)), repairing, 0) == [Cancel("old")]


def test_after_a_restart_an_environment_that_leaves_is_drained_unseen() -> None:
    there = host(container(WEB), container(DB), networks=("old",), images=("web:old",))
    assert plan(desired(), there, Progress(), 0) == [Drain("old")]


def test_nothing_desired_means_nothing_left() -> None:
    there = host(container(WEB), networks=("old",))
    assert plan(None, there, Progress(attempt="new", repair="old"), 0) == [
        Cancel("new"),
        Cancel("old"),
        RemoveEverything(),
    ]
    assert plan(None, Host(), Progress(), 0) == []


def test_a_failed_candidates_leftovers_go_at_once() -> None:
    there = host(container(WEB), container(planned("new", "web")), networks=("old", "new"))
    progress = replace(LIVE, failed=frozenset({"new"}))
    assert plan(desired(live=OLD, candidate=NEW), there, progress, 0) == [RemoveDeployment("new")]


def test_data_of_the_live_version_is_looked_after_while_the_candidate_is_not_let_in() -> None:
    live = Progress(launches={"old": launch("old", WEB, DB)}, attempt="new")
    there = host(container(WEB), networks=("old",))
    both = desired(live=OLD, candidate=NEW)
    assert plan(both, there, live, 0) == [], "the candidate may be replacing it"
    assert plan(both, there, replace(live, waiting=frozenset({"new"})), 0) == [Repair(OLD)]
