"""Visitors without sign-in, other users and other machines learn nothing and change nothing."""

import contextlib
import os
from pathlib import Path

import httpx
import psutil
import pytest

from e2e.platform import Platform, eventually
from e2e.repositories import repository
from e2e.stage import Stage

pytestmark = pytest.mark.e2e


def test_names_are_text_everywhere(platform: Platform, tmp_path: Path) -> None:
    """Names of a repository and a branch that look like markup and commands: no shell or browser interprets them."""
    mark = tmp_path / "ran"
    name = f"<img src=x onerror=alert(1)>`touch {mark.name}`"
    branch = "x;touch${IFS}ran;$(touch${IFS}ran)<b>'\"`"
    path = repository(tmp_path / name, {"nothing": "here"}, branch=branch)
    platform.run("preview", str(path), "--branch", branch)
    environment = next(e for e in platform.environments() if "img-src" in e["name"])
    assert environment["name"].replace("-", "").isalnum()
    with browser(platform, follow_redirects=True) as client:
        sign_in(client, platform)
        for page in ("/", "/projects", f"/environments/{environment['id']}", "/audit", "/deliveries"):
            text = client.get(page).text
            assert "<img src=x" not in text and "<b>'" not in text, page
    platform.run("close", str(path), "--branch", branch)
    assert not list(tmp_path.rglob("ran"))


def browser(platform: Platform, *, follow_redirects: bool = False) -> httpx.Client:
    """Somebody who is not signed in yet."""
    address = f"http://127.0.0.1:{platform.port}"
    return httpx.Client(
        base_url=address, follow_redirects=follow_redirects, timeout=180, trust_env=False, verify=False
    )


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
    for file in files_of(data):
        content = content_of(file)
        elsewhere += [
            (name, file.name)
            for name, secret in homes.items()
            if secret.encode() in content and file != data / name and file.suffix != ".creds"
        ]
    assert not elsewhere
    for process in psutil.process_iter(["pid", "cmdline"]):
        line = " ".join(process.info["cmdline"] or [])
        environ = ""
        with contextlib.suppress(psutil.Error):  # it has ended, or is not ours to look at
            environ = str(process.environ())
        control = "seatrial.control" in line
        for name, secret in homes.items():
            assert secret not in line, (name, line)
            assert control or secret not in environ, (name, line)


def files_of(data: Path) -> list[Path]:
    """Every file below `data`. The platform is running, so files that disappear meanwhile are left out."""
    listed = [Path(folder) / name for folder, _, names in os.walk(data) for name in names]
    return [file for file in listed if file.is_file() and not file.is_symlink()]


def content_of(file: Path) -> bytes:
    """The content of the file; empty if it is gone."""
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return b""


def test_nobody_else_on_the_host_may_read_the_data(stage: Stage) -> None:
    """Walk the data directory as another user would: only files that such a user can reach count."""
    data = stage.platform.directory
    open_files = []
    for folder, folders, files in os.walk(data):
        if not mode_of(Path(folder)) & 0o001 or "/postgres" in folder:
            folders.clear()
            continue
        open_files += [f"{folder}/{f}" for f in files if mode_of(Path(folder) / f) & 0o004]
    harmless = {"platform.json", "agent.lock"}
    assert {Path(f).name for f in open_files} <= harmless, open_files


def mode_of(path: Path) -> int:
    """The mode of the path; 0 if it is gone."""
    try:
        return path.lstat().st_mode
    except FileNotFoundError:
        return 0


def test_what_the_platform_listens_on_is_the_loopback(stage: Stage) -> None:
    supervisor = stage.platform.supervisor()
    listed = []
    for process in [supervisor, *supervisor.children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess):  # a git, say, that has ended meanwhile
            listed += [c.laddr for c in process.net_connections("inet") if c.status == psutil.CONN_LISTEN]
    assert {port for port, _ in stage.ports().values()} <= {address.port for address in listed}
    assert {address.ip for address in listed} <= {"127.0.0.1", "::1"}


def test_a_stranger_gets_nothing(stage: Stage) -> None:
    key = stage.environment["id"]
    with browser(stage.platform) as client:
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
    with browser(stage.platform, follow_redirects=True) as client:
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
