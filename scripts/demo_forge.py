#!/usr/bin/env python3
"""The main job on a code host that this machine plays itself: `make demo FORGE=github`.

    scripts/demo_forge.py authority DIRECTORY    makes the certificates of the code host, before the platform starts
    scripts/demo_forge.py github DIRECTORY       plays GitHub, connects it, opens a pull request, shows what comes out

With --once the second one ends when everything was shown; otherwise the code host stays until Ctrl-C, for you to look at.
"""

import argparse
import logging
import ssl
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import trustme

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from seatrial.cli.sample import BRANCH, make_repository  # noqa: E402
from seatrial.control.forges.github.needs import EVENTS, permissions  # noqa: E402
from seatrial.control.forges.marker import MARKER  # noqa: E402
from tests.forges.hosts.github import GitHubSite  # noqa: E402
from tests.forges.hosts.github_apps import App  # noqa: E402
from tests.forges.hosts.site import Pull  # noqa: E402

SEATRIAL = str(ROOT / ".venv/bin/seatrial")
SHOP = "harbour/shop"
PATIENCE_SECONDS = 600.0


def main() -> int:
    """Do what the arguments say."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["authority", "github"])
    parser.add_argument("directory", type=Path)
    parser.add_argument("--once", action="store_true")
    asked = parser.parse_args()
    if asked.what == "authority":
        make_certificates(asked.directory)
        return 0
    return play(asked.directory, once=asked.once)


def make_certificates(directory: Path) -> None:
    """An authority, and a certificate of it for this machine; those that are there stay."""
    directory.mkdir(parents=True, exist_ok=True)
    if (directory / "authority.pem").exists():
        return
    authority = trustme.CA()
    authority.issue_cert("localhost", "127.0.0.1").private_key_and_cert_chain_pem.write_to_path(
        str(directory / "host.pem")
    )
    authority.cert_pem.write_to_path(str(directory / "authority.pem"))


def play(directory: Path, *, once: bool) -> int:
    """Be the code host: connect, open a pull request, and tell what happens to it."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "host.pem")
    site = GitHubSite(directory / f"github-{time.time_ns()}")
    site.person("alice")
    with site.serving(context=context):
        site.repository(SHOP, make_repository(directory / "shop"), admin="alice")
        print(f"A GitHub of this machine is at {site.url}; its repository is {SHOP}.")
        app = connect(site, directory)
        command("projects", "add", SHOP, "--connection", f"demo {site.url}")
        wait("the App's webhook is set", lambda: app.webhook.url)
        pull = site.open_pull(SHOP, BRANCH, author="alice", title="Start the summer sale")
        print(f"Pull request {pull.number} is open: {site.url}/{SHOP}/pull/{pull.number}")
        well = watch(site, pull)
        print()
        print(next((one.body.replace(MARKER, "").strip() for one in pull.comments), "No comment came."))
        if site.complaints:
            print("What GitHub would have refused:", *site.complaints, sep="\n  ")
        if well and not once:
            print(
                f"Look at {site.url}/{SHOP}/pull/{pull.number} (the certificate is the demo's own). Ctrl-C ends it."
            )
            stay()
        if well:
            site.close_pull(SHOP, pull.number, merged=True)
            print("The pull request was merged; its preview is being removed.")
    return 0 if well and not site.complaints else 1


def connect(site: GitHubSite, directory: Path) -> App:
    """Have an App created and installed there, and connect it with its number and its private key."""
    app = site.apps.create("seatrial-demo", permissions=permissions(), events=EVENTS)
    site.apps.install(app, site.repositories[SHOP])
    key = directory / "app.pem"
    key.touch(mode=0o600)
    key.write_text(app.pem)
    named = ("--url", site.url, "--name", f"demo {site.url}")
    command("connect", "github", "--app-id", str(app.id), "--key-file", str(key), *named)
    return app


def watch(site: GitHubSite, pull: Pull) -> bool:
    """Print each check run as it changes; true when the preview and the verdict are both there."""
    shown: set[tuple[str, str]] = set()

    def both() -> bool:
        newest = {one["name"]: one for one in list(site.reports.runs) if one["head_sha"] == pull.head}
        for name, one in newest.items():
            state = one["conclusion"] or one["status"]
            if (name, state) not in shown:
                shown.add((name, state))
                print(f"  {state:11} {name}  {one['output']['title']}")
        over = [one["conclusion"] is not None for one in newest.values()]
        return len(over) == 2 and all(over) and bool(pull.comments)

    return wait("both check runs and the comment", both) and wait(
        "the comment has the preview's state",
        lambda: f"Preview: {preview_of(site, pull)}" in pull.comments[0].body,
    )


def preview_of(site: GitHubSite, pull: Pull) -> str:
    """`live` or `failed`, as the check run says."""
    return "live" if site.reports.run("seatrial/preview", pull.head)["conclusion"] == "success" else "failed"


def wait(what: str, check: Callable[[], Any]) -> bool:
    """Wait until `check` is true; say so if that takes too long."""
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        if check():
            return True
        time.sleep(0.2)
    print(f"Not within {PATIENCE_SECONDS:.0f} s: {what}. Look: {SEATRIAL} doctor", file=sys.stderr)
    return False


def stay() -> None:
    """Until Ctrl-C."""
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        print()


def command(*words: str) -> None:
    """Run `seatrial`, and show what it prints. If it fails, it has said why: the demo ends."""
    done = subprocess.run([SEATRIAL, *words], check=False)
    if done.returncode:
        sys.exit(done.returncode)


if __name__ == "__main__":
    sys.exit(main())
