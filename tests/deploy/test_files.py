"""What deploy/ says is what Compose understands, and what the embedded platform says too. Nothing runs here."""

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scripts.images.context import NOT_IN_IMAGES, without
from seatrial.agent.builds.buildkit.daemons import CONTAINER, FENCED
from seatrial.agent.settings import Settings
from seatrial.control.configuration import Configuration
from seatrial.embedded.components import bus
from seatrial.embedded.components.ingress import static_configuration
from tests.sources import files, nodes

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
NEEDED = {
    "TAG": "1", "SITE_URL": "https://galley.test", "SECRET_KEY": "secret-of-django", "POSTGRES_PASSWORD": "secret-of-database",
    "GALLEY_PREVIEW_DOMAIN": "preview.test", "GALLEY_MASTER_KEY": "secret-of-vault", "GALLEY_AGENT_TOKEN": "secret-of-agent",
}  # fmt: skip
# Of the wheels: modules whose names are not their packages', and modules that come with another package.
PACKAGES = {
    "PIL": "pillow", "asgi_correlation_id": "asgi-correlation-id",
    "allauth": "django-allauth", "csp": "django-csp", "nacl": "pynacl", "nats": "nats-py", "ninja": "django-ninja",
    "prometheus_client": "prometheus-client", "pydantic_settings": "pydantic-settings", "ruamel": "ruamel.yaml", "ulid": "python-ulid",
    "dotenv": "python-dotenv", "pydantic_core": "pydantic", "asgiref": "django", "fido2": "django-allauth", "httpcore": "httpx", "jwt": "django-allauth", "re2": "google-re2", "mcp_types": "mcp-types",
}  # fmt: skip


