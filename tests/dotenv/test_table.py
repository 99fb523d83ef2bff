"""The one table of the variables of `.env`: whole, checked, and what the compose files use."""

import itertools
import re
from pathlib import Path

import pytest

from seatrial.dotenv import checking, file
from seatrial.dotenv.table import INTERNAL, VARIABLES, default, variables
from seatrial.dotenv.variable import Install, Variable

ROOT = Path(__file__).resolve().parents[2]
COMPOSE_FILES = {
    Install.ONE_HOST: ROOT / "deploy" / "compose.yaml",
    Install.AIR_GAPPED: ROOT / "deploy" / "docker-compose.full.yaml",
}
USED = re.compile(r"(?<!\$)\$(?:\{([A-Z][A-Z0-9_]*)|([A-Z][A-Z0-9_]*))")
# What the compose file has in place of a path or an address that nobody gave.
PLACES = {
    "GITGRIT_CUSTOM_CA_FILE_PATH", "GALLEY_TLS_DIR", "GALLEY_ACME_PROVIDER", "DB_HOST", "DB_CA_FILE", "GALLEY_BUS_TLS_DIR",
    "GALLEY_NATS_URL", "GALLEY_REGISTRY_AUTH_FILE",
}  # fmt: skip
# Further files for the same `.env`.
BESIDE = {Install.ONE_HOST: [ROOT / "deploy" / "compose.cluster.yaml"], Install.AIR_GAPPED: []}
RIGHT = {
    "TAG": "1.4.0",
    "SITE_URL": "https://seatrial.acme.test",
    "GALLEY_PREVIEW_DOMAIN": "preview.acme.test",
    "GITGRIT_CUSTOM_CA_FILE_PATH": "/etc/seatrial/ca.pem",
    "SANDBOX_NETWORK": "policies",
    "SANDBOX_DNS": "10.0.0.53,fd00::53",
}
# Of each variable that no program of ours checks as its own setting.
WRONG = {
    "SECRET_KEY": ("short", "https://a.test"),
    "GALLEY_MASTER_KEY": ("short", "zz" * 32, "https://a.test"),
    "SECRET_KEY_FALLBACKS": ("short", "https://a.test", f"{'s' * 40},short"),
    "GALLEY_MASTER_KEY_FALLBACKS": ("short", "zz" * 32, f"{'11' * 32},short"),
    "GITGRIT_ENCRYPTION_KEY": ("short", "11" * 32, "https://a.test"),
    "POSTGRES_PASSWORD": ("short", "https://a.test/a"),
    "SEATRIAL_ADMIN_PASSWORD": ("short",),
    "SANDBOX_NETWORK": ("host", "a b", "-x"),
    "SANDBOX_DNS": ("dns.internal", "10.0.0.53:53", "https://a.test", "1.1.1.1,2.2.2.2,3.3.3.3,4.4.4.4"),
    "GITGRIT_CUSTOM_CA_FILE_PATH": ("ca.pem", "https://a.test"),
    "GALLEY_DATA_DIR": ("galley", "https://a.test"),
    "GALLEY_HTTPS_PORT": ("0", "65536", "many", "https://a.test"),
    "GALLEY_HTTP_PORT": ("0", "65536", "-1", "https://a.test"),
    "GALLEY_TRAEFIK_PORT": ("0", "99999999999", "1.5"),
    "GALLEY_BUS_PORT": ("0", "65536", "\u0663"),
    "GALLEY_ACME_EMAIL": ("me", "https://a.test", "a b@c.d"),
    "GALLEY_ACME_SERVER": ("http://a.test/x", "a.test", "https://"),
    "GALLEY_ACME_HOURS": ("0", "-1", "90 days", "10000000", "https://a.test"),
    "GALLEY_TLS_DIR": ("certs", "https://a.test"),
    "GALLEY_ENGINE_SOCKET": ("docker.sock", "unix:///var/run/docker.sock"),
    "GALLEY_IMAGES": ("registry.test/x", "https://a.test/", "A/"),
    "GALLEY_POSTGRES_IMAGE": ("https://a.test/x", "postgres:", "a b"),
    "GALLEY_BUS_IMAGE": ("https://a.test/x", "NATS"),
    "GALLEY_TRAEFIK_IMAGE": ("https://a.test/x", ":v3"),
    "GALLEY_ENGINE_PROXY_IMAGE": ("https://a.test/x",),
    "GALLEY_BUILDKIT_IMAGE": ("https://a.test/x",),
    "GALLEY_BUS_TLS_DIR": ("certs", "https://a.test"),
    "GALLEY_BUS_NAME": ("node one", "https://a.test"),
    "GALLEY_BUS_ROUTES": ("https://a.test", "bus-1:6222", "nats://a b"),
    "DB_CA_FILE": ("ca.pem", "https://a.test"),
    "GALLEY_BUS_BIND": ("bus", "https://a.test", "10.0.0.7:4222"),
}
EACH = [(install, one) for install in Install for one in variables(install)]


