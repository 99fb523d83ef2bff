"""Every setting of web, worker and agent: what is wrong is named with its fix, and what only looks wrong is taken."""

from typing import Any

import certifi
import pytest
from pydantic import SecretStr, ValidationError
from pydantic_settings import BaseSettings

from seatrial.agent.settings import Settings
from seatrial.control.configuration import Configuration, unfit_without_internet
from seatrial.environ import reading
from seatrial.environ.sentences import problems
from seatrial.environ.wanted import is_verbatim, wanted

URL = "https://swapped.example.com/a"
CANARY = "c4n4ry-0f-a-s3cret"
NUMBER = ("many", "-1", "nan", "1e999", "3000 # the port", CANARY, URL)
FLAG = ("maybe", "Truee", CANARY, URL)
ADDRESS = (
    CANARY,
    "ftp://a.test",
    "https://",
    "https://me:pass@a.test",
    'https://"a.test',
    "https://a b.test",
)
HOST = ("a b", "https://a.test", "-a", "a/b")
FILE = ("key.pem", URL, CANARY, "/a\nb")
MEMORY = ("much", "-1g", "1", CANARY, URL)
# The wrong values of each setting: a setting that is not here has not been thought about, and fails a test below.
WRONG: dict[type[BaseSettings], dict[str, tuple[str, ...]]] = {
    Configuration: {
        "site_url": (*ADDRESS, "https://a.test/path"),
        "app_port": (*NUMBER, "0", "65536", "3000.5"),
        "secret_key": (URL, '"half', "two\nlines"),
        "secret_key_fallbacks": (URL, '"half', "two\nlines"),
        "galley_master_key_fallbacks": (URL, "'half", "two\nlines"),
        "galley_master_key": (URL, "'half", "two\nlines"),
        "db_host": (*HOST[:2], "db:5432", "postgres://u:p@db/x"),
        "db_port": (*NUMBER, "0", "65536"),
        "db_name": ("a b", URL, "a'b", "x" * 64),
        "db_user": ("a b", URL, "me@host", "x" * 64),
        "db_sslmode": ("yes", CANARY, URL, "verify"),
        "db_ca_file": (URL,),
        "db_pool_size": (*NUMBER, "1001"),
        "allowed_hosts": ("https://a.test", "a.test,a b", "a.test:3000"),
        "log_level": ("LOUD", CANARY, URL),
        "log_format": ("xml", CANARY, URL),
        "galley_nats_url": (CANARY, URL, "bus:4222", "nats://", "nats://bus:port"),
        "galley_nats_replicas": (*NUMBER, "0", "2", "7"),
        "galley_nats_credentials": FILE,
        "galley_nats_signing_seed": FILE,
        "galley_agent_credential_days": NUMBER,
        "galley_logs_max_mb": (*NUMBER, "0"),
        "galley_keep_days": (*NUMBER, "0"),
        "galley_audit_keep_days": NUMBER,
        "galley_mcp_requests": NUMBER,
        "galley_internal_url": ADDRESS,
        "galley_max_project_cpus": NUMBER,
        "galley_max_project_memory": MEMORY,
        "galley_max_project_previews": NUMBER,
        "galley_preview_domain": ("*.a.test", URL, "a.test:80", "a b", "a.test/x"),
        "galley_preview_scheme": ("ftp", CANARY, URL),
        "galley_preview_port": (*NUMBER, "0", "65536"),
        "galley_routes_file": FILE,
        "galley_traefik_api_url": ADDRESS,
        "galley_ingress_url": ADDRESS,
        "galley_ingress_visits": FILE,
        "galley_ingress_notes": FILE,
        "galley_acme_provider": ("a b", URL),
        "galley_tls_dir": FILE,
        "galley_drain_seconds": NUMBER,
        "galley_undo_seconds": (*NUMBER, "86401"),
        "gitgrit_custom_ca_file_path": (URL,),
        "airgapped": FLAG,
        "gitgrit_encryption_key": (URL, "'half", "two\nlines"),
        "requests_ca_bundle": (URL,),
        "ssl_cert_file": (URL,),
        "galley_keys_dir": FILE,
        "galley_agent_token": (CANARY, URL, "11" * 32),
        "seatrial_admin_password": (URL, '"half'),
        "tag": ("a b", URL, "-1", "x" * 129),
        "git_sha": ("a b", URL),
        "debug": FLAG,
        **{
            f"auth_provider_{kind}_enabled": (*FLAG, "true", "1", "FALSE")
            for kind in ("github", "gitlab", "gitea", "google")
        },
        **{f"{kind}_url": ADDRESS for kind in ("github", "gitlab", "gitea")},
        **{
            f"{kind}_client_id": (URL, "a b", "gloas-0123456789", "GOCSPX-0123456789", "gto_0123456789")
            for kind in ("github", "gitlab", "gitea", "google")
        },
        **{
            f"{kind}_client_secret": (URL, "a b", "1-x.apps.googleusercontent.com", "Ov23liABCDEFGHIJKLMN")
            for kind in ("github", "gitlab", "gitea", "google")
        },
        "auth_allowed_domains": (CANARY, URL, "a.test,*"),
        "auth_allowed_organisations": (CANARY, URL, "github:a,b"),
        "auth_allowed_groups": (URL, "a,*"),
        "auth_role_map": (CANARY, URL),
        "auth_session_hours": (*NUMBER, "0", "721"),
        "auth_require_second_factor": (*FLAG, "true"),
    },
    Settings: {
        "galley_control_plane_url": ADDRESS,
        "galley_nats_url": (CANARY, URL, "bus:4222"),
        "galley_agent_token": (CANARY, URL, "11" * 32),
        "galley_plain_network": FLAG,
        "galley_agent_address": (CANARY, URL, "::1", "127.0.0.1", "0.0.0.0", "10.0.0.7:80"),
        "galley_ingress_addresses": (CANARY, URL, "10.0.0.5,traefik", "10.0.0.5/8", "10.0.0.0/33"),
        "galley_data_dir": ("galley", URL, CANARY),
        "galley_max_parallel_builds": (*NUMBER, "0"),
        "galley_default_cpus": (*NUMBER, "0"),
        "galley_default_memory": MEMORY,
        "galley_max_cpus": (*NUMBER, "0"),
        "galley_max_memory": MEMORY,
        "galley_max_preview_cpus": (*NUMBER, "0"),
        "galley_max_preview_memory": MEMORY,
        "galley_max_preview_disk": MEMORY,
        "galley_build_memory": MEMORY,
        "galley_max_build_cache": (CANARY, URL, "101%", "0%", "-1g", "20"),
        "galley_max_pulled_images": (CANARY, URL, "101%", "0%", "-1g", "20"),
        "galley_min_free_mb": NUMBER,
        "galley_log_mb_per_hour": NUMBER,
        "galley_runtime": ("podman", CANARY, URL),
        "galley_builder": ("kaniko", "BuildKit", CANARY, URL),
        "galley_buildkit_host": (CANARY, "/run/buildkitd.sock", "ssh://host", "unix://", "https://host"),
        "galley_build_network": ("host", CANARY, URL),
        "galley_build_isolation": ("rootless", "CHROOT", CANARY, URL),
        "galley_preview_egress": ("private", "INTERNET", CANARY, URL),
        "galley_firewall": FLAG,
        "galley_build_cache_dir": FILE,
        "galley_cache_days": (*NUMBER, "0"),
        "galley_build_ca_file": (URL,),
        "gitgrit_custom_ca_file_path": (URL,),
        "galley_registries": (URL, "a.test:port", "a.test,b/c"),
        "galley_registry_auth_file": FILE,
        "galley_base_images": (URL, "python:3.12", "a=b=c", "python=x,python=y", "A B=c"),
        "galley_orphan_grace_seconds": NUMBER,
        "gitgrit_require_gvisor": FLAG,
        "gitgrit_sandbox_image": (URL, "a b", "postgres:"),
        "galley_browser_image": (URL, "a b", "postgres:"),
        "sandbox_network": ("host", "a b", URL),
        "sandbox_dns": ("dns.internal", URL, CANARY, "1.1.1.1,10.0.0.53:53"),
        "docker_host": (CANARY, "/var/run/docker.sock", "ssh://host", "unix://"),
    },
}
# A right value of each setting whose default says nothing, in the form in which it is kept.
RIGHT: dict[str, str] = {
    "secret_key": "s" * 64,
    "secret_key_fallbacks": "f" * 64,
    "seatrial_admin_password": "of the first person",
    "tag": "1.4.0",
    "git_sha": "0a" * 20,
    "airgapped": "False",
    "gitgrit_custom_ca_file_path": certifi.where(),
    "galley_master_key": "11" * 32,
    "galley_master_key_fallbacks": "22" * 32,
    "db_host": "db.example.com",
    "db_password": "of the database",
    "db_sslmode": "verify-full",
    "db_ca_file": certifi.where(),
    "allowed_hosts": "a.test,.b.test",
    "galley_nats_url": "nats://bus:4222,nats://two:4222",
    "galley_max_project_memory": "1g",
    "galley_max_memory": "1g",
    "galley_default_memory": "1g",
    "galley_max_preview_memory": "1g",
    "galley_max_preview_disk": "1g",
    "galley_build_memory": "1g",
    "galley_max_build_cache": "1g",
    "galley_max_pulled_images": "20%",
    "galley_nats_credentials": "/keys/control.creds",
    "galley_nats_signing_seed": "/keys/signing.seed",
    "galley_internal_url": "http://galley-server:3000",
    "galley_preview_port": "8443",
    "galley_routes_file": "/routes/routes.json",
    "galley_traefik_api_url": "http://traefik:8081/api",
    "galley_ingress_url": "https://127.0.0.1:443",
    "galley_ingress_visits": "/ingress/visits",
    "galley_ingress_notes": "/ingress",
    "galley_acme_provider": "cloudflare",
    "galley_tls_dir": "/certificates",
    "galley_build_ca_file": "/etc/ca.pem",
    "galley_buildkit_host": "docker-container://galley-buildkit-v2",
    "galley_build_cache_dir": "/var/cache",
    "galley_agent_token": "galley_0123",
    "gitgrit_encryption_key": "Zm9yIHRoZSB0ZXN0cywgYW5kIGZvciBub3RoaW5nIGU=",
    "requests_ca_bundle": certifi.where(),
    "ssl_cert_file": certifi.where(),
    "sandbox_network": "gitgrit_internal",
    "gitgrit_sandbox_image": "registry.test:5000/gitgrit-sandbox:1.4.0",
    "galley_browser_image": "galley-browser",
    "sandbox_dns": "10.0.0.53,fd00::53",
    "galley_agent_address": "10.0.0.7",
    "galley_ingress_addresses": "10.0.0.5,10.1.0.0/28",
    "galley_registry_auth_file": "/etc/registries.json",
    "galley_base_images": "python:3.12=registry.test/python:3.12",
    "galley_registries": "registry.test:5000,other.test",
    "auth_allowed_domains": "example.com",
    "auth_allowed_organisations": "github:acme",
    "auth_allowed_groups": "acme/*",
    "auth_role_map": "github:acme=default:admin",
    "gitlab_url": "https://git.test",
    "gitea_url": "https://git.test",
    "gitlab_client_id": "0a" * 32,
    "gitlab_client_secret": "gloas-0123456789",
    "google_client_id": "1-x.apps.googleusercontent.com",
    "google_client_secret": "GOCSPX-0123456789",
    "github_client_id": "Ov23liABCDEFGHIJKLMN",
    "github_client_secret": "0a" * 20,
    "gitea_client_id": "0a-0b",
    "gitea_client_secret": "gto_0123456789",
}
KINDS = (Configuration, Settings)
FIELDS = [(kind, name) for kind in KINDS for name in kind.model_fields]
STRAY = ["'{}'", '"{}"', " {} ", "{}\r", "{}\r\n", "\t'{}' ", '" {} "']


