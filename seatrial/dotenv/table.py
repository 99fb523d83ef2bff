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


VARIABLES: tuple[Variable, ...] = (
    setting(
        Configuration, "tag", Group.RELEASE, required=True,
        meaning="Image tag: the release to run. Of a bundle, that of the bundle.",
    ),
    setting(Configuration, "site_url", Group.ADDRESSES, required=True),
    setting(Configuration, "app_port", Group.ADDRESSES, meaning="Host port to expose the app on."),
    setting(Configuration, "galley_preview_domain", Group.ADDRESSES),
    setting(Configuration, "galley_preview_scheme", Group.ADDRESSES),
    setting(Configuration, "galley_preview_port", Group.ADDRESSES),
    setting(
        Configuration, "secret_key", Group.KEYS, required=True, check=checks.secret_key, make=keys.secret_key,
        meaning="Django signing key. Never change it after the first start: that ends every session.",
    ),
    setting(
        Configuration, "galley_master_key", Group.KEYS, installs=ONE_HOST, required=True,
        what="32 bytes as hex or base64", check=checks.master_key, make=keys.master_key,
    ),
    Variable(
        "GITGRIT_ENCRYPTION_KEY", Group.KEYS,
        "Fernet key: encrypts the key of every stored secret. Never change it: what it sealed is lost then.",
        "a Fernet key", "", AIR_GAPPED, checks.fernet_key, secret=True, required=True, make=keys.fernet_key,
    ),
    setting(Configuration, "db_user", Group.DATABASE, name="POSTGRES_USER", meaning="User of the database."),
    setting(Configuration, "db_name", Group.DATABASE, name="POSTGRES_DB", meaning="Name of the database."),
    setting(
        Configuration, "db_password", Group.DATABASE, name="POSTGRES_PASSWORD", required=True,
        meaning="Password of the database. The database keeps the one of its first start.",
        check=checks.database_password, make=keys.password,
    ),
    setting(
        Configuration, "seatrial_admin_password", Group.KEYS, what="a password of at least 8 characters",
        check=checks.first_password, make=keys.first_password,
        meaning="First password of `admin`, to be changed after the first sign-in. Empty: one is made, and written once to the server's log.",
    ),
    Variable(
        "GALLEY_AGENT_TOKEN", Group.KEYS,
        "Bootstrap token with which the agent of this host joins, once, within a day of the server's first start.",
        "a bootstrap token, which begins with galley_", "", BOTH, checks.anything, Settings, "galley_agent_token",
        secret=True, required=True, make=keys.agent_token,
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
    Variable(
        "SANDBOX_DNS", Group.NETWORK,
        "Comma-separated internal DNS resolvers, by address. gVisor cannot use the engine's embedded DNS.",
        "addresses of resolvers with commas between", "", AIR_GAPPED, checks.resolvers,
    ),
    Variable(
        "GITGRIT_CUSTOM_CA_FILE_PATH", Group.NETWORK,
        "Host path to the operator CA bundle: the certificates of your own authorities, as PEM.",
        "the path of a PEM file on the host, from the root", "", BOTH, checks.authorities,
    ),
    setting(Settings, "galley_registries", Group.NETWORK),
    Variable(
        "GALLEY_DATA_DIR", Group.AGENT,
        "Directory of the agent on the host: identity, git caches, build cache. Mounted at the same path.",
        "the path of a directory, from the root", "/var/lib/galley", BOTH, checks.directory, Settings,
        "galley_data_dir",
    ),
    setting(Settings, "galley_max_parallel_builds", Group.AGENT),
    setting(Settings, "galley_default_cpus", Group.AGENT),
    setting(Settings, "galley_default_memory", Group.AGENT, default="512m"),
    setting(Settings, "gitgrit_require_gvisor", Group.AGENT),
    setting(Configuration, "galley_keep_days", Group.LIMITS),
    setting(Configuration, "galley_logs_max_mb", Group.LIMITS),
    setting(Configuration, "log_level", Group.LIMITS),
)  # fmt: skip

# Set by docker-compose.full.yaml itself.
INTERNAL = (
    "AIRGAPPED", "SANDBOX_NETWORK", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "DB_HOST", "DB_PORT", "DB_NAME",
    "DB_USER", "DB_PASSWORD",
)  # fmt: skip

# What is another default than the program's.
DEFAULTS: dict[Install, dict[str, str]] = {
    Install.ONE_HOST: {"SITE_URL": ""},
    Install.AIR_GAPPED: {
        "SITE_URL": "",  # the code host inside must reach it
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
