"""Which of several ports visitors get, and what is said when none is for them."""

from dataclasses import replace

import pytest

from seatrial.agent.environments import advice, ports
from seatrial.agent.environments.health import Watch
from seatrial.agent.environments.launch import Planned
from seatrial.agent.environments.ports import Well
from seatrial.agent.recipes.recipe import Service
from seatrial.agent.vocabulary.containers import Cause, ContainerSpec, HealthCheck, Listener, Unwell
from seatrial.agent.vocabulary.errors import Unhealthy
from seatrial.wire.states import ServiceKind
from tests.runtime.fake import BUSYBOX, FakeRuntime

NETWORK = "n"


async def watched(runtime: FakeRuntime, script: str, *listed: int, check: HealthCheck | None = None) -> Well:
    """A web service of a compose file that lists these ports."""
    service = Service("web", ServiceKind.WEB, ports=listed, health=check)
    spec = ContainerSpec("web", BUSYBOX, {}, {NETWORK: ["web"]}, command=["sh", "-c", script])
    await runtime.ensure_network(NETWORK, {})
    await runtime.start(spec)
    return await Watch(runtime, Planned(service, spec, False, "compose.yaml"), NETWORK).until_well()


@pytest.fixture
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "PASS_OVER_SECONDS", 0.2)


@pytest.fixture
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "PASS_OVER_SECONDS", 3600)


@pytest.mark.usefixtures("_patient")
@pytest.mark.parametrize(
    ("listed", "port"),
    [
        ((5678, 8000), 8000),
        ((9229, 8000), 8000),
        ((8000, 5678), 8000),
        ((1111, 8000), 8000),
        ((8000, 8001), 8000),
        ((9229, 9230), 9229),
    ],
    ids=[
        "a debugger's is nobody's",
        "even if it speaks HTTP",
        "it is first",
        "it will never speak HTTP",
        "of two the first",
        "it has no other",
    ],
)
async def test_the_first_port_that_speaks_http_has_the_address(
    runtime: FakeRuntime, listed: tuple[int, ...], port: int
) -> None:
    script = (
        "httpd -p 9229 -h /www; httpd -p 1111 -h /mute; httpd -p 8001 -h /www; exec httpd -f -p 8000 -h /www"
    )
    assert (await watched(runtime, script, *listed)).port == port


@pytest.mark.usefixtures("_patient")
async def test_a_later_port_that_is_up_sooner_does_not_get_the_address(runtime: FakeRuntime) -> None:
    script = "httpd -p 9090 -h /www; sleep 0.3; exec httpd -f -p 8000 -h /www"
    well = await watched(runtime, script, 8000, 9090)
    assert (well.port, well.warning) == (8000, None)


@pytest.mark.usefixtures("_soon")
async def test_a_port_that_stays_shut_is_passed_over_and_said(runtime: FakeRuntime) -> None:
    well = await watched(runtime, "exec httpd -f -p 9090 -h /www", 8000, 9090)
    assert well.port == 9090
    assert well.warning == (
        "web: visitors get port 9090, not 8000 (GET / on port 8000 got no answer (connection refused))"
    )


@pytest.mark.usefixtures("_soon")
async def test_its_own_check_does_not_give_the_address_to_a_port_without_http(runtime: FakeRuntime) -> None:
    script = "httpd -p 1111 -h /mute; exec httpd -f -p 8000 -h /www"
    check = HealthCheck(command=["true"])
    assert (await watched(runtime, script, 1111, 8000, check=check)).port == 8000


@pytest.mark.usefixtures("_soon")
async def test_one_that_is_well_and_speaks_no_http_keeps_its_first_open_port(runtime: FakeRuntime) -> None:
    script = "httpd -p 2222 -h /mute; exec httpd -f -p 1111 -h /mute"
    well = await watched(runtime, script, 3333, 2222, 1111, check=HealthCheck(command=["true"]))
    assert well.port == 2222


