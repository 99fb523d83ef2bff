"""Compose keys that are refused, and those that are left out with a warning."""

from typing import Any

from seatrial.agent.recipes.document import Document, Path
from seatrial.agent.recipes.problems import Problems
from seatrial.agent.vocabulary.options import (
    CAPABILITIES,
    LONGEST_STOP_SECONDS,
    SYSCTLS,
    foreign_capabilities,
)

READ = {
    "build": "context, dockerfile, dockerfile_inline, target, args and additional_contexts (folders, `docker-image://name:tag`, `service:name`); "
    "paths inside the repository only",
    "image": "pulled, unless a sibling builds an image of that name: then the sibling's image is run",
    "extends": "a service of the same file, or of another file of the commit",
    "container_name": "one more name by which siblings reach the service",
    "links": "the alias is one more name of the linked service, which starts first",
    "ports": "the container's side; the host's side is ignored. The service's host name leads to the first port that speaks HTTP, "
    "and to a debugger's or a mail server's port only if there is no other",
    "expose": "like `ports` if no service has `ports`; otherwise for siblings only",
    "environment": "variables of the platform (`GALLEY_...`) may be used; a bare name that has no value anywhere stays unset",
    "env_file": "files of the commit; a file that is not committed is ignored with a warning",
    "configs": "from a file of the commit, `content` or `environment`; copied into a file of the container when it starts",
    "secrets": "from a file of the commit, or `environment`; copied into a file of the container when it starts",
    "command": "a list, or text split as a shell would",
    "entrypoint": "a list, or text split as a shell would",
    "working_dir": "",
    "user": "",
    "depends_on": "every condition; `service_started` waits as `service_healthy` does, until the dependency is healthy",
    "healthcheck": "replaces the image's own",
    "volumes": "named volumes belong to the preview; paths of the repository are copied as they are in the commit, "
    "and paths that it lacks begin as empty volumes; unnamed volumes are new for each container; tmpfs is supported; paths of the "
    "host are refused",
    "tmpfs": "counts towards the container's memory",
    "restart": "without it (and without `deploy.restart_policy`), a web service or database is started again when it ends, and anything else runs once",
    "mem_limit": "at most what the agent gives a service; 0 is the agent's usual limit",
    "cpus": "at most what the agent gives a service; 0 is the agent's usual limit",
    "deploy": "`resources.limits`, `restart_policy.condition`, and `replicas: 0`, which leaves the service out",
    "scale": "0 leaves the service out; otherwise one container runs per service, with a warning",
    "labels": "only `galley.kind`",
    "profiles": "on with `COMPOSE_PROFILES`; a service whose profile is off is left out, with a warning",
    "hostname": "the container's name for itself; siblings reach it by the names of the service",
    "stdin_open": "",
    "tty": "",
    "init": "",
    "read_only": "",
    "shm_size": "",
    "stop_signal": "",
    "stop_grace_period": f"at most {LONGEST_STOP_SECONDS:g} s",
    "ulimits": "those that take nothing from others; the rest are ignored with a warning",
    "cap_drop": "",
    "cap_add": f"only those that every container here has anyway: {', '.join(CAPABILITIES)}; others are refused",
    "extra_hosts": "`host-gateway`, which is the host, is left out with a warning",
    "sysctls": "those that each container has for itself; others are refused",
    "privileged": "refused when true",
    "network_mode": "`service:name` joins that service's network; `host` and `container:` are refused, anything else is ignored",
    "pid": "`host` and `container:` are refused",
    "ipc": "`host` and `container:` are refused",
    "uts": "`host` is refused",
    "userns_mode": "`host` is refused",
    "cgroup": "`host` is refused",
}

# Silent: they change nothing a visitor could see, or are stricter anyway here.
SILENT = {
    "pull_policy", "platform", "attach", "develop", "annotations", "pull_refresh_after", "logging", "mem_reservation",
    "memswap_limit", "oom_score_adj", "cpu_shares",
}  # fmt: skip

IGNORED = {
    "group_add": "the groups of its user are used",
    "networks": "every deployment has its own network, on which services find each other by name",
    "domainname": "a service's name is its host name",
    "dns": "the engine's own name service is used",
    "dns_search": "the engine's own name service is used",
    "external_links": "a preview reaches only its own services",
    "pids_limit": "the agent's limits are used",
    "mac_address": "the engine chooses it",
    "oom_kill_disable": "the agent's limits are used",
    "mem_swappiness": "the engine's default is used",
    "storage_opt": "the engine's default is used",
    "cpu_rt_period": "use cpus",
    "cpu_rt_runtime": "use cpus",
    "dns_opt": "the engine's own name service is used",
    "umask": "the engine's default is used",
    "label_file": "the platform sets the labels of previews",
    "blkio_config": "the engine's default is used",
    "cpu_count": "use cpus",
    "cpu_percent": "use cpus",
    "cpu_period": "use cpus",
    "cpu_quota": "use cpus",
    "cpuset": "use cpus",
}

