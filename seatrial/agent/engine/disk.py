"""What the engine holds on its host's disk."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from seatrial.agent.vocabulary.disk import Disk, Holding
from seatrial.agent.vocabulary.labels import ENVIRONMENT, SERVICE
from seatrial.wire.words import DiskKind

Json = Mapping[str, Any]


def disk_from(told: Json, wanted: Mapping[str, str]) -> Disk:
    """The answer of GET /system/df. Holdings are of containers with the labels `wanted`, and of volumes with them or of such containers."""
    containers = [one for one in told.get("Containers") or [] if _has(one.get("Labels"), wanted)]
    mounts = {
        str(mount["Name"]): (one, str(mount.get("Destination") or ""))
        for one in containers
        for mount in one.get("Mounts") or []
        if mount.get("Type") == "volume" and mount.get("Name")
    }
    volumes = [_volume(one, mounts.get(str(one["Name"])), wanted) for one in told.get("Volumes") or []]
    layers = [
        Holding(
            _label(one, ENVIRONMENT),
            _label(one, SERVICE),
            path="",
            bytes=int(one.get("SizeRw") or 0),
            container=str(one["Id"]),
        )
        for one in containers
    ]
    return Disk(tuple(one for one in [*layers, *volumes] if one and one.environment), _kinds(told))


def _volume(volume: Json, mounted: tuple[Json, str] | None, wanted: Mapping[str, str]) -> Holding | None:
    own = _has(volume.get("Labels"), wanted)
    if not own and mounted is None:
        return None
    container, path = mounted if mounted is not None else ({}, "")
    where = volume.get("Mountpoint")
    return Holding(
        _label(volume, ENVIRONMENT) if own else _label(container, ENVIRONMENT),
        _label(container, SERVICE),
        path or str(volume["Name"]),
        _size(volume),
        Path(where) if where else None,
    )


def _kinds(told: Json) -> dict[str, int]:
    """Of all that is there, whoever made it."""
    return {
        DiskKind.IMAGES: int(told.get("LayersSize") or 0),
        DiskKind.CONTAINERS: sum(int(one.get("SizeRw") or 0) for one in told.get("Containers") or []),
        DiskKind.VOLUMES: sum(map(_size, told.get("Volumes") or [])),
        DiskKind.ENGINE_CACHE: _unshared(told.get("BuildCache") or []),
    }


def _unshared(cache: Iterable[Json]) -> int:
    return sum(int(one.get("Size") or 0) for one in cache if not one.get("Shared"))


def _size(volume: Json) -> int:
    return max(0, int((volume.get("UsageData") or {}).get("Size") or 0))  # -1: unknown


def _label(one: Json, name: str) -> str:
    return str((one.get("Labels") or {}).get(name) or "")


def _has(labels: Mapping[str, str] | None, wanted: Mapping[str, str]) -> bool:
    return wanted.items() <= (labels or {}).items()
