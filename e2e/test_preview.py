"""A pull request gets a live URL; a push updates the preview; closing it removes every trace."""

import shutil
import subprocess
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest

from e2e.platform import SEATRIAL, Platform, docker, eventually, leftovers
from e2e.repositories import STATIC_DOCKERFILE, commit, repository, static
from tests.folders import contents

pytestmark = pytest.mark.e2e
CAMPAIGN = pytest.mark.campaign  # another case shows the same kind of thing


def preview(platform: Platform, path: Path, branch: str = "feature") -> dict[str, Any]:
    """Preview a branch and return its environment."""
    return dict(platform.json("preview", str(path), "--branch", branch))


def test_from_scratch_image_is_previewed_and_closed_without_a_trace(platform: Platform, home: Path) -> None:
    path = static(home / "harbour")
    environment = preview(platform, path)
    assert environment["state"] == "running"
    assert environment["name"] == f"pr-{environment['number']}-harbour"
    url = environment["urls"]["web"]
    assert url == f"http://pr-{environment['number']}-harbour.preview.localhost:{platform.ingress}"
    assert platform.fetch(url).text == "version one"
    phases = [phase["name"] for phase in environment["deployment"]["phases"]]
    assert phases[:2] == ["checkout", "recipe"]
    assert {"build web", "start", "health", "switch"} <= set(phases)
    assert leftovers(platform.agent_id(), environment=environment["id"])["containers"]

    done = platform.run("close", str(path), "--branch", "feature")
    assert done.returncode == 0, done.stderr
    eventually(
        lambda: not leftovers(platform.agent_id(), environment=environment["id"]),
        what="containers, networks, volumes and images are gone",
    )
    eventually(lambda: platform.fetch(url).status_code in {404, 503}, what="the route is gone")
    assert path.joinpath("Dockerfile").exists()


def test_a_push_switches_the_route_with_no_failed_request(platform: Platform, home: Path) -> None:
    path = static(home / "ferry")
    environment = preview(platform, path)
    url = environment["urls"]["web"]
    seen: list[tuple[int, str]] = []
    stop = threading.Event()

    def load() -> None:
        with platform.visitor(url) as visitor:
            while not stop.wait(0.05):  # all the time, and yet the build has a processor, too
                try:
                    answer = visitor.get("/")
                    seen.append((answer.status_code, answer.text))
                except httpx.HTTPError as error:
                    seen.append((0, repr(error)))

    def more(count: int) -> None:
        enough = len(seen) + count
        eventually(lambda: len(seen) > enough, what="visitors come and go")

    def containers() -> list[str]:
        return docker("ps", "-aq", "--filter", f"label=galley.environment={environment['id']}")

    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        more(20)
        head = commit(path, {"www/index.html": "version two"})
        assert preview(platform, path)["commit"] == head
        assert platform.fetch(url).text == "version two"
        eventually(lambda: len(containers()) == 1, what="the old version is drained and removed")
        more(100)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    failed = [answer for answer in seen if answer[0] != 200]
    assert not failed, f"{len(failed)} of {len(seen)} requests failed: {failed[:3]}"
    assert {text for _, text in seen} == {"version one", "version two"}
    platform.run("close", str(path), "--branch", "feature")


def test_two_recipes_of_one_repository_have_a_preview_each_and_closing_removes_both(
    platform: Platform, home: Path
) -> None:
    path = static(home / "flotilla")
    for name in ("shop", "admin"):
        (path / name).mkdir()
        shutil.copy(path / "busybox", path / name / "busybox")
        commit(path, {f"{name}/Dockerfile": STATIC_DOCKERFILE, f"{name}/www/index.html": f"this is {name}"})
    words = (str(path), "--branch", "feature")
    both = platform.json("preview", *words, "--recipe", "shop", "--recipe", "admin")["items"]
    number = both[0]["number"]
    assert [one["name"] for one in both] == [f"pr-{number}-flotilla", f"pr-{number}-flotilla-admin"]
    pages = [platform.fetch(one["urls"]["web"]).text for one in both]
    assert pages == ["this is shop", "this is admin"]

    done = platform.run("close", *words)
    assert done.returncode == 0, done.stderr
    for one in both:
        eventually(
            lambda one=one: not leftovers(platform.agent_id(), environment=one["id"]),
            what=f"nothing of {one['name']} is left",
        )
        eventually(
            lambda one=one: platform.fetch(one["urls"]["web"]).status_code in {404, 503},
            what="the route is gone",
        )