def complete(install: Install) -> dict[str, str]:
    made = {one.name: one.make() for one in variables(install) if one.make is not None}
    needed = {
        one.name: RIGHT[one.name] for one in variables(install) if install in one.required and not one.make
    }
    values = {**made, **needed}
    if install is Install.ONE_HOST:  # the vault's key has one of two names
        del values["GITGRIT_ENCRYPTION_KEY"]
    return values


def test_each_name_is_there_once() -> None:
    names = [one.name for one in VARIABLES]
    assert len(set(names)) == len(names)
    assert not {one.name for one in variables(Install.AIR_GAPPED)} & set(INTERNAL)


@pytest.mark.parametrize("one", VARIABLES, ids=lambda one: one.name)
def test_each_says_what_it_is_and_may_be(one: Variable) -> None:
    assert one.meaning and one.what and one.installs
    if one.program is None:
        assert one.name in WRONG


@pytest.mark.parametrize("install", Install)
def test_what_is_made_and_what_counts_otherwise_is_right(install: Install) -> None:
    values = complete(install)
    assert checking.examine(install, values).problems == ()
    usual = {one.name: text for one in variables(install) if (text := default(install, one))}
    assert checking.examine(install, {**usual, **values}).problems == ()


@pytest.mark.parametrize(("install", "name"), [(i, one.name) for i, one in EACH if one.name in WRONG])
def test_what_is_wrong_is_named_without_its_value(install: Install, name: str) -> None:
    for text in WRONG[name]:
        (line,) = checking.examine(install, {**complete(install), name: text}).problems
        assert line.startswith(f"{name}: ") and "a.test" not in line
        assert any(word in line.lower() for word in ("write", "put", "make", "leave")), "what to do about it"


@pytest.mark.parametrize(("install", "name"), [(i, one.name) for i, one in EACH if i in one.required])
@pytest.mark.parametrize("missing", [True, False])
def test_what_must_be_set_is_missed(install: Install, name: str, missing: bool) -> None:
    values = {**complete(install), name: ""}
    if missing:
        del values[name]
    (line,) = checking.examine(install, values).problems
    assert line.startswith(f"{name}: not set. ")


def test_swapped_secrets_are_found() -> None:
    values = complete(Install.ONE_HOST)
    for name, other in (
        ("SECRET_KEY", "GALLEY_MASTER_KEY"),
        ("POSTGRES_PASSWORD", "SECRET_KEY"),
        ("SEATRIAL_ADMIN_PASSWORD", "POSTGRES_PASSWORD"),
        ("GALLEY_AGENT_TOKEN", "GALLEY_MASTER_KEY"),
    ):
        found = checking.examine(Install.ONE_HOST, {**values, name: values[other]}).problems
        assert any(name in line for line in found)
        assert values[other] not in " ".join(found)


@pytest.mark.parametrize("install", Install)
def test_two_that_stand_in_each_others_place_are_found(install: Install) -> None:
    values = complete(install)
    alike = {"POSTGRES_PASSWORD", "SEATRIAL_ADMIN_PASSWORD", "SECRET_KEY"}  # any word may be each of them
    for one, other in itertools.combinations(values, 2):
        found = checking.examine(install, {**values, one: values[other], other: values[one]})
        said = " ".join(found.problems + found.warnings)
        assert {one, other} <= alike or one in said or other in said, (one, other)
        assert not any(values[name] in said for name in (one, other) if len(values[name]) > 10)


