"""Every page renders for those who may see it, and is not there for those who may not."""

import re
from datetime import timedelta

import pytest
from django.conf import settings
from django.template.loader import render_to_string
from django.test import Client
from django.utils import timezone
from django.utils.html import escape

from seatrial.control.accounts.models import User
from seatrial.control.audit.models import AuditEntry
from seatrial.control.fleet.models import Agent
from seatrial.control.home import overview
from seatrial.control.home.overview import fingerprint, project_context
from seatrial.control.previews.models import Deployment
from seatrial.control.previews.pages.environment import environment_fingerprint
from seatrial.control.projects.services import note_unreachable
from tests.dashboard.harbour import Harbour
from tests.factories import agent, deployment, evaluation, pull_request


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def paths(harbour: Harbour) -> dict[str, str]:
    """Pages that belong to the workspace, by name."""
    return {
        "project": f"/projects/{harbour.project.pk}",
        "live": f"/environments/{harbour.live.pk}",
        "building": f"/environments/{harbour.building.pk}",
        "failed": f"/environments/{harbour.failed.pk}",
        "stopped": f"/environments/{harbour.stopped.pk}",
        "kept": f"/environments/{harbour.kept.pk}",
        "evaluation": f"/evaluations/{harbour.evaluation.pk}",
        "weak evaluation": f"/evaluations/{harbour.weak.pk}",
    }


HOUR = timedelta(hours=1)
COMMON = ["/", "/projects", "/agents"]
RECORDS = ["/deliveries", "/audit"]


def test_members_see_every_page_of_their_workspace(harbour: Harbour) -> None:
    for person in (harbour.cast.alice, harbour.cast.bob):
        client = signed_in(person)
        for path in [*COMMON, *paths(harbour).values()]:
            assert client.get(path).status_code == 200, f"{person} at {path}"


def test_containers_have_the_names_that_docker_ps_shows(harbour: Harbour) -> None:
    page = signed_in(harbour.cast.alice).get(f"/environments/{harbour.live.pk}").content.decode()
    assert {service["container"] for service in harbour.live.services} == set(
        re.findall(r"<code>(galley-[^<]+)</code>", page)
    )


def test_strangers_find_nothing(harbour: Harbour) -> None:
    client = signed_in(harbour.cast.charlie)
    for name, path in paths(harbour).items():
        assert client.get(path).status_code == 404, name
        assert client.get(f"{path}/stream").status_code == 404, name
    assert client.get(f"/environments/{harbour.live.pk}/log").status_code == 404
    for path in COMMON:
        assert "chandlery" not in client.get(path).content.decode(), path


def test_records_are_for_admins(harbour: Harbour) -> None:
    for path in RECORDS:
        assert signed_in(harbour.cast.alice).get(path).status_code == 200
        assert signed_in(harbour.cast.bob).get(path).status_code == 403
        stranger = signed_in(harbour.cast.charlie).get(path)
        assert stranger.status_code == 200  # of their own workspace
        assert "chandlery" not in stranger.content.decode()


@pytest.mark.parametrize("what", ["rebuild", "stop", "undo"])
def test_only_those_who_may_act_can(harbour: Harbour, what: str) -> None:
    path = f"/environments/{harbour.live.pk}/{what}"
    for method in ("post",) if what == "undo" else ("get", "post"):
        assert getattr(signed_in(harbour.cast.bob), method)(path).status_code == 403
        assert getattr(signed_in(harbour.cast.charlie), method)(path).status_code == 404
        assert getattr(Client(), method)(path).status_code == 302
    assert signed_in(harbour.cast.alice).get(path).status_code == (405 if what == "undo" else 200)


def test_the_buttons_are_only_there_for_those_who_may(harbour: Harbour) -> None:
    path = f"/environments/{harbour.live.pk}"
    assert "Stop preview" in signed_in(harbour.cast.alice).get(path).content.decode()
    assert "Stop preview" not in signed_in(harbour.cast.bob).get(path).content.decode()


def test_anonymous_visitors_are_asked_to_sign_in(harbour: Harbour) -> None:
    for path in [*COMMON, *RECORDS, *paths(harbour).values()]:
        answer = Client().get(path)
        assert answer.status_code == 302, path
        assert answer["Location"].startswith("/accounts/login/"), path
    assert Client().get("/stream").status_code == 404
    assert Client().get("/agents/stream").status_code == 404