def test_a_broken_commit_leaves_the_live_version_alone_and_is_tried_again_when_asked(
    platform: Platform, home: Path
) -> None:
    path = static(home / "barge")
    live = preview(platform, path)
    url = live["urls"]["web"]
    commit(path, {"Dockerfile": 'FROM scratch\nCOPY nothing-here /x\nCMD ["/x"]\n'})
    done = platform.run("preview", str(path), "--branch", "feature")
    assert done.returncode == 1
    assert "build_failed" in done.stdout + done.stderr
    assert "nothing-here" in done.stdout + done.stderr
    assert platform.fetch(url).text == "version one"
    first = preview_of(platform, live["id"])["deployment"]
    again = preview(platform, path)["deployment"]
    assert first["state"] == again["state"] == "failed"
    assert again["id"] > first["id"] > live["deployment"]["id"]
    assert platform.fetch(url).text == "version one"

    done = platform.run("close", str(path), "--branch", "feature")
    assert "removing the preview" in done.stdout
    left = leftovers(platform.agent_id(), environment=live["id"])
    said_late = "still being removed" in done.stdout  # after a minute it leaves it at that
    assert bool(left) <= said_late, f"close said that all is gone: {left}"
    eventually(lambda: not leftovers(platform.agent_id(), environment=live["id"]), what="nothing is left")


