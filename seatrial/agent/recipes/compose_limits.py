"""Compose keys that are refused, and those that are left out with a warning."""

from typing import Any

from seatrial.agent.recipes.document import Document, Path

READ = {
    "build": "context, dockerfile, target and args; paths inside the repository only",
    "image": "pulled, unless a sibling builds an image of that name: then what it builds is run",
    "container_name": "one more name by which siblings reach it",
    "links": "the alias is one more name of the service linked to",
    "ports": "the container's side: the first port answers at the service's host name; the host's side is ignored",
    "expose": "for siblings where any service has ports, else like ports",
    "environment": "values are replaced when the preview starts, names of the platform (`GALLEY_...`) included",
    "env_file": "read from the commit; a file that is not committed is ignored with a warning",
    "command": "a list, or text split as a shell would",
    "entrypoint": "a list, or text split as a shell would",
    "working_dir": "",
    "user": "",
    "depends_on": "every condition; a dependency is waited for until it is well",
    "healthcheck": "replaces the image's own",
    "volumes": "named volumes belong to the preview; paths of the repository are copied as they are in the commit, "
    "those it lacks begin as empty volumes; unnamed ones are new for each container; paths of the host are refused",
    "restart": "without it a web service or database comes back, anything else runs once",
    "mem_limit": "at most what the agent gives a service",
    "cpus": "at most what the agent gives a service",
    "deploy": "only `resources.limits`",
    "labels": "only `galley.kind`",
    "profiles": "a service with a profile is left out, with a warning",
    "privileged": "refused when true",
    "network_mode": "`host` and `container:` are refused, anything else is ignored",
    "pid": "`host` and `container:` are refused",
    "ipc": "`host` and `container:` are refused",
    "uts": "`host` is refused",
    "userns_mode": "`host` is refused",
    "cgroup": "`host` is refused",
}

# Silent: they change nothing a visitor could see, or are stricter anyway here.
SILENT = {
    "tty", "stdin_open", "init", "cap_drop", "pull_policy", "platform", "stop_grace_period", "stop_signal", "attach",
    "develop", "annotations", "pull_refresh_after", "logging", "mem_reservation", "memswap_limit", "oom_score_adj", "cpu_shares",
}  # fmt: skip

IGNORED = {
    "networks": "every deployment has its own network, on which services find each other by name",
    "hostname": "a service's name is its host name",
    "domainname": "a service's name is its host name",
    "dns": "the engine's own name service is used",
    "dns_search": "the engine's own name service is used",
    "extra_hosts": "the engine's own name service is used",
    "tmpfs": "the container's own file system is used",
    "shm_size": "the engine's default is used",
    "ulimits": "the agent's limits are used",
    "read_only": "the file system stays writable",
    "scale": "one container runs per service",
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
    "label_file": "labels of previews are the platform's",
    "blkio_config": "the engine's default is used",
    "cpu_count": "use cpus",
    "cpu_percent": "use cpus",
    "cpu_period": "use cpus",
    "cpu_quota": "use cpus",
    "cpuset": "use cpus",
}

REFUSED = {
    "cap_add": "it would give the container rights over the host",
    "devices": "it would give the container the host's devices",
    "device_cgroup_rules": "it would give the container the host's devices",
    "gpus": "it would give the container the host's devices",
    "security_opt": "it would weaken the container's confinement",
    "sysctls": "it would change kernel settings",
    "cgroup_parent": "it would leave the preview's limits",
    "runtime": "the platform chooses how a service is isolated",
    "volumes_from": "containers of a preview share named volumes only",
    "group_add": "it would give the container groups of the host",
    "credential_spec": "it is for Windows containers",
    "isolation": "the platform chooses how a service is isolated",
    "use_api_socket": "it would give the container the host's engine",
    "extends": "it is not read by this release; write the service out",
    "secrets": "it is not read by this release; use environment with a project variable",
    "configs": "it is not read by this release; put the file into the image",
    "provider": "it is not read by this release",
    "models": "it is not read by this release",
    "pre_start": "it is not read by this release; use a service of its own",
    "post_start": "it is not read by this release; use a service of its own",
    "pre_stop": "it is not read by this release",
}

HOST_MODES = {
    "network_mode": "the host's network", "pid": "the host's processes", "ipc": "the host's memory",
    "uts": "the host's name", "userns_mode": "the host's users", "cgroup": "the host's control groups",
}  # fmt: skip

KNOWN = READ.keys() | SILENT | IGNORED.keys() | REFUSED.keys()
NOT_READ = {
    "include": "Write the included services into this file",
    "models": "Remove it",
    "jobs": "Write it as a service",
}


def check_top_level(document: Document, warnings: list[str]) -> None:
    """Raise RecipeError for top-level keys that cannot be honoured; warn of those left out."""
    for key, fix in NOT_READ.items():
        if document.data.get(key):
            document.fail((key,), "not read by this release", fix)
    if any(name != "default" for name in document.data.get("networks") or {}):
        warnings.append(document.warning(("networks",), f"ignored: {IGNORED['networks']}"))


def check_service(document: Document, at: Path, keys: dict[str, Any], warnings: list[str]) -> None:
    """Raise RecipeError for keys that would reach the host; warn about keys that are left out."""
    if is_true(keys.get("privileged")):
        document.fail((*at, "privileged"), "refused: it would give the container the whole host", "Remove it")
    for key, what in HOST_MODES.items():
        check_mode(document, (*at, key), keys.get(key), what, warnings)
    for key, value in keys.items():
        if key in REFUSED and is_true(value) and not harmless(key, value):
            document.fail((*at, key), f"refused: {REFUSED[key]}", "Remove it")
        if key in IGNORED and is_true(value):
            warnings.append(document.warning((*at, key), f"ignored: {IGNORED[key]}"))


def is_true(value: Any) -> bool:
    """Whether the value means true: in YAML 1.2 a bare no is text, but people mean false."""
    return bool(value) and str(value).lower() not in {"no", "off", "false", "n"}


def harmless(key: str, value: Any) -> bool:
    """Whether a refused key only asks for something that every container here has anyway."""
    ours = {"no-new-privileges", "no-new-privileges:true", "no-new-privileges=true"}
    return key == "security_opt" and isinstance(value, list) and all(str(item) in ours for item in value)


def check_mode(document: Document, at: Path, value: Any, what: str, warnings: list[str]) -> None:
    """`host` is refused, and so is joining another container; anything else is left out."""
    if value is None or value in {"", "private", "bridge", "default", "shareable"}:
        return
    mode = str(value)
    if mode == "host" or mode.startswith("container:"):
        document.fail(at, f"refused: {mode} would give the container {what}", "Remove it")
    warnings.append(document.warning(at, f"ignored: {mode}; every deployment has its own network"))
