"""Every setting of the control plane, read once from the environment. Documented in docs/settings.md."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import (
    BeforeValidator,
    Field,
    ModelWrapValidatorHandler,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from seatrial.control.sign_in_settings import SignInSettings
from seatrial.environ import shapes
from seatrial.environ.reading import Variables, bare, variables
from seatrial.environ.sentences import problems, text_of, together
from seatrial.environ.shapes import is_here
from seatrial.environ.wanted import is_verbatim
from seatrial.wire.agents import TOKEN_PREFIX
from seatrial.wire.deployments import PreviewAddress
from seatrial.wire.sizes import in_megabytes

LEAST_MEMORY_MB = 6  # what one container needs


def total_megabytes(value: object) -> object:
    """Megabytes: a number is taken as it is, a text is parsed as a size as in recipes; `0` is no limit."""
    if not isinstance(value, str):
        return value
    size = in_megabytes(value)
    if size is None or 0 < size < LEAST_MEMORY_MB:
        problem = (
            "not a size" if size is None else f"less than the {LEAST_MEMORY_MB}m that one container needs"
        )
        raise ValueError(f"{problem}. Write it like 512m or 100g, or 0 for no limit")
    return int(size)


AgentToken = Annotated[
    SecretStr,
    BeforeValidator(shapes.beginning(TOKEN_PREFIX)),
    shapes.Wanted("a bootstrap token", f"{TOKEN_PREFIX}..."),
]


class SecretFiles(PydanticBaseSettingsSource):
    """`X_FILE` names a file that holds the secret X, as container secrets are mounted. X itself wins."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """The file's content without the line end; None when X is no secret or X_FILE is not set."""
        path = (
            bare(variables().get(f"{field_name.upper()}_FILE", "")) if field.annotation is SecretStr else ""
        )
        try:
            text = Path(path).read_text().rstrip("\r\n") if path else None
            return (text if text is None or is_verbatim(field) else bare(text)), field_name, False
        except UnicodeDecodeError as error:
            raise OSError(f"{path} is not text; write the value as text, a key as hex or base64") from error

    def __call__(self) -> dict[str, Any]:
        """The values of all secrets X for which X_FILE is set and X is not."""
        names = {
            n: info
            for n, info in self.settings_cls.model_fields.items()
            if not bare(variables().get(n.upper(), ""))
        }
        given = {name: self.get_field_value(info, name)[0] for name, info in names.items()}
        return {name: value for name, value in given.items() if value is not None}


def present_secret(variable: str, begun_with: SecretStr) -> str:
    """A secret as it is now: in the file that `<variable>_FILE` names, else what this process began with."""
    path = bare(variables().get(f"{variable}_FILE", ""))
    if path and not bare(variables().get(variable, "")):
        try:
            return Path(path).read_text().strip()
        except (OSError, UnicodeDecodeError):  # it was there at the start
            pass
    return begun_with.get_secret_value()


def unfit_without_internet(site: str) -> str:
    """What is wrong with SITE_URL if only a code host inside is to be reached; empty if nothing is.

    Not found while settings are read: commands that say more about an install need them. Of an embedded platform,
    people and code are on its machine.
    """
    if not is_here(site) or variables().get("SEATRIAL_DATA_DIR"):
        return ""
    return (
        "must not be localhost. Set the public hostname that your internal GitLab can reach for webhooks, like "
        "https://seatrial.internal"
    )


def between_settings(data: Any) -> Iterator[tuple[str, str]]:
    """What is wrong about settings together: the variable, and what to do about it."""
    password = text_of(data, "db_password")
    if text_of(data, "db_sslmode") == "verify-ca" and not text_of(data, "db_ca_file"):
        yield (
            "db_ca_file",
            "verify-ca needs it. Write the path of the authorities' certificates, or DB_SSLMODE=verify-full",
        )
    for name in (
        "secret_key",
        "secret_key_fallbacks",
        "galley_master_key",
        "galley_master_key_fallbacks",
        "gitgrit_encryption_key",
    ):
        if password and text_of(data, name) == password:
            yield name, "the password of the database stands here. Give each a value of its own"


