"""Every setting of the control plane, read once from the environment. Documented in docs/settings.md."""

import os
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    BeforeValidator,
    Field,
    HttpUrl,
    SecretStr,
    ValidationError,
    field_validator,
)
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from seatrial.control.sign_in_settings import SignInSettings
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
        raise ValueError(f"{value!r} is {problem}. Write it like 512m or 100g, or 0 for no limit")
    return int(size)


class SecretFiles(PydanticBaseSettingsSource):
    """`X_FILE` names a file that holds the secret X, as container secrets are mounted. X itself wins."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """The file's content without the newline at its end; None when X is no secret or X_FILE is not set."""
        path = os.environ.get(f"{field_name.upper()}_FILE", "") if field.annotation is SecretStr else ""
        try:
            return (Path(path).read_text().rstrip("\n") if path else None), field_name, False
        except UnicodeDecodeError as error:
            raise OSError(f"{path} is not text; write the value as text, a key as hex or base64") from error

    def __call__(self) -> dict[str, Any]:
        """The values of all secrets X for which X_FILE is set and X is not."""
        names = {
            n: info for n, info in self.settings_cls.model_fields.items() if not os.environ.get(n.upper())
        }
        given = {name: self.get_field_value(info, name)[0] for name, info in names.items()}
        return {name: value for name, value in given.items() if value is not None}


