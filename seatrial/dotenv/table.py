"""Every variable of a `.env`, in the order of the file. `.env.example`, the reference and all checks come from here."""

from typing import Any

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings

from seatrial.agent.settings import Settings
from seatrial.control.configuration import Configuration
from seatrial.dotenv import checks, keys
from seatrial.dotenv.variable import AIR_GAPPED, BOTH, ONE_HOST, Group, Install, Variable
from seatrial.environ import shapes
from seatrial.environ.wanted import wanted


def setting(program: type[BaseSettings], field: str, group: Group, **said: Any) -> Variable:
    """A variable that is a setting of a program: meaning, default and check are the setting's, unless `said`."""
    info = program.model_fields[field]
    shape = wanted(info)
    what = shape.what if shape is not None else ""
    usual: dict[str, Any] = {
        "name": field.upper(),
        "meaning": info.description or "",
        "what": what,
        "default": default_of(info),
        "installs": BOTH,
        "check": checks.anything,
        "secret": info.annotation is SecretStr,
    }
    return Variable(group=group, program=program, setting=field, **{**usual, **said})


def default_of(field: FieldInfo) -> str:
    """As a person would type it; empty if there is none."""
    value = field.default
    if value is PydanticUndefined or value is None:
        return ""
    return str(value.get_secret_value() if isinstance(value, SecretStr) else value)


def provider(kind: str, *, address: bool) -> tuple[Variable, ...]:
    """The variables of sign-in with one provider."""
    names = [f"auth_provider_{kind}_enabled", *([f"{kind}_url"] if address else [])]
    names += [f"{kind}_client_id", f"{kind}_client_secret"]
    return tuple(setting(Configuration, name, Group.FORGE) for name in names)


def port(name: str, meaning: str, usual: str, installs: frozenset[Install] = ONE_HOST) -> Variable:
    """A port that only the compose file knows."""
    return Variable(name, Group.ADDRESSES, meaning, "a port, 1 to 65535", usual, installs, checks.port)


def image(name: str, meaning: str, usual: str) -> Variable:
    """An image of others, with its tag."""
    return Variable(name, Group.IMAGES, meaning, "the name of an image", usual, ONE_HOST, shapes.image)


# The key of the vault has either name.
MASTER_KEY, ENCRYPTION_KEY = "GALLEY_MASTER_KEY", "GITGRIT_ENCRYPTION_KEY"