def read(kind: type[BaseSettings], **variables: str) -> Any:
    with reading.instead_of_the_environment({name.upper(): text for name, text in variables.items()}):
        return kind()


def refused(kind: type[BaseSettings], **variables: str) -> list[str]:
    with pytest.raises(ValidationError) as caught:
        read(kind, **variables)
    return problems(kind, caught.value)


def plain(value: object) -> object:
    return value.get_secret_value() if isinstance(value, SecretStr) else value


def right(kind: type[BaseSettings], name: str) -> str:
    default = kind.model_fields[name].default
    return RIGHT.get(name) or ("True" if default is None or isinstance(default, bool) else str(default))


@pytest.mark.parametrize("kind", KINDS)
def test_no_setting_is_left_out(kind: type[BaseSettings]) -> None:
    unthought = set(kind.model_fields) - set(WRONG[kind])
    assert {name for name in unthought if not is_verbatim(kind.model_fields[name])} == set()
    assert set(WRONG[kind]) <= set(kind.model_fields)


@pytest.mark.parametrize(("kind", "name"), FIELDS)
def test_every_setting_says_what_it_may_be(kind: type[BaseSettings], name: str) -> None:
    shape = wanted(kind.model_fields[name])
    assert shape is not None and shape.what


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind in KINDS for name in WRONG[kind]])
def test_what_is_wrong_is_named_with_its_fix_and_without_its_value(
    kind: type[BaseSettings], name: str
) -> None:
    for text in WRONG[kind][name]:
        (line,) = refused(kind, **{name: text})
        assert line.startswith(f"{name.upper()}: ") and "\n" not in line, text
        assert any(word in line.lower() for word in ("write", "put", "copy", "make")), "what to do about it"
        assert "Input should" not in line and "Value error" not in line
        assert CANARY not in line and "swapped.example" not in line and "me:pass" not in line