def configured(file: str = "compose.yaml", *beside: str, **values: str) -> dict[str, Any]:
    """What Compose reads in the files with these variables."""
    program = Path(sys.executable).parent / "docker-compose"
    command = [
        str(program),
        *(f"--file={DEPLOY / one}" for one in (file, *beside)),
        "--env-file",
        "/dev/null",
        "--profile",
        "*",
    ]
    done = subprocess.run(
        [*command, "config", "--format", "json"],
        env={**values, "PATH": "/usr/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    return dict(configured(**NEEDED)["services"])


@pytest.fixture(scope="module")
def air_gapped() -> dict[str, Any]:
    return configured("docker-compose.full.yaml", **NEEDED, GITGRIT_ENCRYPTION_KEY="secret-of-vault")


@pytest.mark.parametrize(
    "name", [name for name in NEEDED if name not in {"GALLEY_MASTER_KEY", "GALLEY_AGENT_TOKEN"}]
)
def test_a_variable_that_is_missing_is_named_with_its_fix(name: str) -> None:
    with pytest.raises(AssertionError, match=f"{name}.*set {name} in .env"):
        configured(**{other: value for other, value in NEEDED.items() if other != name})


def test_every_service_is_bounded_and_restarted(services: dict[str, Any], air_gapped: dict[str, Any]) -> None:
    for name, service in [*services.items(), *air_gapped["services"].items()]:
        if name == "galley-buildkit-v2":
            continue
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["logging"]["options"]["max-size"], name
        assert service["restart"] == ("no" if name == "galley-setup" else "unless-stopped"), name
        assert not service.get("privileged"), name
        if not name.startswith("galley-agent"):
            assert "no-new-privileges:true" in service["security_opt"], name


def test_buildkit_runs_without_root_behind_the_fence_and_its_socket_is_the_agents_alone(
    services: dict[str, Any], air_gapped: dict[str, Any]
) -> None:
    for listed, networks in (
        (services, configured(**NEEDED)["networks"]),
        (air_gapped["services"], air_gapped["networks"]),
    ):
        service = listed["galley-buildkit-v2"]
        assert service["profiles"] == ["buildkit"]
        assert service["container_name"] == CONTAINER
        assert (
            service["image"].endswith("-rootless")
            and not service.get("privileged")
            and not service.get("user")
        )
        assert "command" not in service or service["command"] is None, "steps have a process sandbox"
        assert service["logging"]["options"]["max-size"] and service["pids_limit"] == 4096
        assert service["healthcheck"]["test"]
        assert not service.get("ports")
        (network,) = service["networks"]
        bridge = networks[network]["driver_opts"]["com.docker.network.bridge.name"]
        assert bridge.startswith(FENCED) and len(bridge) <= 15, "longer than the kernel allows"
        (socket,) = [v["source"] for v in service["volumes"] if v["target"] == "/run/user/1000"]
        holders = {
            name for name, other in listed.items() for v in other.get("volumes", []) if v["source"] == socket
        }
        assert holders - {"galley-agent-alone"} == {"galley-buildkit-v2", "galley-agent"}
        agent = listed["galley-agent"]
        (mounted,) = [v["target"] for v in agent["volumes"] if v["source"] == socket]
        assert agent["environment"]["GALLEY_BUILDKIT_HOST"] == f"unix://{mounted}/buildkit/buildkitd.sock"


def test_without_internet_nothing_is_pulled_and_sandboxes_share_no_network_with_the_data(
    air_gapped: dict[str, Any],
) -> None:
    services = air_gapped["services"]
    assert {service["pull_policy"] for service in services.values()} == {"never"}
    assert air_gapped["networks"]["gitgrit_internal"]["name"] == "gitgrit_internal"
    joined = {
        name for name, service in services.items() if "gitgrit_internal" in (service.get("networks") or {})
    }
    assert joined == {"app"}
    assert services["app"]["container_name"], "a second stack is refused by this name"
    assert services["app"]["environment"]["AIRGAPPED"] == "True"
    assert air_gapped["volumes"]["pgdata"]["name"] == "gitgrit_pgdata"


def test_only_the_proxy_has_the_engines_socket_and_only_the_loopback_is_published(
    services: dict[str, Any],
) -> None:
    holders = {
        n for n, s in services.items() for v in s.get("volumes", []) if v["source"].endswith("docker.sock")
    }
    assert holders == {"galley-engine-proxy"}
    published = {port["host_ip"] for service in services.values() for port in service.get("ports", [])}
    assert published == {"127.0.0.1"}


def test_with_a_database_elsewhere_none_runs_here() -> None:
    services = configured(
        "compose.yaml", "compose.database.yaml", **NEEDED, DB_HOST="db.test", DB_CA_FILE="/etc/db.pem"
    )["services"]
    assert services["postgres"]["profiles"] == ["never"], "of a profile that nobody asks for"
    assert not services["galley-server"]["depends_on"]["postgres"]["required"]
    for name in ("galley-server", "galley-worker"):
        assert services[name]["environment"]["DB_CA_FILE"] == "/etc/seatrial/db-ca.pem"
        mounted = {v["target"]: v["source"] for v in services[name]["volumes"]}
        assert mounted["/etc/seatrial/db-ca.pem"] == "/etc/db.pem"


def test_nodes_of_the_bus_run_the_same_on_the_first_host_and_on_others() -> None:
    of_node = {
        "GALLEY_BUS_NAME": "one", "GALLEY_BUS_ROUTES": "nats://bus-1.test:6222,nats://bus-2.test:6222",
        "GALLEY_BUS_BIND": "10.0.0.7", "GALLEY_BUS_TLS_DIR": "/etc/galley/bus",
    }  # fmt: skip
    services = configured("compose.yaml", "compose.cluster.yaml", **NEEDED, **of_node)["services"]
    node, alone = services["bus"], services["galley-bus-alone"]
    for key in (
        "image",
        "command",
        "entrypoint",
        "read_only",
        "cap_drop",
        "security_opt",
        "healthcheck",
        "restart",
    ):
        assert node[key] == alone[key], key
    assert (
        node["command"][1].endswith("nats-cluster.conf")
        and node["command"][-1] == of_node["GALLEY_BUS_ROUTES"]
    )
    for service in (node, alone):
        assert {(port["host_ip"], port["published"]) for port in service["ports"]} == {
            ("10.0.0.7", "4222"), ("10.0.0.7", "6222"),
        }  # fmt: skip
        mounted = {v["target"].rpartition("/")[2]: v["source"] for v in service["volumes"]}
        assert mounted["tls"] == "/etc/galley/bus"
        assert {"nats.conf", "nats-tls.conf", "nats-cluster.conf"} <= set(mounted)
    for name in of_node.keys() - {"GALLEY_BUS_TLS_DIR"}:
        with pytest.raises(AssertionError, match=f"set {name} in .env"):
            configured(
                "compose.yaml",
                "compose.cluster.yaml",
                **NEEDED,
                **{other: value for other, value in of_node.items() if other != name},
            )


def test_the_bus_has_tls_if_it_has_a_certificate() -> None:
    plain = configured(**NEEDED)["services"]
    tls = configured(**NEEDED, GALLEY_BUS_TLS_DIR="/tls", GALLEY_NATS_URL="tls://bus.test:4222")["services"]
    assert plain["bus"]["command"][-1].endswith("/nats.conf")
    assert tls["bus"]["command"][-1].endswith("/nats-tls.conf")
    for name in ("galley-server", "galley-worker", "galley-agent", "galley-agent-alone"):
        assert tls[name]["environment"]["GALLEY_NATS_URL"] == "tls://bus.test:4222"


def test_no_secret_is_on_a_command_line(services: dict[str, Any]) -> None:
    for name, service in services.items():
        line = json.dumps([service.get(key) for key in ("command", "entrypoint", "healthcheck")])
        assert "secret-of" not in line, name


def test_what_programs_are_given_are_settings_of_theirs(services: dict[str, Any]) -> None:
    known = {name.upper() for name in (*Configuration.model_fields, *Settings.model_fields)}
    for name in ("galley-server", "galley-worker", "galley-agent", "galley-agent-alone"):
        assert not set(services[name]["environment"]) - known, name


def test_traefik_treats_requests_as_the_embedded_one_does(services: dict[str, Any]) -> None:
    given = services["traefik"]["environment"]
    wanted = static_configuration(Path("/data"), ingress_port=1, api_port=2)
    del wanted["providers"]["file"]["directory"], wanted["accessLog"]["filePath"]
    for entry_point in ("web", "traefik"):
        del wanted["entryPoints"][entry_point]["address"]
    for name, value in flattened("TRAEFIK", wanted):
        assert given[name] == value, name


def flattened(prefix: str, value: Any) -> Iterator[tuple[str, str]]:
    """A configuration as Traefik reads it from its environment."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from flattened(f"{prefix}_{key.upper()}", inner)
    else:
        yield prefix, json.dumps(value) if isinstance(value, bool) else str(value)


def test_the_bus_keeps_what_the_embedded_one_keeps() -> None:
    pattern = r"max_payload: \S+|max_mem: \S+|max_file: \S+|sync_interval: \S+|include .*|server_name: \S+"
    assert re.findall(pattern, (DEPLOY / "bus/nats.conf").read_text()) == re.findall(
        pattern, bus.CONFIGURATION.replace("}}", "}")
    )


@pytest.mark.parametrize(
    ("image", "folders"),
    [
        ("galley-agent", ["agent", "wire", "replay.py", "files.py"]),
        ("galley-server", ["control", "cli", "dotenv", "embedded", "wire", "replay.py", "files.py"]),
    ],
)
def test_an_image_has_the_packages_that_its_program_imports(image: str, folders: list[str]) -> None:
    listed = (DEPLOY / image / "requirements.txt").read_text()
    named = {re.split(r"\[", line)[0] for line in listed.splitlines() if line and not line.startswith("#")}
    imported = {module for folder in folders for module in imports(folder)}
    foreign = imported - set(sys.stdlib_module_names) - {"seatrial"}
    assert {PACKAGES.get(module, module) for module in foreign} <= named


def imports(room: str) -> Iterator[str]:
    """The top-level modules that the code of `room` imports."""
    for file in (file for file in files(room) if "packs" not in file.parts):
        for node in nodes(file):
            if isinstance(node, ast.Import):
                yield from (alias.name.split(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield node.module.split(".")[0]


def test_programs_of_others_are_left_out_of_the_lock_file_and_nothing_else() -> None:
    lock = (ROOT / "requirements/base.txt").read_text()
    left = without(lock, NOT_IN_IMAGES)
    names = {re.split(r"[=\[]", line)[0] for line in lock.splitlines() if line[:1].isalnum()}
    assert {
        re.split(r"[=\[]", line)[0] for line in left.splitlines() if line[:1].isalnum()
    } == names - NOT_IN_IMAGES
    assert left.count("--hash=") < lock.count("--hash=")


def test_a_long_migration_does_not_make_a_server_unhealthy() -> None:
    """`up -d` ends with an error as soon as something that others wait for is unhealthy."""
    file = (ROOT / "deploy/galley-server/Dockerfile").read_text()
    found = re.search(r"^HEALTHCHECK .*--start-period=(\d+)s", file, re.MULTILINE)
    assert found is not None and int(found[1]) >= 600
