"""What the engine says of its disk, told apart by environment and by kind."""

from pathlib import Path
from typing import Any

from seatrial.agent.engine.disk import disk_from
from seatrial.agent.vocabulary.disk import Holding

OURS = {"galley.agent": "a1"}
LABELS = {**OURS, "galley.environment": "e1", "galley.service": "db"}


def told() -> dict[str, Any]:
    return {
        "LayersSize": 100,
        "Containers": [
            {
                "Id": "c1",
                "Labels": LABELS,
                "SizeRw": 7,
                "Mounts": [
                    {"Type": "volume", "Name": "anonymous", "Destination": "/var/lib"},
                    {"Type": "volume", "Name": "named", "Destination": "/data"},
                    {"Type": "bind", "Source": "/x", "Destination": "/x"},
                ],
            },
            {"Id": "c2", "Labels": {"somebody": "else"}, "SizeRw": 5, "Mounts": None},
            {"Id": "c3", "Labels": None},
        ],
        "Volumes": [
            {"Name": "anonymous", "Labels": None, "UsageData": {"Size": 20}, "Mountpoint": "/v/anonymous"},
            {"Name": "named", "Labels": {**OURS, "galley.environment": "e1"}, "UsageData": {"Size": 30}},
            {"Name": "kept", "Labels": {**OURS, "galley.environment": "e2"}, "UsageData": {"Size": -1}},
            {"Name": "others", "Labels": {}, "UsageData": {"Size": 40}},
        ],
        "BuildCache": [{"Size": 3, "Shared": False}, {"Size": 9, "Shared": True}],
    }


def test_what_belongs_to_environments_is_told_one_by_one() -> None:
    assert disk_from(told(), OURS).holdings == (
        Holding("e1", "db", "", 7, container="c1"),
        Holding("e1", "db", "/var/lib", 20, folder=Path("/v/anonymous")),
        Holding("e1", "db", "/data", 30),
        Holding("e2", "", "kept", 0),
    )


def test_everything_counts_by_kind_whoever_made_it() -> None:
    assert disk_from(told(), OURS).kinds == {
        "images": 100,
        "containers": 12,
        "volumes": 90,
        "engine's build cache": 3,
    }


def test_an_empty_engine_holds_nothing() -> None:
    empty = {"LayersSize": 0, "Containers": None, "Volumes": None, "BuildCache": None}
    assert disk_from(empty, OURS).holdings == ()