class Configuration(SignInSettings):
    """Each field is an environment variable, in upper case. `X_FILE` may name a file that holds the secret X."""

    # Compose passes on an unset variable as an empty one, so an empty variable means the default.
    model_config = SettingsConfigDict(extra="ignore", populate_by_name=True, env_ignore_empty=True)

    site_url: str = Field(
        "http://localhost:3000",
        description="Address of this server for people and forges: scheme, host, and port unless it is the default.",
    )
    app_port: int = Field(3000, description="Port the web process listens on.")
    secret_key: SecretStr = Field(
        SecretStr(""),
        description="Django signing key, 32 characters at least. With another one, everybody has to sign in anew.",
    )
    galley_master_key: SecretStr = Field(
        SecretStr(""), description="32 bytes, as hex or base64: encrypts the key of every stored secret."
    )
    gitgrit_encryption_key: SecretStr = Field(
        SecretStr(""),
        description="Another name for GALLEY_MASTER_KEY; a Fernet key is one. Set one of the two.",
    )
    db_host: str = Field(
        "", description="PostgreSQL host or socket directory. Unset: the embedded PostgreSQL."
    )
    db_port: int = Field(5432, description="PostgreSQL port.")
    db_name: str = Field("seatrial", description="PostgreSQL database.")
    db_user: str = Field("seatrial", description="PostgreSQL user.")
    db_password: SecretStr = Field(SecretStr(""), description="PostgreSQL password.")
    db_pool_size: int = Field(
        20, description="How many PostgreSQL connections each process keeps at most; 0 opens one per request."
    )
    allowed_hosts: str = Field(
        "",
        description="Further host names this server answers to, comma-separated. The host of SITE_URL always works.",
    )
    log_level: str = Field("INFO", description="DEBUG, INFO, WARNING or ERROR.")
    log_format: str = Field("auto", description="json, console, or auto: console on a terminal, else json.")
    galley_nats_url: str = Field("nats://127.0.0.1:4222", description="Address of the bus.")
    galley_nats_credentials: Path | None = Field(None, description="NATS .creds file of the control plane.")
    galley_nats_signing_seed: Path | None = Field(
        None, description="File with the NATS account seed that signs agents' JWTs."
    )
    galley_agent_credential_days: int = Field(
        0, description="How long an agent's bus credential lasts; 0: until the agent is revoked."
    )
    galley_logs_max_mb: int = Field(
        512,
        description="Disk space for log lines, in MB. When it is full, the oldest are deleted; all are after 7 days.",
    )
    galley_keep_days: int = Field(
        90,
        ge=1,
        description="How long evaluations and their results, ended previews and closed pull requests are kept.",
    )
    galley_internal_url: str = Field(
        "",
        description="Address of this server for Traefik and the worker. Unset: http://127.0.0.1:<APP_PORT>.",
    )
    galley_max_project_cpus: float = Field(
        200.0,
        ge=0,
        allow_inf_nan=False,
        description="CPUs of all services of all previews of a project together. A preview that does not fit waits until there "
        "is room; one that never can is refused. 0: no limit.",
    )
    galley_max_project_memory: Annotated[int, BeforeValidator(total_megabytes)] = Field(
        "100g",
        ge=0,
        validate_default=True,
        description="Memory of all services of all previews of a project together, like 100g. A preview that does not fit waits "
        "until there is room; one that never can is refused. 0: no limit.",
    )
    galley_preview_domain: str = Field(
        "preview.localhost", description="Previews answer at <env>.<this domain>."
    )
    galley_preview_scheme: str = Field("http", description="http or https, as visitors see it.")
    galley_preview_port: int | None = Field(
        None, description="Port visitors use when it is not the scheme's default."
    )
    galley_routes_file: Path | None = Field(
        None, description="Dynamic configuration file that Traefik watches."
    )
    galley_traefik_api_url: str = Field(
        "", description="Address of Traefik's API, which is asked whether a route is applied."
    )
    galley_drain_seconds: float = Field(
        5.0, description="How long the old version keeps running after the switch to the new one."
    )
    galley_undo_seconds: float = Field(
        600.0,
        ge=0,
        le=86_400,
        allow_inf_nan=False,
        description="How long the stop of a preview can be undone. Its data is kept until then; 0: it is removed at once.",
    )
    gitgrit_custom_ca_file_path: Path | None = Field(
        None,
        description="PEM bundle of an organisation's own authorities, trusted beside the system's for requests to forges. "
        "Unset: REQUESTS_CA_BUNDLE, or else SSL_CERT_FILE.",
    )
    requests_ca_bundle: Path | None = Field(
        None,
        description="Stands in for GITGRIT_CUSTOM_CA_FILE_PATH where that is not set. Compose files set it.",
    )
    ssl_cert_file: Path | None = Field(
        None,
        description="Stands in for both where neither is set. OpenSSL reads it, too: it then names all authorities that are trusted.",
    )
    airgapped: bool = Field(
        False,
        description="The control plane sends no HTTP request to the outside, except to its connections' forges and the enabled providers of sign-in.",
    )
    galley_keys_dir: Path = Field(
        Path("/var/lib/galley-server/keys"),
        description="Where `galley-server setup` makes and keeps the bus's identity: keys, credentials, the server's `nats-auth.conf`.",
    )
    galley_agent_token: SecretStr = Field(
        SecretStr(""),
        description="The bootstrap token of the first agent, named `local`: `galley-server` lets it join once. Ignored as soon as there "
        "is an agent.",
    )
    seatrial_admin_password: SecretStr = Field(
        SecretStr(""),
        description="Password of `admin`, whom `galley-server` makes when there is nobody yet. Unset: one is made and written once to its log.",
    )
    tag: str = Field("", description="What this release is called. An image has it stamped.")
    git_sha: str = Field(
        "", description="The commit that this release was made from. An image has it stamped."
    )
    debug: bool = Field(False, description="Django debug pages. Never in production.")

    @property
    def internal_url(self) -> str:
        """The address at which programs beside this server reach it, without the proxy that people come through."""
        return (self.galley_internal_url or f"http://127.0.0.1:{self.app_port}").rstrip("/")

    @property
    def authorities(self) -> Path | None:
        """The file with the organisation's own authorities. Nothing has looked at it: `control.authorities` does."""
        return self.gitgrit_custom_ca_file_path or self.requests_ca_bundle or self.ssl_cert_file

    @field_validator("site_url")
    @classmethod
    def _origin(cls, text: str) -> str:
        """The address as browsers write it in the header `Origin`, which is compared with it."""
        fix = "write it like https://seatrial.example.com, with scheme and host and without a path"
        try:
            url = HttpUrl(text)
        except ValidationError as error:
            raise ValueError(f"not an address: {fix}") from error
        origin = str(HttpUrl.build(scheme=url.scheme, host=url.host or "", port=url.port))
        if str(url) != origin:
            raise ValueError(f"more than the address of a server: {fix}")
        return origin.rstrip("/")

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
        return init_settings, SecretFiles(settings_cls), env_settings


def read_configuration() -> Configuration:
    """The process's configuration; ends the process with one line per problem, naming the variable."""
    try:
        return Configuration()
    except ValidationError as error:
        problems = error.errors(include_input=False, include_url=False)
        lines = [f"{str(e['loc'][0]).upper() if e['loc'] else 'settings'}: {e['msg']}" for e in problems]
        raise SystemExit("\n".join(lines)) from error
    except OSError as error:
        raise SystemExit(f"A setting that ends in _FILE names a file that cannot be read: {error}") from error
