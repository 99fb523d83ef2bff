"""The contract that every runtime must keep: Docker's, the one of bare processes, and the fake one of the tests.

Tests of features that bare processes lack are marked `engines_only` with the reason; the fake must pass them, like Docker.
"""

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

import pytest

from seatrial.agent.vocabulary.containers import Container, HealthCheck, Listener, Mount, RestartPolicy
from seatrial.agent.vocabulary.errors import NeedsEngine, StartError
from seatrial.agent.vocabulary.labels import FINGERPRINT
from seatrial.agent.vocabulary.options import Options
from tests.runtime.conftest import Ground
from tests.waiting import LIMIT_SECONDS, until

HTTP = HealthCheck(http_path="/", port=8080)


@pytest.fixture
async def network(ground: Ground) -> str:
    """The image is there, and a network to start on."""
    if not ground.image:
        await ground.build()
    await ground.runtime.ensure_network(ground.name, ground.labels)
    await ground.runtime.ensure_network(ground.name, ground.labels)
    return ground.name


async def state(ground: Ground, wanted: str, name: str = "") -> Container:
    async def reached() -> Container | None:
        current = await ground.runtime.get(name or f"{ground.name}-web")
        return current if current is not None and current.state == wanted else None

    current = await until(reached, what=wanted)
    assert current is not None
    return current


async def well(ground: Ground) -> None:
    async def answers() -> bool:
        return await ground.check(HTTP) is None

    await until(answers, what="it answers")


async def test_it_answers_and_says_whether_it_keeps_code_in(ground: Ground) -> None:
    await ground.runtime.ping()
    why, open_to = await ground.runtime.uncontained(), await ground.runtime.unlimited()
    assert ground.contains != bool(why) or "runsc install" in why
    assert ground.contains or open_to


async def test_the_same_fingerprint_is_the_same_container_and_another_a_new_one(
    ground: Ground, network: str
) -> None:
    first = await ground.runtime.start(ground.spec())
    again = await ground.runtime.start(ground.spec())
    assert first.state == "running" and again.started_at == first.started_at is not None
    other = await ground.runtime.start(ground.spec(labels=ground.labels | {FINGERPRINT: "f2"}))
    assert other.started_at not in {None, first.started_at}
    assert other.labels[FINGERPRINT] == "f2"
    assert len(await ground.runtime.list_containers(ground.labels)) == 1


async def test_what_was_stopped_is_started_again(ground: Ground, network: str) -> None:
    await ground.runtime.start(ground.spec(restart=RestartPolicy.UNLESS_STOPPED))
    await ground.runtime.stop(ground.spec().name, 0)
    stopped = await state(ground, "exited")
    assert stopped.exit_code not in {0, None}
    assert (await ground.runtime.start(ground.spec())).state == "running"


@pytest.mark.engines_only("processes are ended instead")
async def test_what_is_paused_goes_on_where_it_was(ground: Ground, network: str) -> None:
    name = ground.spec().name
    began = (await ground.runtime.start(ground.spec())).started_at
    await well(ground)
    await ground.runtime.unpause(name)
    for _ in range(2):
        await ground.runtime.pause(name)
        paused = await state(ground, "paused")
        assert not paused.state.up and paused.addresses[network]
    for _ in range(2):
        await ground.runtime.unpause(name)
    await well(ground)
    again = await state(ground, "running")
    assert again.started_at == began and again.addresses == paused.addresses
    await ground.runtime.pause(name)
    assert (await ground.runtime.start(ground.spec())).started_at == began
    await state(ground, "running")
    await ground.runtime.pause(name)
    await ground.runtime.stop(name, 1)
    await state(ground, "exited")
    await ground.runtime.start(ground.spec())
    await ground.runtime.pause(name)
    await ground.runtime.remove(name)
    assert await ground.runtime.get(name) is None
    for gone in (ground.runtime.pause, ground.runtime.unpause):
        await gone(name)


@pytest.mark.engines_only("all processes share the loopback")
async def test_what_has_ended_has_no_address(ground: Ground, network: str) -> None:
    await ground.runtime.start(ground.spec())
    await ground.runtime.stop(ground.spec().name, 0)
    assert (await state(ground, "exited")).addresses == {network: ""}


@pytest.mark.engines_only("a process is not kept")
async def test_a_container_that_is_started_again_has_its_files(ground: Ground, network: str) -> None:
    spec = ground.script("echo again >> /tmp/starts; cat /tmp/starts")
    for times in (1, 2):
        await ground.runtime.start(spec)
        await state(ground, "exited")
        lines = [line.text async for line in ground.runtime.logs(spec.name, follow=True, tail=times)]
        assert lines == ["again"] * times