class Configuration(SignInSettings):
    """Each field is an environment variable, in upper case. `X_FILE` may name a file that holds the secret X."""

    # Compose passes on an unset variable as an empty one, so an empty variable means the default.
    model_config = SettingsConfigDict(extra="ignore", populate_by_name=True, env_ignore_empty=True)

    site_url: shapes.Origin = Field(
        "http://localhost:3000",
        description="Address of this server for people and forges: scheme, host, and port unless it is the default.",
    )
    app_port: shapes.Port = Field(3000, description="Port the web process listens on.")
    secret_key: shapes.Key = Field(
        SecretStr(""),
        description="Django signing key, 32 characters at least. With another one alone, everybody has to sign in anew.",
    )
    secret_key_fallbacks: shapes.Key = Field(
        SecretStr(""),
        description="Former values of SECRET_KEY, comma-separated: what they signed stays valid, so that nobody has to sign in anew.",
    )
    galley_master_key: shapes.Key = Field(
        SecretStr(""), description="32 bytes, as hex or base64: encrypts the key of every stored secret."
    )
    gitgrit_encryption_key: shapes.Key = Field(
        SecretStr(""),
        description="Another name for GALLEY_MASTER_KEY; a Fernet key is one. Set one of the two.",
    )
    galley_master_key_fallbacks: shapes.Key = Field(
        SecretStr(""),
        description="Former keys of GALLEY_MASTER_KEY or GITGRIT_ENCRYPTION_KEY, comma-separated: they open what they sealed, until a "
        "rotation has sealed all of it anew.",
    )
    db_host: shapes.DatabaseHost = Field(
        "", description="PostgreSQL host or socket directory. Unset: the embedded PostgreSQL."
    )
    db_port: shapes.Port = Field(5432, description="PostgreSQL port.")
    db_name: shapes.DatabaseName = Field("seatrial", description="PostgreSQL database.")
    db_user: shapes.DatabaseName = Field("seatrial", description="PostgreSQL user.")
    db_password: shapes.Password = Field(SecretStr(""), description="PostgreSQL password.")
    db_sslmode: shapes.SslMode = Field(
        "",
        description="TLS to PostgreSQL: verify-full (its certificate is its own), verify-ca, require (encrypted, whoever it is), or disable. "
        "Unset: as the server offers it.",
    )
    db_ca_file: shapes.Authorities = Field(
        None,
        description="PEM file of the authorities of PostgreSQL's certificate. Unset: with verify-full those of GITGRIT_CUSTOM_CA_FILE_PATH, "
        "or else the system's.",
    )
    db_pool_size: Annotated[int, shapes.Between(0, 1000, "a number of connections")] = Field(
        20, description="How many PostgreSQL connections each process keeps at most; 0 opens one per request."
    )
    allowed_hosts: shapes.Hosts = Field(
        "",
        description="Further host names this server answers to, comma-separated. The host of SITE_URL always works.",
    )
    log_level: shapes.LogLevel = Field("INFO", description="DEBUG, INFO, WARNING or ERROR.")
    log_format: shapes.LogFormat = Field(
        "auto", description="json, console, or auto: console on a terminal, else json."
    )
    galley_nats_url: shapes.BusAddress = Field(
        "nats://127.0.0.1:4222",
        description="Address of the bus; of a bus of several nodes all of them, with commas between. tls:// for TLS.",
    )
    galley_nats_replicas: shapes.Copies = Field(
        1,
        description="How many nodes of the bus keep a copy of everything: 1, 3 or 5. What is there is changed to it.",
    )
    galley_nats_credentials: shapes.FilePath = Field(
        None, description="NATS .creds file of the control plane."
    )
    galley_nats_signing_seed: shapes.FilePath = Field(
        None, description="File with the NATS account seed that signs agents' JWTs."
    )
    galley_agent_credential_days: Annotated[int, shapes.Between(0, 36_500, "a number of days")] = Field(
        0, description="How long an agent's bus credential lasts; 0: until the agent is revoked."
    )
    galley_logs_max_mb: Annotated[int, shapes.Between(1, 10_000_000, "a number of MB")] = Field(
        512,
        description="Disk space for log lines, in MB. When it is full, the oldest are deleted; all are after 7 days.",
    )
    galley_keep_days: Annotated[int, shapes.Between(1, 36_500, "a number of days")] = Field(
        90,
        description="How long evaluations and their results, ended previews and closed pull requests are kept.",
    )
    galley_audit_keep_days: Annotated[int, shapes.Between(0, 36_500, "a number of days")] = Field(
        0,
        description="How long entries of the audit log are kept; 0: for ever.",
    )
    galley_mcp_requests: Annotated[int, shapes.Between(0, 1_000_000, "a number of requests")] = Field(
        120, description="How often a coding assistant's token may ask at /mcp in a minute. 0: no limit."
    )
    galley_internal_url: shapes.Address = Field(
        "",
        description="Address of this server for Traefik and the worker. Unset: http://127.0.0.1:<APP_PORT>.",
    )
    galley_max_project_cpus: Annotated[float, shapes.Between(0, 1_000_000, "a number of CPUs")] = Field(
        200.0,
        description="CPUs of all services of all previews of a project together. A preview that does not fit waits until there "
        "is room; one that never can is refused. 0: no limit.",
    )
    galley_max_project_memory: Annotated[
        int, BeforeValidator(total_megabytes), shapes.Wanted("a size, or 0 for no limit", "100g")
    ] = Field(
        "100g",
        ge=0,
        validate_default=True,
        description="Memory of all services of all previews of a project together, like 100g. A preview that does not fit waits "
        "until there is room; one that never can is refused. 0: no limit.",
    )
    galley_max_project_previews: Annotated[int, shapes.Between(0, 100_000, "a number of previews")] = Field(
        0,
        description="Previews that a project has at the same time. A pull request beyond them waits until one of them ends; a push to "
        "what runs never does. 0: no limit.",
    )
    galley_preview_domain: shapes.Domain = Field(
        "preview.localhost", description="Previews answer at <env>.<this domain>."
    )
    galley_preview_scheme: shapes.Scheme = Field("http", description="http or https, as visitors see it.")
    galley_preview_port: shapes.MaybePort = Field(
        None, description="Port visitors use when it is not the scheme's default."
    )
    galley_routes_file: shapes.FilePath = Field(
        None, description="Dynamic configuration file that Traefik watches."
    )
    galley_traefik_api_url: shapes.Address = Field(
        "", description="Address of Traefik's API, which is asked whether a route is applied."
    )
    galley_ingress_url: shapes.Address = Field(
        "",
        description="Address at which the worker looks at the certificates that the ingress serves. Unset: it serves none.",
    )
    galley_ingress_visits: shapes.FilePath = Field(
        None,
        description="File in which Traefik writes down when previews are visited (its access log). Unset: no preview falls asleep by itself.",
    )
    galley_ingress_notes: shapes.FilePath = Field(
        None,
        description="Directory in which the ingress and `galley-server certificate` leave what is wrong about certificates.",
    )
    galley_acme_provider: shapes.Word = Field(
        "",
        description="DNS provider by which the ingress gets its certificates. Unset: it gets none by ACME.",
    )
    galley_tls_dir: shapes.FilePath = Field(
        None,
        description="Directory with the operator's own certificate, tls.crt and tls.key, which the ingress serves.",
    )
    galley_drain_seconds: Annotated[float, shapes.Between(0, 3600, "a number of seconds")] = Field(
        5.0, description="How long the old version keeps running after the switch to the new one."
    )
    galley_undo_seconds: Annotated[float, shapes.Between(0, 86_400, "a number of seconds")] = Field(
        600.0,
        description="How long the stop of a preview can be undone. Its data is kept until then; 0: it is removed at once.",
    )
    gitgrit_custom_ca_file_path: shapes.Authorities = Field(
        None,
        description="PEM bundle of an organisation's own authorities, trusted beside the system's for requests to forges. "
        "Unset: REQUESTS_CA_BUNDLE, or else SSL_CERT_FILE.",
    )
    requests_ca_bundle: shapes.Authorities = Field(
        None,
        description="Stands in for GITGRIT_CUSTOM_CA_FILE_PATH where that is not set. Compose files set it.",
    )
    ssl_cert_file: shapes.Authorities = Field(
        None,
        description="Stands in for both where neither is set. OpenSSL reads it, too: it then names all authorities that are trusted.",
    )
    airgapped: shapes.YesNo = Field(
        False,
        description="The control plane sends no HTTP request to the outside, except to its connections' forges and the enabled providers of sign-in.",
    )
    galley_keys_dir: shapes.Directory = Field(
        Path("/var/lib/galley-server/keys"),
        description="Where `galley-server setup` makes and keeps the bus's identity: keys, credentials, the server's `nats-auth.conf`.",
    )
    galley_agent_token: AgentToken = Field(
        SecretStr(""),
        description="The bootstrap token of the first agent, named `local`: `galley-server` lets it join once. Ignored as soon as there "
        "is an agent.",
    )
    seatrial_admin_password: shapes.Key = Field(
        SecretStr(""),
        description="Password of `admin`, whom `galley-server` makes when there is nobody yet. Unset: one is made and written once to its log.",
    )
    tag: shapes.Tag = Field("", description="What this release is called. An image has it stamped.")
    git_sha: shapes.Tag = Field(
        "", description="The commit that this release was made from. An image has it stamped."
    )
    debug: shapes.YesNo = Field(False, description="Django debug pages. Never in production.")

    @property
    def former_secret_keys(self) -> list[str]:
        """What else may have signed, beside `secret_key`."""
        texts = self.secret_key_fallbacks.get_secret_value().split(",")
        return [text.strip() for text in texts if text.strip()]

    @property
    def internal_url(self) -> str:
        """The address at which programs beside this server reach it, without the proxy that people come through."""
        return (self.galley_internal_url or f"http://127.0.0.1:{self.app_port}").rstrip("/")

    @property
    def preview_address(self) -> PreviewAddress:
        """How visitors reach previews."""
        return PreviewAddress(
            scheme=self.galley_preview_scheme,
            domain=self.galley_preview_domain,
            port=self.galley_preview_port,
        )

    @property
    def authorities(self) -> Path | None:
        """The file with the organisation's own authorities. Nothing has looked at it: `control.authorities` does."""
        return self.gitgrit_custom_ca_file_path or self.requests_ca_bundle or self.ssl_cert_file

    @model_validator(mode="wrap")
    @classmethod
    def _checked(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        return together(data, handler, between_settings(data))

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then files where the variable is unset or empty, then the environment."""
        return init_settings, SecretFiles(settings_cls), Variables(settings_cls)


def read_configuration() -> Configuration:
    """The process's configuration; ends the process with one line per problem, naming the variable."""
    try:
        return Configuration()
    except ValidationError as error:
        raise SystemExit("\n".join(problems(Configuration, error))) from error
    except OSError as error:
        raise SystemExit(f"A setting that ends in _FILE names a file that cannot be read: {error}") from error
