"""Whether an agent's release works with this server's: one minor release apart does, in either direction."""

from packaging.version import InvalidVersion, Version

from seatrial import __version__
from seatrial.wire.agents import HostLine
from seatrial.wire.words import HostMatter

MOST_MINORS = 1
WITH_COMPOSE = "docker compose --profile agent up -d --pull missing galley-agent-alone"
WITH_SYSTEMD = "/opt/seatrial/scripts/setup && systemctl restart galley-agent"


def release_line(release: str, server: str = __version__) -> list[HostLine]:
    """One line if the agent's release is too far from the server's; none if it is not, or is no version."""
    try:
        theirs, ours = Version(release), Version(server)
    except InvalidVersion:
        return []
    if theirs.major == ours.major and abs(theirs.minor - ours.minor) <= MOST_MINORS:
        return []
    behind = theirs < ours
    text = (
        f"its release {release} is more than one minor release {'behind' if behind else 'ahead of'} this server's, "
        f"{server}: what one of them says, the other may not know"
    )
    return [
        HostLine(
            about=HostMatter.RELEASE,
            well=False,
            text=text,
            fix=upgrade(server) if behind else f"Upgrade this server to {release}",
            grave=False,
        )
    ]


def upgrade(server: str) -> str:
    """What to type on an agent's host to bring it to this server's release."""
    return (
        f"Upgrade it. With Compose, set TAG={server} in its .env, then: {WITH_COMPOSE}\n"
        f"With systemd, check out {server} at /opt/seatrial, then: {WITH_SYSTEMD}"
    )
