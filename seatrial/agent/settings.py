"""Every setting of the agent, read once from the environment. Documented in docs/settings.md."""

import ipaddress
import re
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AliasChoices, BeforeValidator, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from seatrial.agent.vocabulary import quantities
from seatrial.agent.vocabulary.addresses import Address, addresses_of
from seatrial.wire.words import RuntimeKind

NETWORK = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")
SHARED_NETWORKS = {"host", "none", "default"}  # of the host itself, or none at all
MOST_RESOLVERS = 3  # as many as a resolv.conf has


def megabytes(value: object) -> object:
    """Megabytes: a number is taken as it is, a text is parsed as a size as in recipes."""
    return quantities.megabytes(value) if isinstance(value, str) else value


def resolvers_of(text: str) -> tuple[str, ...]:
    """The addresses in a list with commas or blanks between. Raises ValueError with the fix."""
    found = [part for part in re.split(r"[,\s]+", text) if part]
    if len(found) > MOST_RESOLVERS:
        raise ValueError(
            f"{len(found)} resolvers; more than {MOST_RESOLVERS} are never asked. Leave some out"
        )
    for part in found:
        try:
            ipaddress.ip_address(part)
        except ValueError as error:
            raise ValueError(
                f"{part[:100]!r} is not the address of a resolver. Write it like 10.0.0.53, without a name or a port"
            ) from error
    return tuple(dict.fromkeys(found))