@pytest.mark.parametrize(("kind", "name"), FIELDS)
def test_what_stands_around_a_value_is_left_out_and_said(kind: type[BaseSettings], name: str) -> None:
    text = right(kind, name)
    clean = plain(getattr(read(kind, **{name: text}), name))
    for around in STRAY:
        given = around.format(text)
        with reading.instead_of_the_environment({name.upper(): given}):
            (sentence,) = reading.stray(kind)
            kept = plain(getattr(kind(), name))
        assert sentence.startswith(f"{name.upper()}: ") and text not in sentence
        literal = is_verbatim(kind.model_fields[name])  # another program takes it as it is, too
        assert kept == (given if literal else clean), around


@pytest.mark.parametrize("nothing", ["", " ", "''", '""', "\r", "' '"])
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_in_quotes_is_nothing(kind: type[BaseSettings], nothing: str) -> None:
    open_to_it = [name for name, field in kind.model_fields.items() if not is_verbatim(field)]
    assert read(kind, **dict.fromkeys(open_to_it, nothing)) == read(kind)


def test_what_is_right_needs_no_warning() -> None:
    for kind in KINDS:
        with reading.instead_of_the_environment({name.upper(): text for name, text in RIGHT.items()}):
            assert reading.stray(kind) == []


@pytest.mark.parametrize("kind", KINDS)
def test_all_that_is_wrong_is_said_at_once(kind: type[BaseSettings]) -> None:
    variables = {name: texts[0] for name, texts in WRONG[kind].items()}
    assert {line.split(":")[0].lower() for line in refused(kind, **variables)} == set(variables)