def test_stopping_a_preview_can_be_undone_on_its_page(harbour: Harbour) -> None:
    client, path = signed_in(harbour.cast.alice), f"/environments/{harbour.live.pk}"
    assert "For 10 minutes everything is kept" in client.get(f"{path}/stop").content.decode()
    answer = client.post(f"{path}/stop", follow=True)
    harbour.live.refresh_from_db()
    assert harbour.live.state == "stopped"
    page = answer.content.decode()
    assert "The preview is being stopped." in page and "Stop preview" not in page
    assert "Stopped by alice, undo until <span title" in page and f'action="{path}/undo"' in page
    assert "Services</h2>" not in page, "what was observed is over"
    colleague = signed_in(harbour.cast.bob).get(path).content.decode()
    assert "Stopped by alice" in colleague and f'action="{path}/undo"' not in colleague
    assert "Stopped or without a preview" in client.get("/").content.decode()
    back = client.post(f"{path}/undo", follow=True).content.decode()
    harbour.live.refresh_from_db()
    assert harbour.live.state == "running"
    assert "The preview runs again as it was." in back and "Stop preview" in back
    assert "is not stopped" in client.post(f"{path}/undo", follow=True).content.decode()
    entry = AuditEntry.objects.get(action="environment.undo")
    assert (entry.actor, entry.address) == ("alice", "127.0.0.1")


def test_what_was_never_live_is_removed_when_it_is_stopped(harbour: Harbour) -> None:
    client, path = signed_in(harbour.cast.alice), f"/environments/{harbour.building.pk}"
    assert "you can undo this" not in client.get(f"{path}/stop").content.decode()
    assert f'action="{path}/undo"' not in client.post(f"{path}/stop", follow=True).content.decode()
    harbour.building.refresh_from_db()
    assert harbour.building.state == "terminated"


def test_who_stopped_a_preview_is_recorded(harbour: Harbour) -> None:
    client = signed_in(harbour.cast.alice)
    client.post(f"/environments/{harbour.live.pk}/stop", follow=True)
    again = client.post(f"/environments/{harbour.live.pk}/stop", follow=True)
    assert "stopped already" in again.content.decode()
    entry = AuditEntry.objects.get(action="environment.stop", actor="alice")
    assert (entry.actor, entry.address) == ("alice", "127.0.0.1")


def test_rebuilding_queues_a_deployment(harbour: Harbour) -> None:
    client = signed_in(harbour.cast.alice)
    before = harbour.failed.deployments.count()
    assert client.post(f"/environments/{harbour.failed.pk}/rebuild", follow=True).status_code == 200
    assert harbour.failed.deployments.count() == before + 1


def test_nothing_inline_and_nothing_from_elsewhere(harbour: Harbour) -> None:
    client = signed_in(harbour.cast.alice)
    for path in ["/", *paths(harbour).values(), "/styleguide"]:
        answer = client.get(path)
        html = answer.content.decode()
        assert " style=" not in html, path
        assert "<style" not in html, path
        assert 'src="http' not in html, path
        assert "unsafe-inline" not in answer["Content-Security-Policy"], path


def test_the_empty_start_page_teaches(harbour: Harbour) -> None:
    assert "seatrial preview PATH" in signed_in(harbour.cast.charlie).get("/").content.decode()


def test_error_pages_say_what_to_do(harbour: Harbour) -> None:
    client = signed_in(harbour.cast.alice)
    missing = client.get("/environments/nothing")
    assert missing.status_code == 404
    assert "There is nothing here" in missing.content.decode()


def test_the_theme_is_remembered(harbour: Harbour) -> None:
    client = signed_in(harbour.cast.alice)
    answer = client.post("/theme", {"theme": "dark", "back": "/projects"})
    assert answer["Location"] == "/projects"
    assert 'data-theme="dark"' in client.get("/").content.decode()
    assert client.post("/theme", {"theme": "dark", "back": "https://elsewhere.example/"})["Location"] == "/"