VARIABLES: tuple[Variable, ...] = (
    setting(
        Configuration, "tag", Group.RELEASE, required=BOTH,
        meaning="Image tag: the release to run. Of a bundle, that of the bundle.",
    ),
    setting(Configuration, "site_url", Group.ADDRESSES, required=BOTH),
    setting(Configuration, "app_port", Group.ADDRESSES, meaning="Host port to expose the app on."),
    setting(Configuration, "galley_preview_domain", Group.ADDRESSES, required=ONE_HOST),
    setting(Configuration, "galley_preview_scheme", Group.ADDRESSES, installs=AIR_GAPPED),
    setting(Configuration, "galley_preview_port", Group.ADDRESSES),
    port("GALLEY_HTTPS_PORT", "Host port of the ingress: dashboard and previews, with TLS.", "443"),
    port("GALLEY_HTTP_PORT", "Host port from which visitors are sent to the one with TLS.", "80"),
    port("GALLEY_TRAEFIK_PORT", "Port of the ingress's API, on the loopback.", "8083", BOTH),
    port("GALLEY_BUS_PORT", "Port of the bus.", "4222", BOTH),
    setting(
        Configuration, "secret_key", Group.KEYS, required=BOTH, check=checks.secret_key, make=keys.secret_key,
        meaning="Django signing key. If it is changed alone, everybody has to sign in anew.",
    ),
    setting(Configuration, "secret_key_fallbacks", Group.KEYS, check=checks.secret_keys),
    setting(
        Configuration, "galley_master_key", Group.KEYS, installs=ONE_HOST, required=ONE_HOST,
        what="32 bytes as hex or base64", check=checks.master_key, make=keys.master_key,
    ),
    setting(
        Configuration, "gitgrit_encryption_key", Group.KEYS, required=AIR_GAPPED, what="a Fernet key",
        check=checks.fernet_key, make=keys.fernet_key,
        meaning="Fernet key: encrypts the key of every stored secret, in place of GALLEY_MASTER_KEY. If it is changed alone, nothing "
        "starts: what it sealed could not be opened.",
    ),
    setting(
        Configuration, "galley_master_key_fallbacks", Group.KEYS, what="keys as hex or base64 with commas between",
        check=checks.master_keys,
    ),
    setting(
        Configuration, "seatrial_admin_password", Group.KEYS, what="a password of at least 8 characters",
        check=checks.first_password, make=keys.first_password,
        meaning="First password of `admin`, to be changed after the first sign-in. Empty: one is made, and written once to the "
        "server's log.",
    ),
    Variable(
        "GALLEY_AGENT_TOKEN", Group.KEYS,
        "Bootstrap token with which the agent of this host joins, once, within a day of the server's first start.",
        "a bootstrap token, which begins with galley_", "", BOTH, checks.anything, Settings, "galley_agent_token",
        secret=True, required=BOTH, make=keys.agent_token,
    ),
    setting(Configuration, "db_user", Group.DATABASE, name="POSTGRES_USER", meaning="User of the database."),
    setting(Configuration, "db_name", Group.DATABASE, name="POSTGRES_DB", meaning="Name of the database."),
    setting(
        Configuration, "db_password", Group.DATABASE, name="POSTGRES_PASSWORD", required=BOTH,
        meaning="Password of the database. The database keeps the one of its first start.",
        check=checks.database_password, make=keys.password,
    ),
    setting(
        Configuration, "db_host", Group.DATABASE, installs=ONE_HOST,
        meaning="A PostgreSQL server of your own. Unset: the one of the compose file.",
    ),
    setting(Configuration, "db_port", Group.DATABASE, installs=ONE_HOST),
    setting(Configuration, "db_sslmode", Group.DATABASE, installs=ONE_HOST),
    setting(
        Configuration, "db_ca_file", Group.DATABASE, installs=ONE_HOST, check=checks.authorities,
        meaning="Host path to the PEM file of the authorities of PostgreSQL's certificate. Unset: with verify-full those of "
        "GITGRIT_CUSTOM_CA_FILE_PATH, or else the system's.",
    ),
    *provider("github", address=True),
    *provider("gitlab", address=True),
    *provider("gitea", address=True),
    *provider("google", address=False),
    setting(Configuration, "auth_allowed_domains", Group.FORGE),
    setting(Configuration, "auth_allowed_organisations", Group.FORGE),
    setting(Configuration, "auth_allowed_groups", Group.FORGE),
    setting(Configuration, "auth_role_map", Group.FORGE),
    setting(Configuration, "auth_require_second_factor", Group.FORGE),
    setting(Settings, "sandbox_network", Group.NETWORK, installs=ONE_HOST),
    setting(
        Settings, "sandbox_dns", Group.NETWORK,
        meaning="Comma-separated internal DNS resolvers, by address. gVisor cannot use the engine's embedded DNS.",
    ),
    Variable(
        "GITGRIT_CUSTOM_CA_FILE_PATH", Group.NETWORK,
        "Host path to the operator CA bundle: the certificates of your own authorities, as PEM.",
        "the path of a PEM file on the host, from the root", "", BOTH, checks.authorities,
    ),
    setting(Settings, "galley_registries", Group.NETWORK),
    setting(Settings, "galley_base_images", Group.NETWORK),
    setting(
        Settings, "galley_registry_auth_file", Group.NETWORK,
        meaning="Host path to a file with logins for pulls, as `docker login` writes it. All previews may run what they give "
        "access to. Renew it in place.",
    ),
    setting(
        Configuration, "galley_acme_provider", Group.CERTIFICATES, installs=ONE_HOST, what="the name of a provider",
        meaning="DNS provider by which an authority's DNS-01 challenge is answered, as Traefik calls it, such as cloudflare. Its own "
        "variables are in the file acme.env.",
    ),
    Variable(
        "GALLEY_ACME_EMAIL", Group.CERTIFICATES, "Where the authority writes to.", "an e-mail address", "",
        ONE_HOST, checks.email,
    ),
    Variable(
        "GALLEY_ACME_SERVER", Group.CERTIFICATES, "Directory of the authority.", "an address with https",
        "https://acme-v02.api.letsencrypt.org/directory", ONE_HOST, checks.https,
    ),
    Variable(
        "GALLEY_ACME_HOURS", Group.CERTIFICATES,
        "For how many hours the authority's certificates are good. They are renewed when a third is left; of those for less than "
        "a week, when less is left.",
        "a number of hours", "2160", ONE_HOST, checks.hours,
    ),
    Variable(
        "GALLEY_TLS_DIR", Group.CERTIFICATES,
        "Directory on the host with your own certificate: tls.crt with its chain, and tls.key.",
        "the path of a directory, from the root", "", ONE_HOST, checks.directory,
    ),
    Variable(
        "GALLEY_DATA_DIR", Group.AGENT,
        "Directory of the agent on the host: identity, git caches, build cache. Mounted at the same path.",
        "the path of a directory, from the root", "/var/lib/galley", BOTH, checks.directory, Settings,
        "galley_data_dir",
    ),
    Variable(
        "GALLEY_ENGINE_SOCKET", Group.AGENT, "Socket of the engine on the host.", "a path from the root",
        "/var/run/docker.sock", ONE_HOST, checks.directory,
    ),
    Variable(
        "GALLEY_DOCKER_HOST", Group.AGENT, "Where the agent reaches the engine: the proxy in front of its socket.",
        "the address of an engine", "unix:///run/galley-engine/docker.sock", ONE_HOST, checks.anything, Settings,
        "docker_host",
    ),
    setting(Settings, "galley_max_parallel_builds", Group.AGENT),
    setting(Settings, "galley_default_cpus", Group.AGENT),
    setting(Settings, "galley_default_memory", Group.AGENT, default="512m"),
    setting(Settings, "galley_max_preview_disk", Group.AGENT, default="10g"),
    setting(Settings, "galley_build_memory", Group.AGENT, default="4g"),
    setting(Settings, "galley_max_build_cache", Group.AGENT),
    setting(Settings, "galley_max_pulled_images", Group.AGENT),
    setting(Settings, "galley_min_free_mb", Group.AGENT, installs=ONE_HOST),
    setting(Settings, "galley_builder", Group.AGENT),
    setting(
        Settings, "galley_buildkit_host", Group.AGENT, default="unix:///run/galley-buildkit/buildkit/buildkitd.sock",
        meaning="With GALLEY_BUILDER=buildkit: the BuildKit that builds, as the agent's container reaches it. The default is galley-buildkit-v2, "
        "which runs in the profile `buildkit`.",
    ),
    setting(Settings, "galley_build_network", Group.AGENT),
    setting(Settings, "galley_build_isolation", Group.AGENT),
    setting(Settings, "galley_preview_egress", Group.AGENT),
    setting(Settings, "gitgrit_require_gvisor", Group.AGENT),
    setting(Settings, "galley_browser_image", Group.AGENT),
    setting(Configuration, "galley_max_project_cpus", Group.LIMITS, installs=ONE_HOST),
    setting(Configuration, "galley_max_project_memory", Group.LIMITS, installs=ONE_HOST),
    setting(Configuration, "galley_max_project_previews", Group.LIMITS, installs=ONE_HOST),
    setting(Configuration, "galley_keep_days", Group.LIMITS),
    setting(Configuration, "galley_audit_keep_days", Group.LIMITS),
    setting(Configuration, "galley_logs_max_mb", Group.LIMITS),
    setting(Configuration, "galley_mcp_requests", Group.LIMITS),
    setting(Configuration, "log_level", Group.LIMITS),
    Variable(
        "GALLEY_IMAGES", Group.IMAGES,
        "What stands before the names of Seatrial's images, such as registry.example.com/seatrial/.",
        "the beginning of an image's name, with a slash at its end", "", ONE_HOST, checks.prefix,
    ),
    image("GALLEY_POSTGRES_IMAGE", "PostgreSQL.", "postgres:15"),
    image("GALLEY_BUS_IMAGE", "The bus, NATS.", "nats:2.15-alpine"),
    image("GALLEY_TRAEFIK_IMAGE", "The ingress, Traefik.", "traefik:v3.7"),
    image("GALLEY_ENGINE_PROXY_IMAGE", "The proxy in front of the engine's socket, HAProxy.", "haproxy:2.6"),
    Variable(
        "GALLEY_BUILDKIT_IMAGE", Group.IMAGES, "BuildKit without root, of the profile `buildkit`. A bundle does not bring it.",
        "the name of an image", "moby/buildkit:v0.20.2-rootless", BOTH, shapes.image,
    ),
    Variable(
        "GALLEY_BUS_BIND", Group.FLEET, "Address of this host at which agents of other hosts reach the bus.",
        "an IP address", "127.0.0.1", ONE_HOST, checks.address,
    ),
    Variable(
        "GALLEY_BUS_TLS_DIR", Group.FLEET,
        "Directory on the host with the bus's certificate: tls.crt with its chain, tls.key, and for several nodes ca.crt. Unset: no TLS.",
        "the path of a directory, from the root", "", ONE_HOST, checks.directory,
    ),
    setting(Configuration, "galley_nats_replicas", Group.FLEET, installs=ONE_HOST),
    Variable(
        "GALLEY_BUS_NAME", Group.FLEET, "Of a bus of several nodes: the name of this one.", "a word", "", ONE_HOST, checks.node,
    ),
    Variable(
        "GALLEY_BUS_ROUTES", Group.FLEET, "Of a bus of several nodes: where they reach each other, all of them.",
        "addresses like nats://bus-1.example.com:6222, with commas between", "", ONE_HOST, shapes.bus_addresses,
    ),
    setting(
        Settings, "galley_control_plane_url", Group.FLEET, installs=ONE_HOST, default="",
        meaning="Of an agent alone on its host: the control plane's SITE_URL.",
    ),
    setting(
        Settings, "galley_nats_url", Group.FLEET, installs=ONE_HOST,
        meaning="The bus, as all programs reach it: tls:// and its name. Several nodes with commas between. Unset: the one of this host, "
        "without TLS.",
    ),
    setting(Settings, "galley_plain_network", Group.FLEET, installs=ONE_HOST),
    setting(Settings, "galley_agent_address", Group.FLEET, installs=ONE_HOST),
    setting(Settings, "galley_ingress_addresses", Group.FLEET, installs=ONE_HOST),
)  # fmt: skip

