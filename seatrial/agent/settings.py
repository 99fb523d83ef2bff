"""Every setting of the agent, read once from the environment. Documented in docs/settings.md."""

import ipaddress
import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, AliasChoices, BeforeValidator, Field, SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from seatrial.agent.vocabulary import quantities
from seatrial.agent.vocabulary.addresses import Address, addresses_of, visitors_of
from seatrial.agent.vocabulary.build_isolation import BuildIsolation
from seatrial.agent.vocabulary.egress import Egress
from seatrial.agent.vocabulary.image_names import in_place
from seatrial.agent.vocabulary.shares import Share
from seatrial.agent.vocabulary.unfit import Unfit
from seatrial.environ import shapes
from seatrial.environ.reading import Variables
from seatrial.environ.wanted import Between, Wanted
from seatrial.wire.agents import TOKEN_PREFIX
from seatrial.wire.words import RuntimeKind

NETWORK = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")
SHARED_NETWORKS = {"host", "none", "default"}  # of the host itself, or none at all
MOST_RESOLVERS = 3  # as many as a resolv.conf has


def megabytes(value: object) -> object:
    """Megabytes: a number is taken as it is, a text is parsed as a size as in recipes."""
    try:
        return quantities.megabytes(value) if isinstance(value, str) else value
    except Unfit:
        raise ValueError(f"{MEMORY.refusal()}, and at least {quantities.LEAST_MEMORY_MB}m") from None


def megabytes_or_none(value: object) -> object:
    """Megabytes as `megabytes` reads them; `0` is no limit."""
    return 0 if isinstance(value, str) and value.strip() == "0" else megabytes(value)


def _part_of_disk(text: str) -> str:
    Share.of(text)
    return text


def _registries(text: str) -> str:
    try:
        addresses_of(text)
    except ValueError:
        raise ValueError(
            "a part is no address. Write host or host:port, comma-separated, without https://"
        ) from None
    return text


MEMORY = Wanted("a size", "512m")
Memory = Annotated[int, BeforeValidator(megabytes), MEMORY]
SizeOrNone = Annotated[int, BeforeValidator(megabytes_or_none), Wanted("a size, or 0 for no limit", "10g")]
PartOfDisk = Annotated[str, AfterValidator(_part_of_disk), Wanted("a size, or percent of the disk", "20%")]
AgentToken = Annotated[
    SecretStr,
    BeforeValidator(shapes.beginning(TOKEN_PREFIX)),
    Wanted("a bootstrap token", f"{TOKEN_PREFIX}..."),
]


def resolvers_of(text: str) -> tuple[str, ...]:
    """The addresses in a list with commas or blanks between. Raises ValueError with the fix."""
    found = [part for part in re.split(r"[,\s]+", text) if part]
    if len(found) > MOST_RESOLVERS:
        raise ValueError(
            f"{len(found)} resolvers; more than {MOST_RESOLVERS} are never asked. Leave some out"
        )
    for number, part in enumerate(found, 1):
        try:
            ipaddress.ip_address(part)
        except ValueError:
            raise ValueError(
                f"number {number} is not the address of a resolver. Write it like 10.0.0.53, without a name or a port"
            ) from None
    return tuple(dict.fromkeys(found))


def _resolvers(text: str) -> str:
    resolvers_of(text)
    return text


def _network(text: str) -> str:
    if text and (not NETWORK.fullmatch(text) or text in SHARED_NETWORKS):
        raise ValueError(
            "no network for sandboxes. Write the name of a bridge of the engine, such as gitgrit_internal "
            "(docker network ls), and never host"
        )
    return text


def _own_address(text: str) -> str:
    if text:
        try:
            here = ipaddress.IPv4Address(text)
        except ValueError:
            raise ValueError(
                "not an IPv4 address. Write it like 10.0.0.7, without a name or a port"
            ) from None
        if here.is_loopback or here.is_unspecified or here.is_multicast:
            raise ValueError("no other host reaches this address. Write the one of this host in your network")
    return text


def _in_place(text: str) -> str:
    in_place(text)
    return text


def _visitors(text: str) -> str:
    visitors_of(text)
    return text