class Settings(BaseSettings):
    """The agent's settings, under the names that the documentation uses."""

    # compose passes unset variables as empty: `X=` means the default, as if X were not set.
    model_config = SettingsConfigDict(extra="ignore", populate_by_name=True, env_ignore_empty=True)

    galley_control_plane_url: str = Field(
        "http://localhost:3000", description="Address of the control plane, no trailing slash."
    )
    galley_nats_url: str = Field(
        "", description="The bus. Unset: the address the control plane gave at registration."
    )
    galley_agent_token: SecretStr = Field(
        SecretStr(""),
        description="Bootstrap token, exchanged once for a long-lived credential. With another token, the agent registers anew.",
    )
    galley_data_dir: Path = Field(
        Path("/var/lib/galley"), description="Identity, git caches, build folders, the build cache."
    )
    galley_max_parallel_builds: int = Field(
        4, ge=1, description="How many builds this agent runs at the same time."
    )
    galley_default_cpus: float = Field(
        1.0, gt=0, description="CPUs of a service whose recipe does not set them."
    )
    galley_default_memory: Annotated[int, BeforeValidator(megabytes)] = Field(
        512, ge=6, description="Memory of a service whose recipe does not set it, such as 512m."
    )
    galley_max_cpus: float = Field(
        4.0, gt=0, description="The most CPUs that a service gets, whatever its recipe asks for."
    )
    galley_max_memory: Annotated[int, BeforeValidator(megabytes)] = Field(
        4096,
        ge=6,
        description="The most memory that a service gets, whatever its recipe asks for, such as 4g.",
    )
    galley_max_preview_cpus: float = Field(
        40.0,
        gt=0,
        description="The most CPUs for all services of a preview together; a recipe that asks for more is refused.",
    )
    galley_max_preview_memory: Annotated[int, BeforeValidator(megabytes)] = Field(
        20_480,
        ge=6,
        description="The most memory for all services of a preview together, such as 20g; a recipe that asks for more is refused. "
        "Each version counts by itself: while a push replaces a preview, both run.",
    )
    galley_min_free_mb: int = Field(
        512, ge=0, description="Nothing is built while fewer megabytes are free on the data directory's disk."
    )
    galley_log_mb_per_hour: int = Field(
        32,
        ge=0,
        description="Megabytes of log lines that a preview may send in an hour; further lines are left out. 0: no limit.",
    )
    galley_runtime: RuntimeKind = Field(
        RuntimeKind.DOCKER, description="docker, or process: no isolation, for trying out only."
    )
    galley_build_network: Literal["none", "isolated"] = Field(
        "isolated", description="Network of a build's RUN steps; never the host's loopback."
    )
    galley_firewall: bool = Field(
        True,
        description="Put up firewall rules (as root) that keep previews away from their host and the cloud's metadata.",
    )
    galley_build_cache_dir: Path | None = Field(
        None, description="Layers of earlier builds and base images. Unset: builder/ in the data directory."
    )
    galley_cache_days: float = Field(
        14.0,
        ge=1,
        description="After this many days without use, layers of builds, base images and commits in git caches are removed.",
    )
    galley_build_ca_file: Path | None = Field(
        None,
        validation_alias=AliasChoices("galley_build_ca_file", "ssl_cert_file"),
        description="PEM bundle of an organisation's own authority, which RUN steps trust. Unset: SSL_CERT_FILE.",
    )
    gitgrit_custom_ca_file_path: Path | None = Field(
        None,
        validation_alias=AliasChoices("gitgrit_custom_ca_file_path", "requests_ca_bundle", "ssl_cert_file"),
        description="PEM bundle of an organisation's own authorities, which git and the registration trust beside the system's. "
        "Unset: REQUESTS_CA_BUNDLE, or else SSL_CERT_FILE.",
    )
    galley_registries: str = Field(
        "",
        description="Registries on this host or in its private network from which images may be pulled, and servers to which these send for "
        "tokens: host or host:port, comma-separated. Pulls reach nothing else there.",
    )
    galley_orphan_grace_seconds: float = Field(
        20.0, ge=0, description="Seconds before an environment that is no longer desired is removed."
    )
    gitgrit_require_gvisor: bool = Field(
        False, description="Refuse to evaluate policies if gVisor is missing."
    )
    gitgrit_sandbox_image: str = Field(
        "",
        description="The policy sandbox's image, which is on this host and belongs to this agent's release. Unset: the agent makes one.",
    )
    sandbox_network: str = Field(
        "",
        description="The engine's network for sandboxes that may have one, such as gitgrit_internal. Policies have none in this release; "
        "surveys (`airgap_smoketest`) look at it. Unset: none.",
    )
    sandbox_dns: str = Field(
        "",
        description="Resolvers for sandboxes on SANDBOX_NETWORK, by address, comma-separated: gVisor cannot use the engine's own.",
    )
    docker_host: str = Field("unix:///var/run/docker.sock", description="The container engine's socket.")

    @field_validator("galley_registries")
    @classmethod
    def _are_addresses(cls, value: str) -> str:
        addresses_of(value)
        return value

    @field_validator("sandbox_network")
    @classmethod
    def _is_a_network(cls, value: str) -> str:
        if value and (not NETWORK.fullmatch(value) or value in SHARED_NETWORKS):
            raise ValueError(
                f"{value[:100]!r} is no network for sandboxes. Write the name of a bridge of the engine, such as gitgrit_internal "
                "(docker network ls), and never host"
            )
        return value

    @field_validator("sandbox_dns")
    @classmethod
    def _are_resolvers(cls, value: str) -> str:
        resolvers_of(value)
        return value

    @property
    def resolvers(self) -> tuple[str, ...]:
        """What SANDBOX_DNS lists."""
        return resolvers_of(self.sandbox_dns)

    @property
    def registries(self) -> tuple[Address, ...]:
        """What pulls may reach on the host and in its network."""
        return addresses_of(self.galley_registries)

    @field_validator("galley_control_plane_url")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        if urlsplit(value).scheme not in {"http", "https"} or not urlsplit(value).hostname:
            raise ValueError(f"{value} is not an address. Write it like http://host:3000")
        return value

    @property
    def control_plane(self) -> str:
        """The control plane's address without a trailing slash."""
        return self.galley_control_plane_url.rstrip("/")

    @property
    def build_cache_directory(self) -> Path:
        """The folder in which builds keep layers."""
        return self.galley_build_cache_dir or self.galley_data_dir / "builder"