@pytest.mark.parametrize(
    "site",
    ["http://localhost:3000", "https://a.localhost", "http://127.0.0.1", "http://[::1]", "http://0.0.0.0"],
)
def test_a_code_host_inside_cannot_reach_localhost(site: str) -> None:
    with reading.instead_of_the_environment({}):
        said = unfit_without_internet(site)
        assert said.startswith("must not be localhost. ") and "reach for webhooks" in said
        assert unfit_without_internet("https://seatrial.internal") == ""
    with reading.instead_of_the_environment({"SEATRIAL_DATA_DIR": "/data"}):
        assert unfit_without_internet(site) == "", "an embedded platform is for its machine"


def test_what_is_wrong_between_settings_is_said_with_the_rest() -> None:
    lines = refused(Configuration, app_port="x", secret_key="the password", db_password="the password")
    assert [line.split(":")[0] for line in lines] == ["APP_PORT", "SECRET_KEY"]
    assert "the password of the database stands here" in lines[-1]


def test_addresses_are_kept_without_a_slash() -> None:
    kept = read(
        Configuration, gitlab_url="https://git.test/gitlab/", galley_preview_domain="Preview.Example.com."
    )
    assert (kept.gitlab_url, kept.galley_preview_domain) == ("https://git.test/gitlab", "preview.example.com")
    assert read(Configuration, log_level="debug").log_level == "DEBUG"
