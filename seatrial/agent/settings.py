"""Every setting of the agent, read once from the environment. Documented in docs/settings.md."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AliasChoices, BeforeValidator, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from seatrial.agent.vocabulary import quantities


def megabytes(value: object) -> object:
    """Megabytes: a number as it is, a text parsed as a size as in recipes."""
    return quantities.megabytes(value) if isinstance(value, str) else value


class Settings(BaseSettings):
    """Names are those of the operating pages."""

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
        description="Bootstrap token, exchanged once for a long-lived credential. Another one: registered anew.",
    )
    galley_data_dir: Path = Field(
        Path("/var/lib/galley"), description="Identity, git caches, build folders, the build cache."
    )
    galley_max_parallel_builds: int = Field(4, ge=1, description="Concurrent builds of this agent.")
    galley_default_cpus: float = Field(
        1.0, gt=0, description="CPUs of a service whose recipe does not pin them."
    )
    galley_default_memory: Annotated[int, BeforeValidator(megabytes)] = Field(
        512, ge=6, description="Memory of a service whose recipe does not pin it, like 512m."
    )
    galley_max_cpus: float = Field(
        4.0, gt=0, description="CPUs of a service at most, whatever its recipe asks."
    )
    galley_max_memory: Annotated[int, BeforeValidator(megabytes)] = Field(
        4096, ge=6, description="Memory of a service at most, whatever its recipe asks, like 4g."
    )
    galley_min_free_mb: int = Field(
        512, ge=0, description="Free megabytes of the data directory below which nothing is built."
    )
    galley_log_mb_per_hour: int = Field(
        32,
        ge=0,
        description="Log lines a preview may send in an hour, in MB; the rest is left out, saying so. 0: no limit.",
    )
    galley_runtime: Literal["docker", "process"] = Field(
        "docker", description="docker, or process: no isolation, for trying out only."
    )
    galley_build_network: Literal["none", "isolated"] = Field(
        "isolated", description="Network of a build's RUN steps; never the host's loopback."
    )
    galley_firewall: bool = Field(
        True,
        description="Put up firewall rules (as root) that keep previews off their host and the cloud's metadata.",
    )
    galley_build_cache_dir: Path | None = Field(
        None, description="Layers of earlier builds and base images. Unset: builder/ in the data directory."
    )
    galley_cache_days: float = Field(
        14.0,
        ge=1,
        description="Layers of builds, base images and commits in git caches that nobody used for so many days are removed.",
    )
    galley_build_ca_file: Path | None = Field(
        None,
        validation_alias=AliasChoices("galley_build_ca_file", "ssl_cert_file"),
        description="PEM bundle that RUN steps trust, behind an organisation's own authority. Unset: SSL_CERT_FILE.",
    )
    galley_orphan_grace_seconds: float = Field(
        20.0, ge=0, description="How long something nobody desires any more waits before it is removed."
    )
    gitgrit_require_gvisor: bool = Field(
        False, description="Refuse to evaluate policies where gVisor is missing."
    )
    docker_host: str = Field("unix:///var/run/docker.sock", description="The container engine's socket.")

    @property
    def control_plane(self) -> str:
        """The control plane's address without a trailing slash."""
        return self.galley_control_plane_url.rstrip("/")

    @property
    def build_cache_directory(self) -> Path:
        """Where builds keep layers."""
        return self.galley_build_cache_dir or self.galley_data_dir / "builder"