async def test_checks_by_http_by_a_port_and_by_a_command(ground: Ground, network: str) -> None:
    await ground.runtime.start(ground.spec())
    await well(ground)
    absent = HealthCheck(http_path="/nothing", port=8080)
    problem = await ground.check(absent)
    assert problem is not None and problem.endswith("answered 404, not 200")
    assert await ground.check(replace(absent, status=0)) is None
    assert await ground.check(HealthCheck(port=8080)) is None
    assert (
        await ground.check(HealthCheck(port=9)) == "port 9 does not accept connections (connection refused)"
    )
    assert await ground.check(HealthCheck(command=["true"])) is None
    failing = HealthCheck(command=["sh", "-c", "echo no; exit 3"])
    assert await ground.check(failing) == "the health command ended with 3: no"
    hangs = HealthCheck(command=["sleep", "300"], ask_seconds=0.2)
    assert await ground.check(hangs) == "the health command did not end within 0.2 s"


async def test_what_it_listens_on_is_seen(ground: Ground, network: str) -> None:
    await ground.runtime.start(ground.spec())
    await well(ground)
    container = await state(ground, "running")
    assert await ground.runtime.listening(container, network) == [Listener(container.port or 8080)]


@pytest.mark.engines_only("all processes share the loopback")
async def test_a_port_that_is_only_open_on_loopback_is_marked(ground: Ground, network: str) -> None:
    both = "httpd -p 8080 -h /www; exec httpd -f -p 127.0.0.1:9090 -h /www"
    container = await ground.runtime.start(ground.script(both))

    async def seen() -> bool:
        return await ground.runtime.listening(container, network) == [Listener(8080), Listener(9090, True)]

    await until(seen)
    assert await ground.check(HealthCheck(port=9090)) is not None


async def test_exit_codes(ground: Ground, network: str) -> None:
    for code in (0, 3):
        await ground.runtime.start(
            ground.script(f"exit {code}", labels=ground.labels | {FINGERPRINT: f"{code}"})
        )
        ended = await state(ground, "exited")
        assert (ended.exit_code, ended.oom_killed, ended.restarts) == (code, False, 0)


@pytest.mark.parametrize(
    ("restart", "script", "again"),
    [
        (RestartPolicy.UNLESS_STOPPED, "exit 0", True),
        (RestartPolicy.ON_FAILURE, "exit 1", True),
        (RestartPolicy.ON_FAILURE, "exit 0", False),
        (RestartPolicy.NEVER, "exit 1", False),
    ],
)
async def test_what_ends_is_started_again_as_its_recipe_says(
    ground: Ground, network: str, restart: RestartPolicy, script: str, again: bool
) -> None:
    await ground.runtime.start(ground.script(script, restart=restart))

    async def restarted() -> bool:
        current = await ground.runtime.get(ground.spec().name)
        return current is not None and current.restarts >= 2

    if again:
        await until(restarted, what="two restarts")
    else:
        assert (await state(ground, "exited")).restarts == 0


@pytest.mark.engines_only("processes have no limits")
async def test_a_service_that_takes_too_much_memory_is_named(ground: Ground, network: str) -> None:
    greedy = ["dd", "if=/dev/zero", "of=/dev/null", "bs=200M", "count=1"]
    await ground.runtime.start(ground.spec(command=greedy))

    async def named() -> bool:  # a busy engine learns of the end before it learns of its reason
        return (await state(ground, "exited")).oom_killed

    await until(named)
    assert (await state(ground, "exited")).exit_code == 137


async def test_lines_have_their_stream_and_time_and_come_once(ground: Ground, network: str) -> None:
    script = ground.script("echo one; echo two >&2; printf three")
    await ground.runtime.start(script)
    async with asyncio.timeout(LIMIT_SECONDS):
        lines = [line async for line in ground.runtime.logs(script.name, follow=True)]
    printed = {(line.stream, line.text) for line in lines}
    assert printed == {("stdout", "one"), ("stderr", "two"), ("stdout", "three")}
    latest = max(line.at for line in lines)
    assert [line async for line in ground.runtime.logs(script.name, follow=False, since=latest)] == []
    assert len([line async for line in ground.runtime.logs(script.name, follow=False, tail=1)]) == 1
    assert [line async for line in ground.runtime.logs("galley-test-absent", follow=True)] == []


