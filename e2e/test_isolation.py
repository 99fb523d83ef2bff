"""Untrusted code stays in its box: attacks on a running platform from a preview, a build, a recipe and a repository."""

import json
import os
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from e2e.platform import Platform, docker, eventually
from e2e.repositories import commit, git, repository, static

pytestmark = pytest.mark.e2e

# Runs what it is sent, and answers with what that printed.
SHELL = "#!/bin/busybox sh\necho\n/bin/busybox timeout 25 /bin/busybox sh 2>&1\n"
# What only our own processes and the neighbour answer with. Connections alone prove nothing: proxies accept any.
MARKS = ('{"status"', "INFO {", '"Codename"', "404 page not found", "page of the neighbour")


def ask(host: str, port: int, path: str = "/") -> str:
    """Shell: one HTTP request, at most two seconds, its answer printed."""
    request = (
        f"/bin/busybox printf 'GET {path} HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n'; /bin/busybox sleep 1"
    )
    return f"({request}) | /bin/busybox timeout 2 /bin/busybox nc {host} {port}"


@dataclass
class Stage:
    """A preview to attack from, one to attack, and a platform to attack."""

    platform: Platform
    environment: dict[str, Any]
    neighbour: dict[str, Any]

    def inside(self, script: str) -> str:
        """What `script` prints inside the preview."""
        url = httpx.URL(self.environment["urls"]["web"] + "/cgi-bin/sh")
        answer = httpx.post(
            url.copy_with(host="127.0.0.1"),
            content=script,
            timeout=30,
            headers={"Host": f"{url.host}:{url.port}"},
        )
        assert answer.status_code == 200, answer.text
        return answer.text

    def ports(self) -> dict[str, tuple[int, str]]:
        """Where the platform listens, and a path that makes it say who it is."""
        known = json.loads((self.platform.directory / "platform.json").read_text())
        paths = {"port": "/healthz", "ingress_port": "/", "nats_port": "/", "traefik_port": "/api/version"}
        return {name: (known[name], path) for name, path in paths.items()}

    def addresses(self) -> list[str]:
        """Ways a container or a build might call its host; slirp4netns answers at 10.0.2.2."""
        gateway = container(self.environment)["Gateway"]
        own = [a.address for a in psutil.net_if_addrs().get("docker0", []) if a.family.name == "AF_INET"]
        return [gateway, "10.0.2.2", *own]

    def knocks(self) -> str:
        """Shell: ask all of the platform at all addresses, and the neighbour."""
        near = container(self.neighbour)
        calls = [ask(host, port, path) for host in self.addresses() for port, path in self.ports().values()]
        return "; ".join(
            [*calls, ask(near["IPAddress"], 8080), ask(near["Name"], 8080), ask("neighbour", 8080)]
        )


def container(environment: dict[str, Any]) -> dict[str, str]:
    """Name, address and gateway of the preview's one container."""
    [name] = docker(
        "ps", "--format", "{{.Names}}", "--filter", f"label=galley.environment={environment['id']}"
    )
    [network] = json.loads(docker("inspect", "-f", "{{json .NetworkSettings.Networks}}", name)[0]).values()
    return {**network, "Name": name}