@pytest.mark.usefixtures("_soon")
async def test_none_speaks_http(runtime: FakeRuntime) -> None:
    check = HealthCheck(http_path="/", status=0, timeout_seconds=0.5)
    with pytest.raises(Unhealthy) as raised:
        await watched(runtime, "exec httpd -f -p 1111 -h /mute", 8000, 1111, check=check)
    assert str(raised.value) == (
        "web: port 1111 answers, but does not speak HTTP. If it has another port for visitors, add it "
        "to ports for services.web in compose.yaml; if it has none, set x-galley-kind: worker for services.web in compose.yaml"
    )


SHUT = Unwell("GET / on port 8000 got no answer (connection refused)", Cause.NOTHING_THERE)


@pytest.mark.parametrize(
    ("recipe", "unwell", "listening", "told"),
    [
        ("compose.yaml", SHUT, [Listener(8000, six=True)], "web listens on port 8000 for IPv6 only: make it listen on 0.0.0.0. After 60 s, GET / on port 8000 got no answer (connection refused)"),
        ("compose.yaml", SHUT, [Listener(8000, True)], "web listens on 127.0.0.1:8000 only: make it listen on 0.0.0.0. After 60 s, GET"),
        ("compose.yaml", SHUT, [Listener(9000)], "web listens on port 9000, not on 8000. Add 9000 to ports for services.web in compose.yaml"),
        ("compose.yaml", SHUT, [], "web listens on no TCP port. If it needs longer to start, give it a healthcheck with start_period: 180s for services.web in compose.yaml"),
        ("galley.yml", SHUT, [], "web listens on no TCP port. If it needs longer to start, set health: {path: /, timeout: 180s} for services.web in galley.yml"),
        ("Dockerfile", SHUT, [], "web listens on no TCP port. If it needs longer to start, add HEALTHCHECK --start-period=180s CMD ... in Dockerfile"),
        ("compose.yaml", Unwell("port 8000 speaks TLS, not plain HTTP", Cause.TLS), [Listener(8000)], "web: port 8000 speaks TLS, not plain HTTP. Serve plain HTTP there: the ingress adds TLS"),
        ("compose.yaml", Unwell("GET / answered 500", Cause.WRONG_ANSWER), [Listener(8000)], "web runs, but GET / answered 500 after 60 s. Its log may say why. If another answer tells that it is well, give it a healthcheck for services.web in compose.yaml"),
    ],
)  # fmt: skip
def test_what_to_do_is_said_in_the_words_of_the_recipe(
    recipe: str, unwell: Unwell, listening: list[Listener], told: str
) -> None:
    service = Service("web", ServiceKind.WEB, ports=(8000,))
    one = Planned(service, ContainerSpec("web", BUSYBOX, {}, {}), False, recipe)
    assert advice.unhealthy(one, unwell, 60, listening, [8000]).startswith(told)
    worker = replace(one, service=replace(service, kind=ServiceKind.DATABASE))
    assert "start_period" not in advice.unhealthy(worker, SHUT, 60, [], [8000])


def test_a_service_that_listens_nowhere_is_told_so_once() -> None:
    one = Planned(Service("web", ServiceKind.WEB), ContainerSpec("web", BUSYBOX, {}, {}), False, "Dockerfile")
    shut = Unwell("listens on no port", Cause.NO_PORT)
    assert advice.unhealthy(one, shut, 60, [], []) == (
        "web listens on no TCP port. If it needs longer to start, add HEALTHCHECK --start-period=180s CMD ... in Dockerfile; "
        "if it is not for visitors, set kind: worker in a galley.yml"
    )


@pytest.mark.parametrize(
    ("said", "fix"),
    [
        ("exec /app/start.sh: no such file or directory", "ends in CR LF: save it with LF"),
        ("exec /usr/bin/tool: exec format error", "a first line like #!/bin/sh"),
    ],
)
def test_a_program_that_cannot_be_run_comes_with_the_usual_reason(said: str, fix: str) -> None:
    one = Planned(Service("web", ServiceKind.WEB), ContainerSpec("web", BUSYBOX, {}, {}), False, "Dockerfile")
    assert advice.ended(one, 255, 1, said).startswith(f"web exited with code 255: {said}. ")
    assert fix in advice.ended(one, 255, 1, said)
    assert fix not in advice.ended(one, 1, 1, "open /etc/x: no such file or directory")
