"""`scripts/engine`: sets up a working engine with gVisor on this machine. Does nothing if there is one.

Exit codes: 0 it answers; 1 it is possible, but we lack the rights or it failed; 3 no engine can run here at all.
"""

import argparse
import grp
import os
import pwd
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from seatrial.embedded.engine import configuration, daemon, detect, machine, packages, smoke
from seatrial.embedded.engine.daemon import EngineProblem

READY, FAILED, IMPOSSIBLE = 0, 1, 3
GROUP = "docker"  # its members may use the engine
PROCESS_HINT = (
    "No container engine can run here. Trusted code can still be tried out with the process runtime "
    "(no isolation: for trying out only): .venv/bin/seatrial up --runtime process"
)


def main(arguments: Sequence[str] | None = None, environ: Mapping[str, str] | None = None) -> int:
    """Run as the command line says."""
    environ = os.environ if environ is None else environ
    parser = argparse.ArgumentParser(prog="scripts/engine", description=__doc__)
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, do nothing")
    parser.add_argument("--for-user", default="", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    try:
        return Setup(environ, dry_run=options.dry_run, user=options.for_user).run()
    except EngineProblem as problem:
        print(f"scripts/engine: {problem}", file=sys.stderr)
        if problem.hopeless:
            print(PROCESS_HINT, file=sys.stderr)
        return IMPOSSIBLE if problem.hopeless else FAILED
    except KeyboardInterrupt:
        print("scripts/engine: interrupted; run it again to go on.", file=sys.stderr)
        return 130


REGISTER_FOR_PREVIEWS = f"Register it: sudo runsc install --runtime={detect.GVISOR_FOR_PREVIEWS} -- --network=host && sudo systemctl reload docker"


class Setup:
    """Sets the engine up: checks first, prints in one line what it will do, then does it."""

    def __init__(self, environ: Mapping[str, str], *, dry_run: bool = False, user: str = "") -> None:
        self._environ = environ
        self._dry_run = dry_run
        self._user = user
        self._local = detect.address(environ) == detect.STANDARD
        self._registered = False  # whether this run has registered gVisor

    def run(self) -> int:
        """Make sure that an engine answers on this machine. Raises EngineProblem."""
        if os.geteuid() == 0 and not self._dry_run:
            packages.forget_policy()
        engine = detect.ask(self._environ)
        wanted = self._wanted(engine)
        if engine.answers and not wanted:
            self._admit()
            self._prove(engine)
            return self._report(engine)
        if not engine.answers and not self._local:
            raise EngineProblem(f"{engine.problem}; DOCKER_HOST names it, so it is left to you")
        self._require_allowed(engine, wanted)
        if os.geteuid() != 0 and not self._dry_run:
            return self._again_with_sudo()
        if not engine.answers:
            self._require_possible()
        self._tell(engine, wanted)
        if self._dry_run:
            return READY
        self._do(engine, wanted)
        engine = detect.ask(self._environ)
        if why := smoke.obstacle("", to=engine.address):
            raise EngineProblem(f"Docker Engine answers, but starts no container: {why}", hopeless=True)
        self._prove(engine)
        return self._report(engine)

    def _wanted(self, engine: detect.Engine) -> list[str]:
        """Packages to install. An engine elsewhere needs none but the build tools."""
        wanted = packages.missing(packages.BUILDS)
        if not engine.answers and not packages.has("dockerd"):
            wanted = packages.missing(packages.ENGINE) + wanted
        elif self._local and not engine.has_gvisor:
            wanted += packages.missing({"runsc": "runsc"})
        return list(dict.fromkeys(wanted))

    def _require_allowed(self, engine: detect.Engine, wanted: list[str]) -> None:
        refused = self._environ.get("SEATRIAL_NO_INSTALL", "") not in {"", "0"}
        names = " ".join(wanted) or "docker.io"
        if refused and engine.answers:
            print(f"SEATRIAL_NO_INSTALL is set: not installing {names}. Builds or isolation will be weaker.")
            raise SystemExit(READY)
        if refused and engine.forbidden:
            raise EngineProblem(f"{engine.problem}. {detect.join_group('scripts/engine')}")
        if refused:
            raise EngineProblem(
                f"Docker Engine is not there ({engine.problem}) and SEATRIAL_NO_INSTALL is set. "
                f"Install and start it yourself: apt-get install {names}"
            )
        if wanted and not packages.is_debian_like():
            if engine.answers:
                print(f"Not Debian or Ubuntu: install {names} yourself for builds and isolation.")
                raise SystemExit(READY)
            raise EngineProblem(
                "this is neither Debian nor Ubuntu: install Docker Engine and gVisor yourself"
            )

    def _again_with_sudo(self) -> int:
        """Run this program again as root. It asks for a password only if somebody can type one."""
        sudo = ["sudo"] if sys.stdin.isatty() else ["sudo", "-n"]
        allowed = shutil.which("sudo") and subprocess.run([*sudo, "true"], check=False).returncode == 0
        if not allowed:
            raise EngineProblem(
                "Docker Engine is missing, or this user may not use it, and sudo does not work. "
                "As root: scripts/engine. Or: sudo usermod -aG docker $USER, then log in again",
                hopeless=True,
            )
        script = Path(__file__).resolve().parents[3] / "scripts" / "engine"
        engine = f"DOCKER_HOST={self._environ.get('DOCKER_HOST', '')}"
        user = pwd.getpwuid(os.geteuid()).pw_name
        command = [*sudo, "env", engine, sys.executable, str(script), "--for-user", user]
        return subprocess.run(command, check=False).returncode

    def _require_possible(self) -> None:
        if why := machine.obstacle():
            raise EngineProblem(why, hopeless=True)

    def _tell(self, engine: detect.Engine, wanted: list[str]) -> None:
        doing = []
        if wanted:
            doing.append(f"installing {', '.join(wanted)} from the distribution")
        if not engine.answers:
            doing.append("starting Docker Engine")
        if self._local and not engine.has_gvisor:
            doing.append(f"registering gVisor in {configuration.DAEMON_JSON}")
        print(
            f"Setting up the container engine: {'; '.join(doing)}. (SEATRIAL_NO_INSTALL=1 refuses.)",
            flush=True,
        )

    def _do(self, engine: detect.Engine, wanted: list[str]) -> None:
        packages.install(wanted, start_services=daemon.systemd_runs() and engine.answers)
        if not engine.answers:
            if why := machine.obstacle_after_install():
                raise EngineProblem(why, hopeless=True)
            self._register(running=False)
            daemon.note_as_ours()
            if daemon.systemd_runs() and daemon.pids():
                subprocess.run(["systemctl", "restart", "docker"], check=False)
            daemon.start()
        elif self._local and not engine.has_gvisor:
            self._register(running=True)
        self._admit()

    def _register(self, *, running: bool) -> None:
        runsc = shutil.which("runsc", path=packages.SEARCH)
        if not runsc:
            return
        if running and not daemon.uses_standard_configuration():
            print(
                "  The running dockerd has a configuration of its own: register gVisor (runsc) there yourself."
            )
            return
        self._registered = configuration.register_runsc(runsc)
        if self._registered and running:
            daemon.reload()

    def _admit(self) -> None:
        """Let the user who asked for it use the engine of this machine without sudo."""
        if not self._local or self._dry_run or self._user in {"", "root", *_members(GROUP)}:
            return
        subprocess.run(["usermod", "-aG", GROUP, self._user], check=False)
        print(
            f"  {self._user} was added to the group {GROUP} (which is as powerful as root); it takes effect at the next login."
        )

    def _prove(self, engine: detect.Engine) -> None:
        """Check that gVisor really starts containers. If not, correct the configuration if we wrote it, else report that."""
        why = smoke.obstacle(detect.GVISOR, to=engine.address) if engine.has_gvisor else None
        ours = (
            self._local and os.geteuid() == 0 and (daemon.is_ours() or self._registered) and not self._dry_run
        )
        if why and smoke.NO_NETWORK_OF_ITS_OWN in why and ours and configuration.without_network():
            daemon.reload()
            why = self._after_reload()
        if why and smoke.NO_NETWORK_OF_ITS_OWN in why:
            print(
                "  gVisor is registered, but this release cannot give containers a network on this kernel: policies\n"
                f'  cannot run. Add "--network=none" to the runtimeArgs of runsc in {configuration.DAEMON_JSON}, then:\n'
                "  kill -HUP $(pidof dockerd)"
            )
        elif why:
            print(f"  gVisor is registered, but starts no container: {why}")
        if engine.has_gvisor and not why and not engine.has_gvisor_for_previews:
            self._register_for_previews(ours=ours)

    def _register_for_previews(self, *, ours: bool) -> None:
        if ours and configuration.register_for_previews():
            daemon.reload()
            print(f"  gVisor is registered for previews of forks too ({detect.GVISOR_FOR_PREVIEWS}).")
        else:
            print(
                f"  gVisor is not registered for previews of forks, which are refused without it. {REGISTER_FOR_PREVIEWS}"
            )

    def _after_reload(self) -> str | None:
        """Wait for the engine to apply a changed configuration."""
        why: str | None = ""
        for _ in range(20):
            if (why := smoke.obstacle(detect.GVISOR)) is None:
                return None
            time.sleep(0.25)
        return why

    def _report(self, engine: detect.Engine) -> int:
        if not engine.answers:
            raise EngineProblem(f"Docker Engine still does not answer: {engine.problem}")
        how = "gVisor registered" if engine.has_gvisor else "without gVisor: isolation is weaker"
        print(f"Docker Engine {engine.version} answers at {engine.address}, {how}.")
        return READY


def _members(group: str) -> list[str]:
    try:
        return grp.getgrnam(group).gr_mem
    except KeyError:
        return []