@pytest.fixture(scope="module")
def stage(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Stage:
    home = tmp_path_factory.mktemp("isolation")
    cell = static(home / "cell", **{"www/cgi-bin/sh": SHELL})
    (cell / "www/cgi-bin/sh").chmod(0o755)
    commit(cell, {"note": "make it executable"})
    near = static(home / "neighbour", "page of the neighbour")
    made: dict[str, Any] = {}

    def preview(name: str, path: Path) -> None:
        made[name] = platform.json("preview", str(path), "--branch", "feature")

    threads = [threading.Thread(target=preview, args=pair) for pair in (("cell", cell), ("near", near))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Stage(platform, made["cell"], made["near"])


def failed(platform: Platform, path: Path) -> str:
    """What is said of a preview that must not come up."""
    done = platform.run("preview", str(path), "--branch", "feature")
    platform.run("close", str(path), "--branch", "feature")
    said = done.stdout + done.stderr
    assert done.returncode == 1, said
    assert "Traceback" not in said
    return said


def test_the_stage_is_set(stage: Stage) -> None:
    """The attacks below would be seen: the marks are what the host itself gets from the same places."""
    assert "marked" in stage.inside("echo marked")
    for port, path in stage.ports().values():
        script = ask("127.0.0.1", port, path).replace("/bin/busybox ", "busybox ")
        answer = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False).stdout
        assert any(mark in answer for mark in MARKS), (port, answer)


def test_a_preview_reaches_neither_the_platform_nor_another_preview(stage: Stage) -> None:
    heard = stage.inside(stage.knocks() + "; echo asked")
    assert "asked" in heard
    assert not [mark for mark in MARKS if mark in heard], heard


def test_a_preview_knows_nothing_and_may_little(stage: Stage) -> None:
    heard = stage.inside(
        "/bin/busybox cat /proc/1/environ /proc/self/environ; /bin/busybox find / -xdev -name '*.sock'; "
        "/bin/busybox ls /dev; /bin/busybox cat /proc/self/mounts /proc/self/status; /bin/busybox mount -t tmpfs x /mnt"
    )
    for word in (
        "SEATRIAL",
        "GALLEY_AGENT",
        "GALLEY_NATS",
        "SECRET",
        "docker.sock",
        str(stage.platform.directory),
    ):
        assert word not in heard
    effective = int(next(line for line in heard.splitlines() if line.startswith("CapEff")).split()[1], 16)
    for capability in (12, 13, 16, 17, 19, 21, 27):  # net admin, net raw, module, rawio, ptrace, admin, mknod
        assert not effective & (1 << capability), capability
    assert "NoNewPrivs:\t1" in heard
    assert "Seccomp:\t2" in heard


def test_a_build_reaches_nothing_and_its_mounts_lead_nowhere(stage: Stage, tmp_path: Path) -> None:
    """Everything is tried in RUN steps and written into the page that the preview then serves."""
    platform = stage.platform
    token = (platform.directory / "token").read_text().strip()
    path = static(tmp_path / "digger")
    (path / "out").symlink_to("/")
    (path / "secret").symlink_to(platform.directory / "token")
    look = f"/bin/busybox cat /host{platform.directory}/token /host/etc/shadow /host/proc/1/environ; /bin/busybox ls /host/home /host/var"
    dockerfile = (
        "FROM scratch\nCOPY busybox /bin/busybox\nCOPY busybox /bin/sh\nCOPY www /www\nCOPY out* /copied/\n"
        f"RUN ({stage.knocks()}; true) > /www/knocks 2>&1\n"
        f"RUN --mount=type=bind,source=out,target=/host ({look}; true) > /www/mount 2>&1 || true\n"
        f"RUN --mount=type=cache,id=../../../../../../..,target=/host ({look}; true) > /www/cache 2>&1 || true\n"
        "RUN (/bin/busybox env; /bin/busybox ps; /bin/busybox cat /proc/*/environ; true) > /www/env 2>&1\n"
        'CMD ["/bin/busybox", "httpd", "-f", "-p", "8080", "-h", "/www"]\nEXPOSE 8080\n'
    )
    commit(path, {"Dockerfile": dockerfile})
    done = platform.run("preview", str(path), "--branch", "feature", "--json")
    told = json.loads(done.stdout)
    pages = [done.stdout, done.stderr]
    if told["state"] == "running":
        pages += [
            platform.fetch(f"{told['urls']['web']}/{page}").text
            for page in ("knocks", "mount", "cache", "env")
        ]
    platform.run("close", str(path), "--branch", "feature")
    heard = "\n".join(pages)
    for forbidden in (token, "root:x:0", "root:*:", "SEATRIAL_DATA_DIR", "GALLEY_NATS", *MARKS):
        assert forbidden not in heard.replace(dockerfile, ""), heard[-3000:]


def test_images_of_another_preview_cannot_be_run_or_built_from(stage: Stage, tmp_path: Path) -> None:
    label = f"label=galley.environment={stage.neighbour['id']}"
    [tag] = docker("images", "--filter", label, "--format", "{{.Repository}}:{{.Tag}}")
    [identity] = docker("images", "--filter", label, "--no-trunc", "-q")
    recipe = "version: 1\nservices:\n  web:\n    image: {}\n    kind: web\n    expose: 8080\n"
    path = repository(tmp_path / "thief", {"galley.yml": recipe.format(identity)})
    assert "image's id" in failed(stage.platform, path)
    commit(path, {"galley.yml": recipe.format(tag)})
    assert "was built for a preview" in failed(stage.platform, path)
    git(path, "rm", "-q", "galley.yml")
    commit(path, {"Dockerfile": f'FROM {tag}\nCMD ["/bin/busybox", "true"]\n'})
    assert "was built for a preview" in failed(stage.platform, path)


@pytest.mark.parametrize(
    ("files", "links", "words"),
    [
        ({}, {"galley.yml": "/etc/passwd"}, "symbolic link"),
        ({}, {"Dockerfile": "/etc/shadow"}, "symbolic link"),
        (
            {"galley.yml": "version: 1\nservices:\n  web: {build: {path: /etc}}\n"},
            {},
            "outside the repository",
        ),
        (
            {"galley.yml": "version: 1\nservices:\n  web: {build: {path: ../..}}\n"},
            {},
            "outside the repository",
        ),
        (
            {"compose.yaml": "services:\n  a: {image: x, volumes: ['/var/run/docker.sock:/s']}\n"},
            {},
            "refused",
        ),
        (
            {"compose.yaml": "services:\n  a: {image: x, env_file: ../../secret}\n"},
            {},
            "outside the repository",
        ),
    ],
    ids=["linked recipe", "linked Dockerfile", "absolute", "above", "engine's socket", "env_file"],
)
def test_a_recipe_does_not_lead_out(
    platform: Platform, tmp_path: Path, files: dict[str, str], links: dict[str, str], words: str
) -> None:
    path = repository(tmp_path / "climber", {"note": "x", **files})
    for name, target in links.items():
        (path / name).symlink_to(target)
    commit(path, {"more": "y"})
    said = failed(platform, path)
    assert words in said
    assert "root:" not in said


def test_names_are_text_everywhere(platform: Platform, tmp_path: Path) -> None:
    """A repository and a branch named like markup and like commands: neither a shell nor a browser takes them so."""
    mark = tmp_path / "ran"
    name = f"<img src=x onerror=alert(1)>`touch {mark.name}`"
    branch = "x;touch${IFS}ran;$(touch${IFS}ran)<b>'\"`"
    path = repository(tmp_path / name, {"nothing": "here"}, branch=branch)
    platform.run("preview", str(path), "--branch", branch)
    environment = next(e for e in platform.environments() if "img-src" in e["name"])
    assert environment["name"].replace("-", "").isalnum()
    with httpx.Client(base_url=f"http://127.0.0.1:{platform.port}", follow_redirects=True) as client:
        sign_in(client, platform)
        for page in ("/", "/projects", f"/environments/{environment['id']}", "/audit", "/deliveries"):
            text = client.get(page).text
            assert "<img src=x" not in text and "<b>'" not in text, page
    platform.run("close", str(path), "--branch", branch)
    assert not list(tmp_path.rglob("ran"))


def sign_in(client: httpx.Client, platform: Platform) -> None:
    """As the platform's admin."""
    client.get("/accounts/login/")
    password = (platform.directory / "admin-password").read_text().strip()
    form = {"login": "admin", "password": password, "csrfmiddlewaretoken": client.cookies["csrftoken"]}
    answer = client.post("/accounts/login/", data=form)
    assert "Sign out" in answer.text


def test_secrets_are_in_their_files_and_with_who_needs_them(stage: Stage) -> None:
    data = stage.platform.directory
    homes = {
        file.relative_to(data).as_posix(): file.read_text().strip()
        for file in [*data.glob("keys/*.seed"), data / "keys/master-key", data / "keys/secret-key",
                     data / "token", data / "admin-password", data / "agent/identity/user.seed"]
    }  # fmt: skip
    assert len(homes) >= 7
    elsewhere = []
    for file in (f for f in data.rglob("*") if f.is_file() and not f.is_symlink()):
        content = file.read_bytes()
        elsewhere += [
            (name, file.name)
            for name, secret in homes.items()
            if secret.encode() in content and file != data / name and file.suffix != ".creds"
        ]
    assert not elsewhere
    for process in psutil.process_iter(["pid", "cmdline"]):
        line = " ".join(process.info["cmdline"] or [])
        environ = read(Path(f"/proc/{process.pid}/environ"))
        control = "seatrial.control" in line or "first_data" in line
        for name, secret in homes.items():
            assert secret not in line, (name, line)
            assert control or secret not in environ, (name, line)


def read(file: Path) -> str:
    """Its text; nothing when the process has ended."""
    try:
        return file.read_bytes().decode(errors="replace")
    except OSError:
        return ""


def test_nobody_else_on_the_host_may_read_the_data(stage: Stage) -> None:
    """Walk the data directory as another user would: only what they can get to by its name counts."""
    data = stage.platform.directory
    open_files = []
    for folder, folders, files in os.walk(data):
        mode = Path(folder).stat().st_mode
        if not mode & 0o001 or "/postgres" in folder:
            folders.clear()
            continue
        open_files += [f"{folder}/{f}" for f in files if (Path(folder) / f).lstat().st_mode & 0o004]
    harmless = {"platform.json", "agent.lock"}
    assert {Path(f).name for f in open_files} <= harmless, open_files


def test_what_the_platform_listens_on_is_the_loopback(stage: Stage) -> None:
    supervisor = stage.platform.supervisor()
    found = [
        connection.laddr
        for process in [supervisor, *supervisor.children(recursive=True)]
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert found
    assert {address.ip for address in found} <= {"127.0.0.1", "::1"}


def test_a_stranger_gets_nothing(stage: Stage) -> None:
    key = stage.environment["id"]
    with httpx.Client(base_url=f"http://127.0.0.1:{stage.platform.port}") as client:
        for path in ("status", "agents", "deliveries", "projects", "environments", f"environments/{key}"):
            assert client.get(f"/api/v1/{path}").status_code == 401
        for path in ("stream", "agents/stream", f"environments/{key}/stream", f"environments/{key}/log"):
            answer = client.get(f"/{path}")
            assert answer.status_code == 404
            assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
        for path in ("", "projects", f"environments/{key}", "agents", "deliveries", "audit"):
            assert client.get(f"/{path}").headers["Location"].startswith("/accounts/login/")
        assert client.get("/", headers={"Host": "evil.test"}).status_code == 400
        assert "evil" not in client.get("/", headers={"X-Forwarded-Host": "evil.test"}).headers["Location"]
        refused = client.post(
            "/api/v1/agents/register", json={"token": "galley_x", "public_key": "U", "seal_key": "k"}
        )
        assert refused.status_code == 403
        assert client.post("/api/v1/local/projects", json={"path": "/"}).status_code == 401


def test_a_session_is_new_at_sign_in_and_changes_nothing_without_its_token(stage: Stage) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{stage.platform.port}", follow_redirects=True) as client:
        client.cookies.set("sessionid", "a" * 32)
        sign_in(client, stage.platform)
        sessions = [cookie.value for cookie in client.cookies.jar if cookie.name == "sessionid"]
        assert sessions[-1] != "a" * 32
        stop = f"/environments/{stage.environment['id']}/stop"
        assert client.post(stop).status_code == 403
        assert client.post(f"/api/v1{stop}").status_code == 403
        page = client.get("/accounts/login/?next=https://evil.test/")
        assert "evil.test" not in str(page.url)
    assert eventually(lambda: "marked" in stage.inside("echo marked"), what="the preview still runs")