@pytest.mark.slow
async def test_changes_of_labelled_containers_are_reported(ground: Ground, network: str) -> None:
    changes = ground.runtime.changes(ground.labels)
    first = asyncio.ensure_future(anext(changes))
    await asyncio.sleep(0)
    await ground.runtime.start(ground.spec())
    async with asyncio.timeout(LIMIT_SECONDS):
        change = await first
        assert (change.name, change.labels[FINGERPRINT]) == (ground.spec().name, "f1")
        await ground.runtime.remove(ground.spec().name)
        while change.action != "destroy":
            change = await anext(changes)
    assert change.name == ground.spec().name


async def test_everything_is_found_by_its_labels_and_removed_any_number_of_times(
    ground: Ground, network: str
) -> None:
    runtime, name, labels = ground.runtime, ground.name, ground.labels
    await runtime.ensure_volume(f"{name}-data", labels)
    await runtime.start(ground.spec())
    await runtime.ensure_network(f"{name}-2", labels)
    for _ in range(2):
        await runtime.connect(ground.spec().name, f"{name}-2", ["db"])
    assert set((await state(ground, "running")).addresses) == {name, f"{name}-2"}
    assert set(await runtime.list_networks(labels)) == {name, f"{name}-2"}
    assert set(await runtime.list_volumes(labels)) == {f"{name}-data"}
    assert [container.name for container in await runtime.list_containers(labels)] == [ground.spec().name]
    strangers = labels | {"galley.environment": "e2"}
    assert await runtime.list_containers(strangers) == []
    assert await runtime.list_networks(strangers) == await runtime.list_volumes(strangers) == {}
    for _ in range(2):
        await runtime.stop(ground.spec().name, 0)
        await runtime.remove(ground.spec().name)
        await runtime.remove_network(name)
        await runtime.remove_volume(f"{name}-data")
    assert await runtime.get(ground.spec().name) is None
    assert set(await runtime.list_networks(labels)) == {f"{name}-2"}
    assert await runtime.list_volumes(labels) == {}


async def test_images_say_what_they_expose_and_stay_while_they_are_used(ground: Ground, network: str) -> None:
    runtime = ground.runtime
    await ground.build()
    assert await runtime.has_image(ground.image)
    assert await runtime.image_ports(ground.image) == [8080]
    assert set(await runtime.list_images(ground.labels)) == {ground.image}
    await runtime.start(ground.spec())
    await runtime.remove_image(ground.image)
    assert await runtime.has_image(ground.image), "a container uses it"
    await runtime.remove(ground.spec().name)
    for _ in range(2):
        await runtime.remove_image(ground.image)
    assert not await runtime.has_image(ground.image)
    assert await runtime.image_ports(ground.image) == await runtime.image_volumes(ground.image) == []
    assert await runtime.image_check(ground.image) is None
    assert await runtime.image_bytes(ground.image) is None
    assert await runtime.image_labels(ground.image) == {}


@pytest.mark.engines_only("an image's check speaks of its own file system")
async def test_the_check_and_the_volumes_of_an_image_are_known(ground: Ground) -> None:
    await ground.build('VOLUME /data\nHEALTHCHECK --interval=2s --timeout=3s --retries=2 CMD ["true"]\n')
    assert await ground.runtime.image_volumes(ground.image) == ["/data"]
    expected = HealthCheck.inside(["true"], interval=2, timeout=3, retries=2, start_period=0)
    check = await ground.runtime.image_check(ground.image)
    assert check is not None
    assert replace(check, command=tuple(check.command or ())) == replace(expected, command=("true",))


@pytest.mark.engines_only("only the database has a volume")
async def test_a_volume_outlives_containers_and_is_filled_from_the_first_ones_image(
    ground: Ground, network: str
) -> None:
    volume = f"{ground.name}-data"
    await ground.runtime.ensure_volume(volume, ground.labels)
    script = "echo more >> /www/index.html; cat /www/index.html"
    for number in (1, 2):
        labels = ground.labels | {FINGERPRINT: str(number)}
        spec = ground.script(script, labels=labels, mounts=[Mount(volume, "/www")])
        await ground.runtime.start(spec)
        await state(ground, "exited")
        async with asyncio.timeout(LIMIT_SECONDS):
            lines = [line.text async for line in ground.runtime.logs(spec.name, follow=True)]
        assert lines == ["ok", *["more"] * number]
    with pytest.raises(StartError, match=volume):
        await ground.runtime.remove_volume(volume)


