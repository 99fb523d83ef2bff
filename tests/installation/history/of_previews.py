"""What happened to environments, deployments and their hosts."""

from collections.abc import Generator
from typing import Any

from django.apps.registry import Apps
from django.utils import timezone

from tests.installation.history.stories import make, project, pull_request, story

Told = Generator[None, Apps, None]


def environment(then: Apps, of: Any, number: int, **fields: Any) -> Any:
    pull = pull_request(then, of, number)
    return make(
        then, "previews.Environment", project=of, pull_request=pull, name=f"pr-{number}-{of.slug}", **fields
    )


def deployment(then: Apps, of: Any, **fields: Any) -> Any:
    return make(then, "previews.Deployment", environment=of, commit="a" * 40, **fields)


@story("previews", "0002_placement")
def environments_and_deployments_keep_their_agent(then: Apps) -> Told:
    agent = make(then, "fleet.Agent", name="one", public_key="k", seal_key="s")
    of, now = project(then, "placed"), timezone.now()

    def made(number: int, state: str, on: Any, **fields: Any) -> Any:
        row = environment(then, of, number, state=state, agent=on, revision=7, **fields)
        live = deployment(then, row, state="live")
        row.live = live if state == "running" else None
        row.save()
        return row

    running = made(1, "running", agent)
    leaving = made(2, "terminated", agent, terminated_at=now)
    gone = made(3, "terminated", agent, terminated_at=now, removed_at=now)
    waiting = made(4, "building", None)
    later = yield
    placed = {row.environment_id: row for row in later.get_model("previews.Placement").objects.all()}
    assert placed.keys() == {running.pk, leaving.pk, gone.pk}
    assert all(row.agent_id == agent.pk and row.revision == 7 for row in placed.values())
    assert (placed[running.pk].leaving_since, placed[running.pk].removed_at) == (None, None)
    assert (placed[leaving.pk].leaving_since, placed[leaving.pk].removed_at) == (now, None)
    assert placed[gone.pk].removed_at == now
    assert placed[running.pk].created_at == running.created_at
    agents = dict(later.get_model("previews.Deployment").objects.values_list("environment", "agent"))
    assert agents == {running.pk: agent.pk, leaving.pk: agent.pk, gone.pk: agent.pk, waiting.pk: None}


@story("previews", "0005_stop_cause")
def what_stopped_a_preview_becomes_a_word_of_its_own(then: Apps) -> Told:
    of = project(then, "stopped")
    person, age, nobody = (
        environment(then, of, number, state="terminated", stopped_by=by).pk
        for number, by in enumerate(("ada (token:laptop)", "its time to live", ""))
    )
    rows = {row.pk: row for row in (yield).get_model("previews.Environment").objects.all()}
    assert (rows[person].stop_cause, rows[person].stopped_by) == ("person", "ada (token:laptop)")
    assert (rows[age].stop_cause, rows[age].stopped_by) == ("time_to_live", "")
    assert (rows[nobody].stop_cause, rows[nobody].stopped_by) == ("", "")


@story("previews", "0006_label")
def hostnames_belong_to_the_workspace_of_the_preview_that_has_them(then: Apps) -> Told:
    of = project(then, "labelled")
    served = [{"name": "web", "kind": "web"}, {"name": "db", "kind": "database"}]
    living = environment(then, of, 1, state="running", services=served)
    other = project(then, "late")
    ended = environment(then, other, 9, state="terminated")
    ended.name = living.name
    ended.save()
    labels = {row.label: row for row in (yield).get_model("previews.Label").objects.all()}
    assert labels[living.name].environment_id == living.pk
    assert labels[living.name].workspace_id == of.workspace_id
    assert not any(row.workspace_id == other.workspace_id for row in labels.values()), (
        "it was somebody else's"
    )


@story("previews", "0008_waits_for", until=("previews", "0011_confirmed"))
def what_a_deployment_waits_for_becomes_a_column_and_why_one_failed_stays_its_message(then: Apps) -> Told:
    row = environment(then, project(then, "said"), 1)
    route = deployment(then, row, state="starting", message="Waits for its route: Traefik is away.")
    failed = deployment(
        then, row, state="failed", message="Waits for nobody. It exited with 3.", finished_at=timezone.now()
    )
    building = deployment(then, row, state="building", message="")
    rows = {
        row.pk: row for row in (yield).get_model("previews.Deployment").objects.filter(environment=row.pk)
    }
    assert (rows[route.pk].waits_for, rows[route.pk].message) == ("its route: Traefik is away", "")
    assert (rows[failed.pk].waits_for, rows[failed.pk].message) == ("", "Waits for nobody. It exited with 3.")
    assert (rows[building.pk].waits_for, rows[building.pk].notes) == ("", [])
    # Nothing holds what was under way before, nor is a forge asked about it.
    assert all(one.admitted_at == one.confirmed_at == one.created_at for one in rows.values())
    assert all(one.unconfirmed == "" for one in rows.values())
