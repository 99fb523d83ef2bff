"""The ingress: Traefik on one loopback port, watching the one routes file that the worker writes."""

import json
import os
from pathlib import Path
from typing import Any

from seatrial.embedded.components.base import Component, Ready, answers_http
from seatrial.embedded.processes import ChildProgram

# What visitors send is what apps get. Routes go by host alone: a path can neither choose nor leave one.
_AS_SENT = {
    "sanitizePath": False,  # otherwise /a//b arrives as /a/b
    "encodeQuerySemicolons": True,  # as %3B; otherwise ?a=1;b=2 arrives as ?a=1&b=2
    "aliasHeadersStrategy": "delete",  # but X_Auth_User, which apps would take for X-Auth-User
}
# Who was visited when, so that what nobody visits may sleep; neither addresses nor paths nor cookies are written down.
VISITS = {
    "format": "json",
    "fields": {
        "defaultMode": "drop",
        "names": dict.fromkeys(("RouterName", "StartUTC", "Duration", "OriginStatus"), "keep"),
        "headers": {
            "defaultMode": "drop",
            "names": dict.fromkeys(("User-Agent", "Sec-Purpose", "Purpose", "X-Moz"), "keep"),
        },
    },
}


def static_configuration(directory: Path, *, ingress_port: int, api_port: int) -> dict[str, Any]:
    """Traefik's static configuration. Its API, which shows the applied routes, listens on the loopback only."""
    return {
        "global": {"checkNewVersion": False, "sendAnonymousUsage": False},
        "entryPoints": {
            "web": {"address": f"127.0.0.1:{ingress_port}", "http": _AS_SENT},
            "traefik": {"address": f"127.0.0.1:{api_port}"},
        },
        "providers": {
            "providersThrottleDuration": "100ms",
            "file": {"directory": str(directory / "routes"), "watch": True},
        },
        "api": {"dashboard": False, "insecure": True},
        "ping": {"entryPoint": "traefik"},
        "log": {"level": "INFO"},
        "accessLog": VISITS | {"filePath": str(directory / "visits")},
    }


def component(directory: Path, *, ingress_port: int, api_port: int, binaries: Path) -> Component:
    """The Traefik process."""
    configuration = directory / "traefik.yml"
    document = static_configuration(directory, ingress_port=ingress_port, api_port=api_port)
    configuration.write_text(json.dumps(document, indent=2) + "\n")  # JSON is YAML

    return Component(
        program=ChildProgram(
            name="traefik",
            arguments=[str(binaries / "traefik"), f"--configFile={configuration}"],
            environment={"PATH": os.defpath, "HOME": str(directory)},
        ),
        ready=ready(api_port),
        what="Traefik",
    )


def ready(api_port: int) -> Ready:
    """Whether Traefik answers."""

    async def answered() -> str | None:
        return await answers_http(f"http://127.0.0.1:{api_port}/ping")

    return answered
