#!/usr/bin/env python3
"""The main job on a code host that this machine plays itself: `make demo FORGE=github`.

    scripts/demo_forge.py authority DIRECTORY    makes the certificates of the code host, before the platform starts
    scripts/demo_forge.py github DIRECTORY       plays GitHub, connects it, opens a pull request, shows what comes out;
                                                 the same for every other kind

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
from tests.forges.hosts.kinds import SITES  # noqa: E402
from tests.forges.hosts.site import Pull, Site  # noqa: E402

SEATRIAL = str(ROOT / ".venv/bin/seatrial")
SHOP, BOT = "harbour/shop", "seatrial-bot"
PATIENCE_SECONDS = 600.0
GOES_ON = {"pending", "queued", "in_progress"}


def main() -> int:
    """Do what the arguments say."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["authority", *SITES])
    parser.add_argument("directory", type=Path)
    parser.add_argument("--once", action="store_true")
    asked = parser.parse_args()
    if asked.what == "authority":
        make_certificates(asked.directory)
        return 0
    return play(asked.what, asked.directory, once=asked.once)


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


def play(which: str, directory: Path, *, once: bool) -> int:
    """Be the code host: connect, open a pull request, and tell what happens to it."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "host.pem")
    site = SITES[which](directory / f"{which}-{time.time_ns()}")
    for login in (BOT, "alice"):
        site.person(login)
    with site.serving(context=context):
        site.repository(SHOP, make_repository(directory / "shop"), admin=BOT)
        print(f"A {site.title} of this machine is at {site.url}; its repository is {SHOP}.")
        connect(site, directory)
        command("projects", "add", SHOP, "--connection", f"demo {site.url}")
        wait("the webhook is registered", lambda: webhooks(site))
        pull = site.open_pull(SHOP, BRANCH, author="alice", title="Start the summer sale")
        page = f"{site.url}{site.pull_path(site.repositories[SHOP], pull)}"
        print(f"Pull request {pull.number} is open: {page}")
        well = watch(site, pull)
        print()
        print(next((one.body.replace(MARKER, "").strip() for one in pull.comments), "No comment came."))
        if site.complaints:
            print(f"What {site.title} would have refused:", *site.complaints, sep="\n  ")
        if well and not once:
            print(f"Look at {page} (the certificate is the demo's own). Ctrl-C ends it.")
            stay()
        if well:
            site.close_pull(SHOP, pull.number, merged=True)
            print("The pull request was merged; its preview is being removed.")
    return 0 if well and not site.complaints else 1


def connect(site: Site, directory: Path) -> None:
    """With a token; at GitHub, by an App that is installed there."""
    named = ("--url", site.url, "--name", f"demo {site.url}")
    if not isinstance(site, GitHubSite):
        command("connect", site.kind, *named, given=site.people[BOT].token)
        return
    app = site.apps.create("seatrial-demo", permissions=permissions(), events=EVENTS)
    site.apps.install(app, site.repositories[SHOP])
    key = directory / "app.pem"
    key.touch(mode=0o600)
    key.write_text(app.pem)
    command("connect", site.kind, "--app-id", str(app.id), "--key-file", str(key), *named)


def webhooks(site: Site) -> list[str]:
    """Where the repository's events go."""
    of_apps = [one.webhook for one in site.apps.apps.values()] if isinstance(site, GitHubSite) else []
    return [one.url for one in (*site.repositories[SHOP].webhooks, *of_apps) if one.url]


def reports(site: Site, pull: Pull) -> dict[str, tuple[str, str]]:
    """The newest state and description of each name: of its check run, or of its status."""
    found = {
        one.context: (one.state, one.description)
        for one in list(site.repositories[SHOP].statuses)
        if one.sha == pull.head
    }
    if isinstance(site, GitHubSite):
        for run in list(site.reports.runs):
            if run["head_sha"] == pull.head:
                found[run["name"]] = (run["conclusion"] or run["status"], run["output"]["title"])
    return found


def watch(site: Site, pull: Pull) -> bool:
    """Print each report as it comes; true when the preview and the verdict are both there."""
    shown: set[tuple[str, str]] = set()

    def both() -> bool:
        newest = reports(site, pull)
        for name, (state, description) in newest.items():
            if (name, state) not in shown:
                shown.add((name, state))
                print(f"  {state:11} {name}  {description}")
        over = [state not in GOES_ON for state, _ in newest.values()]
        return len(over) == 2 and all(over) and bool(pull.comments)

    return wait("both reports and the comment", both) and wait(
        "the comment has the preview's state",
        lambda: f"Preview: {preview_of(site, pull)}" in pull.comments[0].body,
    )


def preview_of(site: Site, pull: Pull) -> str:
    """`live` or `failed`, as was reported."""
    state, _ = reports(site, pull)["seatrial/preview"]
    return "live" if state == "success" else "failed"


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


def command(*words: str, given: str = "") -> None:
    """Run `seatrial`, and show what it prints. If it fails, it has said why: the demo ends."""
    done = subprocess.run([SEATRIAL, *words], input=given, text=True, check=False)
    if done.returncode:
        sys.exit(done.returncode)


if __name__ == "__main__":
    sys.exit(main())