@pytest.mark.engines_only("all processes share the loopback")
async def test_siblings_meet_by_name_and_versions_do_not(ground: Ground, network: str) -> None:
    await ground.runtime.start(ground.spec())
    await well(ground)
    other = f"{ground.name}-2"
    await ground.runtime.ensure_network(other, ground.labels)
    heard = {}
    for where in (network, other):
        script = "wget -q -O - http://web:8080/index.html; echo asked"
        asking = ground.script(script, name=f"{where}-asks", networks={where: ["asks"]})
        await ground.runtime.start(asking)
        await state(ground, "exited", asking.name)
        async with asyncio.timeout(LIMIT_SECONDS):
            lines = [line async for line in ground.runtime.logs(asking.name, follow=True)]
        heard[where] = [line.text for line in lines if line.stream == "stdout"]
    assert heard == {network: ["ok", "asked"], other: ["asked"]}


async def test_what_reads_its_input_goes_on_while_that_is_open(ground: Ground, network: str) -> None:
    await ground.runtime.start(ground.script("cat; exit 3", name=f"{ground.name}-shut"))
    await state(ground, "exited", f"{ground.name}-shut")
    waits = ground.script("echo reads; cat; exit 3", options=Options(stdin_open=True, stop_seconds=7))
    await ground.runtime.start(waits)
    async with asyncio.timeout(LIMIT_SECONDS):
        async for line in ground.runtime.logs(waits.name, follow=True):
            assert line.text == "reads"
            break
    await asyncio.sleep(0.2)  # it is not over: nothing comes
    container = await state(ground, "running")
    assert container.stop_seconds == 7


@pytest.mark.engines_only("all processes share the loopback")
async def test_two_share_a_network_until_the_one_that_gives_it_begins_again(
    ground: Ground, network: str
) -> None:
    host = ground.spec(command=["sleep", "600"])
    guest = ground.spec(name=f"{ground.name}-guest", networks={}, network_of=host.name)
    with pytest.raises(StartError, match=guest.name):
        await ground.runtime.start(guest)
    given = await ground.runtime.start(host)
    shared = await ground.runtime.start(guest)
    assert shared.addresses == given.addresses and shared.network_of == host.name
    await well(ground)  # at the address of the one, the other answers
    await ground.runtime.stop(host.name, 0)
    again = await ground.runtime.start(host)
    cut_off = await state(ground, "running", guest.name)
    assert again.addresses and cut_off.addresses == {}
    assert (await ground.runtime.start(guest)).addresses == again.addresses
    await well(ground)


@pytest.mark.engines_only("all processes share the loopback")
async def test_a_network_goes_from_under_what_runs_and_is_joined_anew(ground: Ground, network: str) -> None:
    before = await ground.runtime.start(ground.spec())
    await ground.runtime.remove_network(network)
    assert (await state(ground, "running")).addresses == {}
    await ground.runtime.stop(ground.spec().name, 0)
    await ground.runtime.ensure_network(network, ground.labels)
    after = await ground.runtime.start(ground.spec())
    assert (after.state, set(after.addresses)) == ("running", {network})
    assert after.started_at != before.started_at


async def test_what_cannot_be_started_is_named(ground: Ground, network: str) -> None:
    with pytest.raises(StartError, match="seatrial-test-none:1"):
        await ground.runtime.start(ground.spec(image="seatrial-test-none:1"))
    with pytest.raises((StartError, NeedsEngine), match="no-such-program"):
        await ground.runtime.start(ground.spec(command=["no-such-program"]))


@pytest.mark.parametrize("milliseconds", [0, 1, 15])
@pytest.mark.slow
async def test_what_was_cancelled_is_there_at_once_or_never(
    ground: Ground, network: str, milliseconds: int
) -> None:
    async def cancelled(work: Coroutine[Any, Any, object]) -> None:
        task = asyncio.create_task(work)
        await asyncio.sleep(milliseconds / 1000)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    runtime, labels = ground.runtime, ground.labels
    await cancelled(runtime.ensure_network(f"{ground.name}-2", labels))
    networks = await runtime.list_networks(labels)
    await cancelled(runtime.ensure_volume(ground.name, labels))
    volumes = await runtime.list_volumes(labels)
    await cancelled(runtime.start(ground.spec()))
    before = await runtime.get(ground.spec().name)
    await asyncio.sleep(1)
    after = await runtime.get(ground.spec().name)
    assert (await runtime.list_networks(labels), await runtime.list_volumes(labels)) == (networks, volumes)
    assert after == before