# Set by docker-compose.full.yaml itself.
INTERNAL = (
    "AIRGAPPED", "SANDBOX_NETWORK", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "DB_HOST", "DB_PORT", "DB_NAME",
    "DB_USER", "DB_PASSWORD",
)  # fmt: skip

# What is another default than the program's.
DEFAULTS: dict[Install, dict[str, str]] = {
    Install.ONE_HOST: {
        "SITE_URL": "",
        "GALLEY_PREVIEW_DOMAIN": "",
        "POSTGRES_USER": "galley",
        "POSTGRES_DB": "galley",
    },
    Install.AIR_GAPPED: {
        "SITE_URL": "",  # the code host inside must reach it
        "GALLEY_PREVIEW_PORT": "8080",
        "POSTGRES_USER": "gitgrit",
        "POSTGRES_DB": "gitgrit",
        "AUTH_PROVIDER_GITHUB_ENABLED": "False",
        "AUTH_PROVIDER_GITLAB_ENABLED": "True",
        "AUTH_PROVIDER_GITEA_ENABLED": "False",
        "AUTH_PROVIDER_GOOGLE_ENABLED": "False",
    },
}


def variables(install: Install) -> tuple[Variable, ...]:
    """Those of one install, in the order of the groups."""
    order = list(Group)
    mine = (one for one in VARIABLES if install in one.installs)
    return tuple(sorted(mine, key=lambda one: order.index(one.group)))


def default(install: Install, variable: Variable) -> str:
    """What counts if the variable is missing."""
    return DEFAULTS[install].get(variable.name, variable.default)