def test_an_unreachable_repositorys_page_says_so(harbour: Harbour) -> None:
    client = signed_in(harbour.cast.bob)
    path = f"/projects/{harbour.project.pk}"
    assert "unreachable" not in client.get(path).content.decode()
    before = fingerprint(harbour.cast.bob, harbour.project.pk)
    note_unreachable(harbour.project, "There is no directory /srv/git/chandlery on the server.")
    page = client.get(path).content.decode()
    assert "This repository is unreachable." in page
    assert "There is no directory /srv/git/chandlery on the server." in page
    assert fingerprint(harbour.cast.bob, harbour.project.pk) != before
    assert "This repository is unreachable." in render_to_string(
        "home/parts/project.html", project_context(harbour.cast.bob, harbour.project.pk)
    )


def test_open_overviews_change_with_every_verdict_and_agent(harbour: Harbour) -> None:
    seen = [fingerprint(harbour.cast.bob), fingerprint(harbour.cast.bob, harbour.project.pk)]
    assert seen == [fingerprint(harbour.cast.bob), fingerprint(harbour.cast.bob, harbour.project.pk)]
    for _ in range(25):
        evaluation(pull_request(harbour.project))
    before = fingerprint(harbour.cast.bob), fingerprint(harbour.cast.bob, harbour.project.pk)
    harbour.weak.state = "errored"  # not among the newest twenty any more
    harbour.weak.save()
    assert fingerprint(harbour.cast.bob) != before[0]
    assert fingerprint(harbour.cast.bob, harbour.project.pk) != before[1]
    home = fingerprint(harbour.cast.bob)
    Agent.objects.filter(name="dock-1").update(state="offline")
    assert fingerprint(harbour.cast.bob) != home


def test_a_preview_on_a_dead_agent_says_so_where_people_look(harbour: Harbour) -> None:
    client = signed_in(harbour.cast.bob)
    path = f"/environments/{harbour.live.pk}"
    page = client.get(path).content.decode()
    assert ">dock-1</a>" in page
    assert "is offline" not in page
    Agent.objects.filter(name="dock-1").update(state="offline", last_heartbeat_at=timezone.now() - HOUR)
    for where in (path, "/"):
        page = re.sub(r"<[^>]*>", "", client.get(where).content.decode())
        assert "Agent dock-1 is offline: last heartbeat 1 hour ago" in page, where


def test_a_deployment_that_waits_says_what_for(harbour: Harbour) -> None:
    client, path = signed_in(harbour.cast.bob), f"/environments/{harbour.building.pk}"
    assert "Waiting for an agent" not in client.get(path).content.decode()
    assert harbour.building.candidate is not None
    harbour.building.candidate.state = "queued"
    harbour.building.candidate.waits_for = "agent dock-2, which is offline: it has the data of db"
    harbour.building.candidate.save()
    page = client.get(path).content.decode()
    assert "Waiting for an agent" in page
    assert "Waits for agent dock-2, which is offline: it has the data of db." in page


def test_an_agent_that_warns_is_named_on_the_start_page(harbour: Harbour) -> None:
    dock = agent("dock-3")
    dock.heartbeat |= {"warnings": ["gVisor does not start: no cgroups"]}
    dock.save()
    page = signed_in(harbour.cast.bob).get("/").content.decode()
    assert "gVisor does not start: no cgroups" in page


def test_more_open_pull_requests_than_are_shown_are_counted_all(
    harbour: Harbour, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overview, "MOST_CARDS", 2)
    page = signed_in(harbour.cast.bob).get("/").content.decode()
    assert "7 open pull requests" in page
    assert "The 2 most recently changed are shown." in page


def test_the_agents_page_shows_their_warnings(harbour: Harbour) -> None:
    dock = agent("dock-3")
    dock.heartbeat |= {"sandbox": None, "warnings": ["gVisor does not start: no cgroups"]}
    dock.save()
    page = signed_in(harbour.cast.bob).get("/agents").content.decode()
    assert "gVisor does not start: no cgroups" in page
    assert "nothing: they cannot run on this agent" in page


