"""Snapshots of the data of previews: which must be on an agent's host, and how saving one went.

A snapshot lies in the bucket of its agent under its own id, beside the environments. While an environment's desired state says
`save`, its agent copies that environment's volumes; `template` names the one that a new environment is cloned from.
"""

from seatrial.wire.envelope import Message


class DesiredSnapshot(Message):
    """The snapshot must stay on the agent's host, once it is saved there. Without its key, nothing of it may exist. An older agent
    does not know the message, and has no snapshots."""

    snapshot: str


class SnapshotSaved(Message):
    """The snapshot that `save` asked for is whole; or there is none, and `problem` says why. Told again until `save` is another.

    `reflinked`: the file system shares the bytes of the copies until one is changed.
    """

    environment: str
    snapshot: str
    problem: str = ""
    reflinked: bool = False
