"""Untrusted code stays in its box: attacks on a running platform from a preview, a build, a recipe and a repository."""

import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from e2e.platform import Platform, docker, eventually
from e2e.repositories import commit, git, repository, static
from e2e.stage import MARKS, Stage, ask

pytestmark = pytest.mark.e2e
# What each says is in tests/recipes; here, that a whole platform heeds it.
campaign = partial(pytest.param, marks=pytest.mark.campaign)


def failed(platform: Platform, path: Path) -> str:
    """The message of a preview that must not come up."""
    done = platform.run("preview", str(path), "--branch", "feature")
    said = done.stdout + done.stderr
    assert done.returncode == 1, said
    assert "Traceback" not in said
    return said


def test_the_stage_is_set(stage: Stage) -> None:
    """The attacks below would be noticed: the host itself gets the marks from the same addresses."""
    assert "marked" in stage.inside("echo marked")

    def answered(place: tuple[int, str]) -> bool:
        script = ask("127.0.0.1", *place).replace("/bin/busybox ", "busybox ")
        answer = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False).stdout
        assert any(mark in answer for mark in MARKS), (place, answer)
        return True

    with ThreadPoolExecutor() as pool:
        assert all(pool.map(lambda place: eventually(lambda: answered(place)), stage.ports().values()))


def test_a_preview_reaches_neither_the_platform_nor_another_preview(stage: Stage) -> None:
    heard = stage.inside(stage.knocks() + "; echo asked")
    assert "asked" in heard, heard
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
        assert word not in heard, heard
    status = dict(line.split(":\t", 1) for line in heard.splitlines() if ":\t" in line)
    assert "CapEff" in status, heard
    for capability in (12, 13, 16, 17, 19, 21, 27):  # net admin, net raw, module, rawio, ptrace, admin, mknod
        assert not int(status["CapEff"], 16) & (1 << capability), (capability, heard)
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2"), heard


def test_a_build_reaches_nothing_and_its_mounts_lead_nowhere(stage: Stage, tmp_path: Path) -> None:
    """All attempts are made in RUN steps; the preview then serves a page with their output."""
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
    document = json.loads(done.stdout)
    pages = [done.stdout, done.stderr]
    if document["state"] == "running":
        pages += [
            platform.fetch(f"{document['urls']['web']}/{page}").text
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
    stage.platform.run("close", str(path), "--branch", "feature")


@pytest.mark.parametrize(
    ("files", "links", "words"),
    [
        ({}, {"galley.yml": "/etc/passwd"}, "symbolic link"),
        (
            {"compose.yaml": "services:\n  a: {image: x, volumes: ['/var/run/docker.sock:/s']}\n"},
            {},
            "refused",
        ),
        campaign({}, {"Dockerfile": "/etc/shadow"}, "symbolic link"),
        campaign(
            {"galley.yml": "version: 1\nservices:\n  web: {build: {path: /etc}}\n"},
            {},
            "outside the repository",
        ),
        campaign(
            {"galley.yml": "version: 1\nservices:\n  web: {build: {path: ../..}}\n"},
            {},
            "outside the repository",
        ),
        campaign(
            {"compose.yaml": "services:\n  a: {image: x, env_file: ../../secret}\n"},
            {},
            "outside the repository",
        ),
    ],
    ids=["linked recipe", "engine's socket", "linked Dockerfile", "absolute", "above", "env_file"],
)
def test_a_recipe_does_not_lead_out(
    platform: Platform, tmp_path: Path, files: dict[str, str], links: dict[str, str], words: str
) -> None:
    path = repository(tmp_path / "climber", {"note": "x", **files})
    for name, target in links.items():
        (path / name).symlink_to(target)
    commit(path, {"more": "y"})
    said = failed(platform, path)
    platform.run("close", str(path), "--branch", "feature")
    assert words in said
    assert "root:" not in said