class Settings(BaseSettings):
    """The agent's settings, under the names that the documentation uses."""

    # compose passes unset variables as empty: `X=` means the default, as if X were not set.
    model_config = SettingsConfigDict(extra="ignore", populate_by_name=True, env_ignore_empty=True)

    galley_control_plane_url: shapes.Address = Field(
        "http://localhost:3000", description="Address of the control plane, no trailing slash."
    )
    galley_nats_url: shapes.BusAddress = Field(
        "",
        description="The bus; of a bus of several nodes all of them, with commas between. tls:// for TLS. Unset: the address the control "
        "plane gave at registration.",
    )
    galley_plain_network: shapes.YesNo = Field(
        False,
        description="The network to control plane and bus encrypts by itself (WireGuard, IPsec): addresses of other hosts need no TLS.",
    )
    galley_agent_token: AgentToken = Field(
        SecretStr(""),
        description="Bootstrap token, exchanged once for a long-lived credential. With another token, the agent registers anew.",
    )
    galley_data_dir: shapes.Directory = Field(
        Path("/var/lib/galley"), description="Identity, git caches, build folders, the build cache."
    )
    galley_max_parallel_builds: Annotated[int, Between(1, 1000, "a number of builds")] = Field(
        4, description="How many builds this agent runs at the same time."
    )
    galley_build_memory: SizeOrNone = Field(
        4096,
        ge=0,
        description="The most memory for all processes of one build together, such as 4g; one that uses more fails. BuildKit's builds are not "
        "bounded by it. 0: no limit.",
    )
    galley_default_cpus: Annotated[float, Between(0.01, 1024, "a number of CPUs")] = Field(
        1.0, description="CPUs of a service whose recipe does not set them."
    )
    galley_default_memory: Memory = Field(
        512, ge=6, description="Memory of a service whose recipe does not set it, such as 512m."
    )
    galley_max_cpus: Annotated[float, Between(0.01, 1024, "a number of CPUs")] = Field(
        4.0, description="The most CPUs that a service gets, whatever its recipe asks for."
    )
    galley_max_memory: Memory = Field(
        4096,
        ge=6,
        description="The most memory that a service gets, whatever its recipe asks for, such as 4g.",
    )
    galley_max_preview_cpus: Annotated[float, Between(0.01, 100_000, "a number of CPUs")] = Field(
        40.0,
        description="The most CPUs for all services of a preview together; a recipe that asks for more is refused.",
    )
    galley_max_preview_memory: Memory = Field(
        20_480,
        ge=6,
        description="The most memory for all services of a preview together, such as 20g; a recipe that asks for more is refused. "
        "Each version counts by itself: while a push replaces a preview, both run.",
    )
    galley_max_preview_disk: SizeOrNone = Field(
        10_240,
        ge=0,
        description="The most disk for what all containers of a preview have written and its volumes hold together, such as 10g; one that holds "
        "as much is stopped. 0: no limit.",
    )
    galley_min_free_mb: Annotated[int, Between(0, 100_000_000, "a number of MB")] = Field(
        512, description="Nothing is built while fewer megabytes are free on the data directory's disk."
    )
    galley_log_mb_per_hour: Annotated[int, Between(0, 1_000_000, "a number of MB")] = Field(
        32,
        description="Megabytes of log lines that a preview may send in an hour; further lines are left out. 0: no limit.",
    )
    galley_runtime: Annotated[RuntimeKind, Wanted(f"one of {', '.join(RuntimeKind)}", RuntimeKind.DOCKER)] = (
        Field(RuntimeKind.DOCKER, description="docker, or process: no isolation, for trying out only.")
    )
    galley_builder: Annotated[
        Literal["buildah", "buildkit"], Wanted("one of buildah, buildkit", "buildah")
    ] = Field(
        "buildah",
        description="What builds images: buildah on this host, or BuildKit (`docker-buildx`), which keeps fewer walls. See docs/builders.md.",
    )
    galley_buildkit_host: shapes.BuildKitAddress = Field(
        "",
        description="With GALLEY_BUILDER=buildkit: the BuildKit that builds (unix://, tcp:// or docker-container://). Unset: the engine's own, "
        "which needs GALLEY_BUILD_NETWORK=none.",
    )
    galley_build_network: Annotated[
        Literal["none", "isolated"], Wanted("one of none, isolated", "isolated")
    ] = Field("isolated", description="Network of a build's RUN steps; never the host's loopback.")
    galley_build_isolation: Annotated[
        BuildIsolation, Wanted(f"one of {', '.join(BuildIsolation)}", BuildIsolation.USERNS)
    ] = Field(
        BuildIsolation.USERNS,
        description="What keeps a step of buildah from its host: userns, a user namespace; or chroot, for kernels without any, which keeps fewer "
        "walls and is never chosen by itself. See docs/builders.md.",
    )
    galley_firewall: shapes.YesNo = Field(
        True,
        description="Put up firewall rules (as root) that keep previews away from their host, the cloud's metadata and private networks.",
    )
    galley_preview_egress: Annotated[Egress, Wanted(f"one of {', '.join(Egress)}", Egress.INTERNET)] = Field(
        Egress.INTERNET,
        description="Where previews connect to: internet; none, nowhere; or open, private networks too. With internet, a project may be "
        "permitted private networks; what comes from a fork never gets them. Needs GALLEY_FIREWALL.",
    )
    galley_build_cache_dir: shapes.FilePath = Field(
        None, description="Layers of earlier builds and base images. Unset: builder/ in the data directory."
    )
    galley_cache_days: Annotated[float, Between(1, 36_500, "a number of days")] = Field(
        14.0,
        description="After this many days without use, layers of builds, base images and commits in git caches are removed.",
    )
    galley_max_build_cache: PartOfDisk = Field(
        "20%",
        description="The most that layers of earlier builds may hold, as a size or in percent of the disk, such as 20g or 20%; those that were "
        "not used for longest go first. BuildKit's daemon has limits of its own. 0: no limit.",
    )
    galley_max_pulled_images: PartOfDisk = Field(
        "20%",
        description="The most that images which this agent has pulled may hold, likewise; none that is in use is removed, and none that "
        "somebody loaded. 0: no limit.",
    )
    galley_build_ca_file: shapes.Authorities = Field(
        None,
        validation_alias=AliasChoices("galley_build_ca_file", "ssl_cert_file"),
        description="PEM bundle of an organisation's own authority, which RUN steps trust. Unset: SSL_CERT_FILE.",
    )
    gitgrit_custom_ca_file_path: shapes.Authorities = Field(
        None,
        validation_alias=AliasChoices("gitgrit_custom_ca_file_path", "requests_ca_bundle", "ssl_cert_file"),
        description="PEM bundle of an organisation's own authorities, which git and the registration trust beside the system's. "
        "Unset: REQUESTS_CA_BUNDLE, or else SSL_CERT_FILE.",
    )
    galley_registries: Annotated[
        str, AfterValidator(_registries), Wanted("addresses with commas between", "registry.example.com:5000")
    ] = Field(
        "",
        description="Registries on this host or in its private network from which images may be pulled, and servers to which these send for "
        "tokens: host or host:port, comma-separated. Pulls reach nothing else there.",
    )
    galley_registry_auth_file: shapes.FilePath = Field(
        None,
        description="Logins for pulls, a file as `docker login` writes it. All previews of this agent may run what they give access to.",
    )
    galley_base_images: Annotated[
        str,
        AfterValidator(_in_place),
        Wanted("pairs image=image with commas between", "python:3.12=registry.test/python:3.12"),
    ] = Field(
        "",
        description="Images that are taken in place of others, in FROM, image: and further contexts: pairs such as "
        "python:3.12=registry.example.com/python:3.12, comma-separated; a digest may stand on either side.",
    )
    galley_agent_address: Annotated[
        str, AfterValidator(_own_address), Wanted("an IPv4 address of this host", "10.0.0.7")
    ] = Field(
        "",
        description="Address of this host at which the ingress, on another host, reaches its previews (ports 20000 to 29999). Unset: the "
        "ingress is on this host.",
    )
    galley_ingress_addresses: Annotated[
        str, AfterValidator(_visitors), Wanted("IPv4 addresses or networks with commas between", "10.0.0.5")
    ] = Field(
        "",
        description="Addresses from which the ingress comes to GALLEY_AGENT_ADDRESS, comma-separated; nobody else is let in.",
    )
    galley_orphan_grace_seconds: Annotated[float, Between(0, 86_400, "a number of seconds")] = Field(
        20.0, description="Seconds before an environment that is no longer desired is removed."
    )
    gitgrit_require_gvisor: shapes.YesNo = Field(
        False, description="Refuse to evaluate policies if gVisor is missing."
    )
    gitgrit_sandbox_image: shapes.Image = Field(
        "",
        description="The policy sandbox's image, which is on this host and belongs to this agent's release. Unset: the agent makes one.",
    )
    galley_browser_image: shapes.Image = Field(
        "",
        description="The image with Chromium that takes screenshots of previews. galley-browser: made from the distribution's packages "
        "unless it is on this host. Any other is on this host. Unset: no screenshots are taken here.",
    )
    sandbox_network: Annotated[
        str, AfterValidator(_network), Wanted("a bridge of the engine", "gitgrit_internal")
    ] = Field(
        "",
        description="The engine's bridge for sandboxes of policies that ask for the network and whose workspace permits it, such as "
        "gitgrit_internal. It is not made. Unset: no policy gets a network here.",
    )
    sandbox_dns: Annotated[
        str, AfterValidator(_resolvers), Wanted("addresses of resolvers with commas between", "10.0.0.53")
    ] = Field(
        "",
        description="Resolvers for sandboxes on SANDBOX_NETWORK, by address, comma-separated: gVisor cannot use the engine's own. They "
        "may be services of the host. Unset: no name outside that network resolves there; no public resolver is ever asked. Previews reach them "
        "too, for names only.",
    )
    docker_host: shapes.EngineAddress = Field(
        "unix:///var/run/docker.sock", description="The container engine's socket."
    )

    @property
    def visitors(self) -> tuple[str, ...]:
        """What GALLEY_INGRESS_ADDRESSES lists."""
        return visitors_of(self.galley_ingress_addresses)

    @property
    def resolvers(self) -> tuple[str, ...]:
        """What SANDBOX_DNS lists."""
        return resolvers_of(self.sandbox_dns)

    @property
    def registries(self) -> tuple[Address, ...]:
        """What pulls may reach on the host and in its network."""
        return addresses_of(self.galley_registries)

    @property
    def control_plane(self) -> str:
        """The control plane's address without a trailing slash."""
        return self.galley_control_plane_url.rstrip("/")

    @property
    def build_cache_directory(self) -> Path:
        """The folder in which builds keep layers."""
        return self.galley_build_cache_dir or self.galley_data_dir / "builder"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then the environment."""
        return init_settings, Variables(settings_cls)