def test_a_newer_push_supersedes_the_running_deployment(platform: Platform, home: Path) -> None:
    path = static(home / "tug")
    slow = 'FROM scratch\nCOPY busybox /bin/busybox\nRUN ["/bin/busybox", "sleep", "1000"]\nCMD ["/bin/busybox", "true"]\n'
    good = (path / "Dockerfile").read_text()
    head = commit(path, {"Dockerfile": slow})
    slow_preview = subprocess.Popen(
        [SEATRIAL, "preview", str(path), "--branch", "feature"],
        env=platform.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert slow_preview.stdout
    assert any("recipe" in line for line in slow_preview.stdout), "it waits for that commit's deployment"
    eventually(lambda: platform.building(head), what="the slow build runs")
    commit(path, {"Dockerfile": good, "www/index.html": "version two"})
    moved = preview(platform, path)  # a build that is waited for takes longer than this command may
    assert moved["deployment"]["state"] == "live"
    assert platform.fetch(moved["urls"]["web"]).text == "version two"
    output, _ = slow_preview.communicate(timeout=600)
    assert slow_preview.returncode == 1 and "superseded" in output and moved["page_url"] in output
    platform.run("close", str(path), "--branch", "feature")


COMPOSE = """\
services:
  store:
    build: {context: ., dockerfile: Store.Dockerfile}
    labels: {}
    volumes: ["kept:/data"]
  site:
    build: .
    environment:
      STORE: http://store:9000
      TOKEN: ${E2E_TOKEN}
    ports: ["8000:8080"]
    depends_on: [store]
    secrets: [token]
volumes:
  kept: {}
secrets:
  token: {environment: E2E_TOKEN}
"""


def token(platform: Platform, value: str, *more: str) -> None:
    done = platform.run(
        "variables", "set", "E2E_TOKEN", "--workspace", "default", "--value-file", "-", *more, given=value
    )
    assert done.returncode == 0, done.stderr


def kept(platform: Platform, what: bytes) -> list[Path]:
    """The files of the bus, the database and all logs that hold these bytes."""
    folders = [platform.directory / name for name in ("nats", "postgres", "logs")]
    assert all(folder.is_dir() for folder in folders), sorted(platform.directory.iterdir())
    return [file for folder in folders for file, held in contents(folder) if what in held]


def test_a_compose_application_reaches_its_sibling_by_name_and_has_its_secret(
    platform: Platform, home: Path
) -> None:
    token(platform, "hunter22")
    path = static(
        home / "fleet",
        **{
            "compose.yaml": COMPOSE,
            "Store.Dockerfile": "FROM scratch\nCOPY busybox /bin/busybox\nCOPY store /store\nEXPOSE 9000\n"
            'CMD ["/bin/busybox", "httpd", "-f", "-p", "9000", "-h", "/store"]\n',
            "store/index.html": "from the store",
            "www/cgi-bin/ask": "#!/bin/busybox sh\necho\n/bin/busybox wget -qO- $STORE/\n",
            "www/cgi-bin/told": '#!/bin/busybox sh\necho "told $TOKEN" >&2\necho\necho $TOKEN $(/bin/busybox cat /run/secrets/token)\n',
        },
    )
    for name in ("ask", "told"):
        (path / "www/cgi-bin" / name).chmod(0o755)
    commit(path, {"note": "make them executable"})
    environment = preview(platform, path)
    assert environment["deployment"]["state"] == "live", environment
    assert set(environment["urls"]) == {"site"}
    site = environment["urls"]["site"]
    assert platform.fetch(site + "/cgi-bin/ask").text == "from the store"
    assert platform.fetch(site + "/cgi-bin/told").text == "hunter22 hunter22\n"
    eventually(lambda: kept(platform, b"told ${E2E_TOKEN}"), what="the log has its name in its place")
    token(platform, "hunter33", "--redeploy")
    eventually(lambda: platform.fetch(site + "/cgi-bin/told").text == "hunter33 hunter33\n", what="it is new")
    assert not kept(platform, b"hunter22") and not kept(platform, b"hunter33")
    platform.run("variables", "unset", "E2E_TOKEN", "--workspace", "default")
    platform.run("close", str(path), "--branch", "feature")
    eventually(
        lambda: not leftovers(platform.agent_id(), environment=environment["id"]), what="nothing is left"
    )


@pytest.mark.parametrize(
    ("files", "reason", "words"),
    [
        pytest.param({}, "no_recipe", ["galley.yml", "Dockerfile"], marks=CAMPAIGN),
        pytest.param(
            {"galley.yml": "version: 1\nservices:\n  web: [unclosed\n"},
            "bad_recipe",
            ["galley.yml", "4"],
            marks=CAMPAIGN,
        ),
        (
            {"galley.yml": "version: 1\nservices:\n  web:\n    imgae: x\n"},
            "bad_recipe",
            ["galley.yml:4", "imgae", "image"],
        ),
        (
            {
                "galley.yml": "version: 1\nservices:\n  web:\n    image: nowhere.invalid/nothing:1\n    kind: web\n    expose: 80\n"
            },
            "image_unavailable",
            ["nowhere.invalid/nothing:1"],
        ),
    ],
    ids=["no recipe", "broken yaml", "unknown key", "no image"],
)
def test_a_bad_recipe_says_what_and_where(
    platform: Platform, home: Path, files: dict[str, str], reason: str, words: list[str]
) -> None:
    path = repository(home / "wreck", {"notes.txt": "x", **files})
    done = platform.run("preview", str(path), "--branch", "feature")
    said = done.stdout + done.stderr
    assert done.returncode == 1, said
    assert reason in said
    for word in words:
        assert word in said
    assert "Traceback" not in said
    platform.run("close", str(path), "--branch", "feature")


@pytest.mark.parametrize(
    ("command", "limit", "reason", "words"),
    [
        (
            '["/bin/busybox", "sh", "-c", "echo it went wrong; exit 3"]',
            "100s",  # it does not take that long: how soon it exits is the machine's affair
            "service_exited",
            ["3", "it went wrong"],
        ),
        ('["/bin/busybox", "httpd", "-f", "-p", "9999", "-h", "/www"]', "15s", "unhealthy", ["8080", "9999"]),
        pytest.param('["/bin/busybox", "sleep", "600"]', "15s", "unhealthy", ["8080"], marks=CAMPAIGN),
    ],
    ids=["exits", "listens elsewhere", "never listens"],
)
def test_a_service_that_never_becomes_well_says_why(
    platform: Platform, home: Path, command: str, limit: str, reason: str, words: list[str]
) -> None:
    path = static(home / "leaky")
    dockerfile = (path / "Dockerfile").read_text().rsplit("CMD", 1)[0] + f"CMD {command}\n"
    recipe = f"version: 1\nservices:\n  web:\n    kind: web\n    build: {{path: .}}\n    expose: 8080\n    health: {{path: /, timeout: {limit}}}\n"
    commit(path, {"Dockerfile": dockerfile, "galley.yml": recipe})
    done = platform.run("preview", str(path), "--branch", "feature")
    said = done.stdout + done.stderr
    assert done.returncode == 1, said
    assert reason in said
    for word in words:
        assert word in said
    environment = next(e for e in platform.environments() if "leaky" in e["name"])
    eventually(
        lambda: not docker("ps", "-aq", "--filter", f"label=galley.environment={environment['id']}"),
        what="the failed candidate's containers are gone",
    )
    platform.run("close", str(path), "--branch", "feature")


def test_what_sleeps_is_woken_by_whoever_visits_it_from_both_tiers(platform: Platform, home: Path) -> None:
    path = static(home / "sleeper")
    environment = preview(platform, path)
    url = environment["urls"]["web"]
    (container,) = docker("ps", "-q", "--filter", f"label=galley.environment={environment['id']}")

    def state() -> str:
        return docker("inspect", "--format", "{{.State.Status}}", container)[0]

    for tier, ages in (("paused", ("0", "0")), ("exited", ("0", "1000"))):
        done = platform.run("projects", "set", path.name, "--pause-after", ages[0], "--stop-after", ages[1])
        assert done.returncode == 0, done.stderr
        assert platform.run("sleep", environment["name"]).returncode == 0
        eventually(lambda tier=tier: state() == tier, what=f"its container is {tier}")
        probe = platform.fetch(url, headers={"User-Agent": "kube-probe/1.30"})
        assert (probe.status_code, probe.headers["X-Galley-Sleeping"]) == (503, "1")
        page = platform.fetch(url, headers={"Accept": "text/html", "X-Galley-Look": "1"})
        assert page.status_code == 503 and "waking" in page.text and state() == tier, "nobody visited it yet"
        answer = platform.fetch(url)
        assert (answer.status_code, answer.text) == (200, "version one"), "it was held until that runs"
        assert docker("ps", "-q", "--filter", f"label=galley.environment={environment['id']}") == [container]
        eventually(
            lambda: preview_of(platform, environment["id"])["state"] == "running", what="it is awake again"
        )
    platform.run("close", str(path), "--branch", "feature")


def preview_of(platform: Platform, environment: str) -> dict[str, Any]:
    return next(one for one in platform.environments() if one["id"] == environment)