def test_each_error_of_a_recipe_has_a_line_of_its_own(harbour: Harbour) -> None:
    failed = harbour.failed.deployments.order_by("-created_at").first()
    failed.reason, failed.message = "bad_recipe", "compose.yaml:4: a <b>\ncompose.yaml:9: c"
    failed.save()
    page = signed_in(harbour.cast.alice).get(f"/environments/{harbour.failed.pk}").content.decode()
    assert "<li>compose.yaml:4: a &lt;b&gt;</li><li>compose.yaml:9: c</li>" in page


def test_a_failure_says_what_and_what_to_do_before_it_shows_lines(harbour: Harbour) -> None:
    failed = harbour.failed.deployments.order_by("-created_at").first()
    failed.reason, failed.message = "build_failed", "Dockerfile:3: failed"
    failed.log_tail = ["the last line"]
    failed.save()
    page = signed_in(harbour.cast.alice).get(f"/environments/{harbour.failed.pk}").content.decode()
    parts = ["A build failed", "Dockerfile:3: failed", "What to do:", "the last line"]
    assert sorted(parts, key=page.index) == parts


def test_warnings_stand_in_a_box_and_an_ignored_host_port_is_a_note_beside_it(harbour: Harbour) -> None:
    newest = harbour.live.deployments.get()
    path = f"/environments/{harbour.live.pk}"
    note = "compose.yaml:4: services.web.ports: the host's side is ignored: previews answer at their own host name"
    newest.notes = [note]
    newest.save()
    page = signed_in(harbour.cast.alice).get(path).content.decode()
    assert "> Warnings</h2>" not in page and escape(note) in page
    newest.warnings = ["web runs from a stand-in for alpine:3.20", f"ends like it: {note}"]
    newest.save()
    page = signed_in(harbour.cast.alice).get(path).content.decode()
    box = page[page.index("Warnings</h2>") :].split("</section>")[0]
    assert f"<li>web runs from a stand-in for alpine:3.20</li><li>ends like it: {escape(note)}</li>" in box
    assert page.count(escape(note)) == 2, "beside the box, and at the end of what is in it"


def test_the_commit_and_the_time_of_a_preview_that_runs_are_those_of_what_visitors_see(
    harbour: Harbour,
) -> None:
    live = harbour.live.live
    assert live is not None
    live.finished_at = timezone.now() - 3 * HOUR
    live.save()
    newer = deployment(harbour.live, state="building", commit="b" * 40)
    page = signed_in(harbour.cast.bob).get(f"/environments/{harbour.live.pk}").content.decode()
    text = " ".join(re.sub(r"<[^>]*>", " ", page).split())
    assert f"Updating to {newer.commit[:10]}" in text
    assert live.commit[:10] in text and "went live 3 hours ago" in text
    assert "deployment began" not in text


def test_what_a_project_uses_and_what_one_of_its_previews_waits_for_is_on_their_pages(
    harbour: Harbour, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings.CONFIGURATION, "galley_max_project_memory", 8 * 1024)
    monkeypatch.setattr(settings.CONFIGURATION, "galley_max_project_cpus", 0)
    client = signed_in(harbour.cast.bob)
    project, preview = f"/projects/{harbour.project.pk}", f"/environments/{harbour.building.pk}"
    assert "previews may use" not in client.get(project).content.decode(), "nothing is known yet"
    live, candidate = harbour.live.live, harbour.building.candidate
    assert live is not None and candidate is not None
    Deployment.objects.filter(pk=live.pk).update(memory_mb=6 * 1024, cpus=2.5)
    seen = environment_fingerprint(harbour.cast.bob, harbour.building.pk)
    Deployment.objects.filter(pk=candidate.pk).update(memory_mb=3 * 1024, cpus=1)
    page = client.get(project).content.decode()
    assert "previews may use" in page and "6 of 8 GB of memory" in page and "2.5 CPUs" in page
    assert 'value="75" aria-label="memory"' in page
    page = client.get(preview).content.decode()
    assert "Waiting for room" in page
    assert "memory of project chandlery: 6 of 8 GB are used by 1 other preview" in page
    assert environment_fingerprint(harbour.cast.bob, harbour.building.pk) != seen
    Deployment.objects.filter(pk=candidate.pk).update(admitted_at=timezone.now())
    assert "Waiting for room" not in client.get(preview).content.decode()
    assert "9 of 8 GB of memory" in client.get(project).content.decode()