REFUSED = {
    "devices": "it would give the container the host's devices",
    "device_cgroup_rules": "it would give the container the host's devices",
    "gpus": "it would give the container the host's devices",
    "security_opt": "it would weaken the container's confinement",
    "cgroup_parent": "it would take the container out of the preview's limits",
    "runtime": "the platform chooses how a service is isolated",
    "volumes_from": "containers of a preview share named volumes only",
    "credential_spec": "it is for Windows containers",
    "isolation": "the platform chooses how a service is isolated",
    "use_api_socket": "it would give the container the host's engine",
    "provider": "it is not read by this release",
    "models": "it is not read by this release",
    "pre_start": "it is not read by this release",
    "post_start": "it is not read by this release",
    "pre_stop": "it is not read by this release",
}

INSTEAD = {"pre_start": "Use a service of its own", "post_start": "Use a service of its own"}

HOST_MODES = {
    "network_mode": "the host's network", "pid": "the host's processes", "ipc": "the host's memory",
    "uts": "the host's name", "userns_mode": "the host's users", "cgroup": "the host's control groups",
}  # fmt: skip

KNOWN = READ.keys() | SILENT | IGNORED.keys() | REFUSED.keys()
BUILD_REFUSED = ("secrets", "ssh", "privileged", "entitlements")
BUILD_IGNORED = ("extra_hosts", "isolation", "ulimits")
NOT_READ = {
    "models": "Remove it",
    "jobs": "Write it as a service",
}


def check_top_level(document: Document, problems: Problems) -> None:
    """Note top-level keys that cannot be honoured, and warn of those left out."""
    for key, fix in NOT_READ.items():
        if document.data.get(key):
            problems.add(document.error((key,), "not read by this release", fix))
    if any(name != "default" for name in document.data.get("networks") or {}):
        problems.warn(document.warning(("networks",), f"ignored: {IGNORED['networks']}"))


def check_service(document: Document, at: Path, keys: dict[str, Any], problems: Problems) -> None:
    """Note keys that would reach the host, and warn about keys that are left out."""

    def refuse(key: str, why: str) -> None:
        problems.add(document.error((*at, key), f"refused: {why}", INSTEAD.get(key, "Remove it")))

    if keys.get("privileged"):
        refuse("privileged", "it would give the container the whole host")
    for key, what in HOST_MODES.items():
        check_mode(document, (*at, key), keys.get(key), what, problems)
    for key, value in keys.items():
        if key in REFUSED and value and not harmless(key, value):
            refuse(key, REFUSED[key])
        if key in IGNORED and key != "networks" and value:
            problems.warn(document.warning((*at, key), f"ignored: {IGNORED[key]}"))
    reserved = ((keys.get("deploy") or {}).get("resources") or {}).get("reservations") or {}
    if reserved.get("devices"):
        where = (*at, "deploy", "resources", "reservations", "devices")
        problems.warn(document.warning(where, "ignored: no container here has devices of the host"))
    if foreign := foreign_capabilities(keys.get("cap_add") or []):
        refuse(
            "cap_add",
            f"no container here has {', '.join(foreign)}: it would give the container rights over the host",
        )
    if others := sorted(set(keys.get("sysctls") or {}) - SYSCTLS):
        refuse("sysctls", f"{', '.join(others)} would change the host's kernel, not the container's")


def check_build(document: Document, at: Path, keys: dict[str, Any], problems: Problems) -> None:
    """The same for keys below `build`."""
    for key in BUILD_REFUSED:
        if keys.get(key):
            problems.add(document.error((*at, key), "not read by this release", "Remove it"))
    for key in BUILD_IGNORED:
        if keys.get(key):
            problems.warn(document.warning((*at, key), "ignored: the builder's own is used"))


def harmless(key: str, value: Any) -> bool:
    """Whether a refused key only asks for something that every container here has anyway."""
    ours = {"no-new-privileges", "no-new-privileges:true", "no-new-privileges=true"}
    return key == "security_opt" and isinstance(value, list) and all(str(item) in ours for item in value)


def check_mode(document: Document, at: Path, value: Any, what: str, problems: Problems) -> None:
    """`host` is refused, and so is joining another container; anything else is left out."""
    mode = str(value or "")
    if mode in {"", "private", "bridge", "default", "shareable"}:
        return
    if at[-1] == "network_mode" and mode.startswith("service:"):
        return
    if mode == "host" or mode.startswith("container:"):
        problems.add(document.error(at, f"refused: {mode} would give the container {what}", "Remove it"))
    else:
        own = what.replace("the host's", "its own")
        has = (
            "every deployment has its own network"
            if at[-1] == "network_mode"
            else f"every container has {own}"
        )
        problems.warn(document.warning(at, f"ignored: {mode}; {has}"))
