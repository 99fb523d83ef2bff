"""A pull request on its way through the install: the code host is connected, and what comes out is shown."""

import time
from dataclasses import dataclass

import httpx

from scripts.composed import forge, person
from scripts.composed.forge import SHOP, Known
from scripts.composed.person import Admin
from scripts.composed.place import PASSWORD, Place
from scripts.composed.stack import Stack
from seatrial.cli import show
from seatrial.cli.api import Json
from seatrial.cli.demo import evaluation_of
from seatrial.cli.errors import NEGATIVE, CommandError
from seatrial.cli.phases import Phases
from seatrial.cli.pulls import is_live, print_environment
from seatrial.cli.repository import read_head
from seatrial.cli.sample import BRANCH
from seatrial.cli.terminal import Terminal, bold, note
from seatrial.cli.verdicts import print_evaluation
from seatrial.cli.waiting import Deployment, items, until
from seatrial.embedded.typed import shown
from seatrial.wire.counted import counted
from seatrial.wire.states import AgentState, ResultState

SIGN_IN_SECONDS = 120.0
AGENT_SECONDS = 600.0  # the first start of an agent makes what its sandboxes and builds need
VERDICT_SECONDS = 300.0


@dataclass(frozen=True)
class Show:
    """One run of it."""

    place: Place
    terminal: Terminal

    def run(self, stack: Stack) -> None:
        """From signing in to the last words. Raises CommandError for what did not come."""
        began = time.monotonic()
        with Phases(self.terminal) as phases:
            admin = self._signed_in(phases)
            self._agent(admin, phases)
            hosted = self._code_host(stack, phases)
            project = self._connected(admin, hosted, phases)
            commit = read_head(self.place.forge / "shop", BRANCH).commit
            pull = {"project": project["id"], "number": 1, "head_sha": commit}
            environment = Deployment(admin, pull, phases).wait()
        print_environment(self.terminal, environment, commit)
        well = is_live(environment, commit) and self._visited(environment)
        self._section("Policies")
        evaluation = self._verdict(admin, project, commit)
        if evaluation:
            print_evaluation(self.terminal, evaluation)
        self._what_next(stack, hosted, environment, time.monotonic() - began)
        if not well or not evaluation:
            missing = "the preview does not answer" if not well else "no verdict came"
            raise CommandError(
                f"{missing}.", fix=f"Look: {stack.typed('logs', '--tail', '50')}", code=NEGATIVE
            )

    def _signed_in(self, phases: Phases) -> Admin:
        phases.begin("signing in")
        admin: Admin = until(lambda: Admin(self.place), seconds=SIGN_IN_SECONDS, what="nobody could sign in")
        phases.end("signing in")
        return admin

    def _agent(self, admin: Admin, phases: Phases) -> None:
        """Wait until an agent is online and policies can run on it, and say once what it says meanwhile."""
        phases.begin("agent with a sandbox")
        told: set[str] = set()

        def look() -> bool:
            online = [one for one in items(admin.get("/agents")) if one["state"] == AgentState.ONLINE]
            for warning in [text for one in online for text in one["heartbeat"].get("warnings", [])]:
                if warning not in told:
                    told.add(warning)
                    phases.note(f"the agent says: {warning}")
            return any(one["heartbeat"].get("sandbox") for one in online)

        until(look, seconds=AGENT_SECONDS, what="no agent with a sandbox came online")
        phases.end("agent with a sandbox")

    def _code_host(self, stack: Stack, phases: Phases) -> Known:
        phases.begin("code host")
        hosted = forge.ensure(self.place, stack.gateway())
        phases.end("code host")
        phases.note(f"a Forgejo that this machine plays, at {hosted.url}; its repository is {SHOP}")
        return hosted

    def _connected(self, admin: Admin, hosted: Known, phases: Phases) -> Json:
        """The project, made and connected unless it is."""
        phases.begin("connection")
        rows = [one for one in items(admin.get("/connections")) if one["base_url"] == hosted.url]
        asked = {
            "forge": "gitea",
            "base_url": hosted.url,
            "name": "Forgejo of the demo",
            "credential": hosted.token,
        }
        connection = rows[0] if rows else admin.post("/connections", asked)
        chosen = admin.post(f"/connections/{connection['id']}/projects", {"repositories": [SHOP]})
        if not chosen["projects"]:
            raise CommandError(f"{SHOP} cannot be put under trial: {chosen['refused'][0]['why']}")
        phases.end("connection")
        project: Json = chosen["projects"][0]
        return project

    def _visited(self, environment: Json) -> bool:
        """Fetch each address as a browser would; names below localhost need not resolve for that."""
        self._section("Visited through the ingress")
        well = True
        with person.visitor(self.place) as client:
            for url in environment["urls"].values():
                good, said = visited(client, url)
                well = well and good
                self.terminal.line(
                    "  ", show.mark(ResultState.PASSED if good else ResultState.FAILED), f" {url}  {said}"
                )
        return well

    def _verdict(self, admin: Admin, project: Json, commit: str) -> Json | None:
        name = next(one["name"] for one in items(admin.get("/projects")) if one["id"] == project["id"])
        with Phases(self.terminal) as phases:
            phases.begin("policies")
            try:
                found: Json = until(
                    lambda: evaluation_of(admin, name, commit), seconds=VERDICT_SECONDS, what="no verdict"
                )
            except CommandError:
                return None
            phases.forget("policies")
        return found

    def _section(self, title: str) -> None:
        self.terminal.line()
        self.terminal.line(bold(title))

    def _what_next(self, stack: Stack, hosted: Known, environment: Json, took: float) -> None:
        line, values = self.terminal.line, self.place.values
        line()
        line(f"Done in {show.seconds(took)}. Open these:")
        line("  dashboard     ", bold(values["SITE_URL"]), f"  (admin, {values[PASSWORD]})")
        for service, url in environment["urls"].items():
            line(f"  {show.padded(service, 12)}  ", bold(url))
        line("  pull request  ", bold(hosted.pull_page))
        line()
        line(
            "Browsers warn, because nobody knows the authority of these certificates. Accept the warning, or have the browser"
        )
        line(f"trust {self.place.authority}")
        line(
            note(
                "(Firefox, Chromium: Settings, Certificates, Authorities, Import. Remove it there afterwards.)"
            )
        )
        line()
        line(f"  settings      {shown(self.place.env)}")
        line(f"  what runs     {stack.typed('ps')}")
        line(f"  logs          {stack.typed('logs', '-f', 'galley-server')}")
        line("  stop          make stop-compose  (removes all of it, data too)")


def visited(client: httpx.Client, url: str) -> tuple[bool, str]:
    """Whether it answers, and what."""
    parsed = httpx.URL(url)
    began = time.monotonic()
    try:
        answer = client.get(
            parsed.copy_with(host="127.0.0.1"),
            headers={"Host": f"{parsed.host}:{parsed.port}"},
            extensions={"sni_hostname": parsed.host},
        )
    except httpx.HTTPError as error:
        return False, f"{type(error).__name__}: {error}"
    took = (time.monotonic() - began) * 1000
    size = counted(len(answer.content), "byte")
    return answer.status_code < 500, f"{answer.status_code}, {size} in {took:.0f} ms"