def test_programs_speak_of_variables_as_the_file_names_them() -> None:
    values = {**complete(Install.ONE_HOST), "POSTGRES_USER": "a b", "POSTGRES_DB": "a/b"}
    names = [line.split(":")[0] for line in checking.examine(Install.ONE_HOST, values).problems]
    assert names == ["POSTGRES_USER", "POSTGRES_DB"] or names == ["POSTGRES_DB", "POSTGRES_USER"]


def test_what_is_likely_not_meant_is_said() -> None:
    values = {
        **complete(Install.AIR_GAPPED),
        "GITLAB_CLIENTID": "x", "DB_HOST": "db", "CLOUDFLARE_DNS_API_TOKEN": "x", "GITLAB_URL": "https://git.internal",
    }  # fmt: skip
    assert checking.examine(Install.AIR_GAPPED, values).warnings == (
        "GITLAB_CLIENTID: no variable of this install. Did you mean GITLAB_CLIENT_ID?",
        "DB_HOST: the compose file sets it. Remove it here",
        "AUTH_PROVIDER_GITLAB_ENABLED: sign-in stays off until these are set: GITLAB_CLIENT_ID, GITLAB_CLIENT_SECRET",
    )


def test_the_key_of_the_vault_has_one_of_two_names_on_one_host() -> None:
    values = complete(Install.ONE_HOST)
    del values["GALLEY_MASTER_KEY"]
    assert checking.lacking(Install.ONE_HOST, values) == ["GALLEY_MASTER_KEY"]
    values["GITGRIT_ENCRYPTION_KEY"] = complete(Install.AIR_GAPPED)["GITGRIT_ENCRYPTION_KEY"]
    assert checking.examine(Install.ONE_HOST, values).problems == ()


def test_the_ingress_of_one_host_has_tls() -> None:
    values = {**complete(Install.ONE_HOST), "SITE_URL": "http://sea.acme.test"}
    assert checking.examine(Install.ONE_HOST, values).warnings == (
        "SITE_URL: the ingress serves it with TLS alone. Write it with https://",
    )


def test_without_internet_nobody_reaches_localhost() -> None:
    for site in ("http://localhost:3000", "https://127.0.0.1"):
        found = checking.examine(Install.AIR_GAPPED, {**complete(Install.AIR_GAPPED), "SITE_URL": site})
        assert found.problems[0].startswith("SITE_URL: must not be localhost")


@pytest.mark.parametrize("install", Install)
def test_the_compose_file_uses_what_the_table_has(install: Install) -> None:
    path = COMPOSE_FILES[install]
    if not path.exists():
        return  # this release has none
    text = "".join(one.read_text() for one in (path, *BESIDE[install]))
    used = {"".join(found) for found in USED.findall(text)}
    names = {one.name for one in variables(install)}
    assert used - names == set(), "a variable that the table does not have"
    assert names - used == set(), "a variable without effect"


@pytest.mark.parametrize("install", Install)
def test_the_compose_file_has_the_defaults_of_the_table(install: Install) -> None:
    path = COMPOSE_FILES[install]
    text = path.read_text() if path.exists() else ""
    counts = dict(re.findall(r"\$\{([A-Z][A-Z0-9_]*):-([^}]+)\}", text))
    said = {one.name: default(install, one) for one in variables(install)}
    assert {name: said[name] for name in counts if name not in PLACES} == {
        name: value for name, value in counts.items() if name not in PLACES
    }


@pytest.mark.parametrize("install", Install)
def test_the_example_has_every_variable_and_no_secret(install: Install) -> None:
    text = file.text(install, {})
    for one in variables(install):
        assert re.search(rf"^#?{one.name}=", text, re.MULTILINE)
        if one.secret:
            assert re.search(rf"^#?{one.name}=$", text, re.MULTILINE)
    assert set(file.parse(text).values) == {one.name for one in variables(install) if install in one.required}
