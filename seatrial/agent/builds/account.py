"""The accounts that builds and pulls run as: system users that own nothing else, or our own when we are not root."""

import asyncio
import fcntl
import grp
import os
import pwd
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from seatrial.agent.commands.children import Errors
from seatrial.agent.commands.programs import find
from seatrial.agent.commands.running import run
from seatrial.agent.vocabulary.errors import BuildError
from seatrial.agent.vocabulary.whole import whole

NAME = "galley-builder"
PULLER = "galley-puller"
LOCK = Path("/run/galley-accounts.lock")
SUBORDINATE_IDS = 65536
NEEDED = {"buildah": "buildah", "runc": "runc", "newuidmap": "uidmap"}


@dataclass(frozen=True)
class Account:
    """A user with subordinate ids. `other` is False when it is our own user."""

    name: str
    uid: int
    gid: int
    other: bool


def missing_packages() -> list[str]:
    """Debian packages that builds need and this host lacks."""
    return [package for program, package in NEEDED.items() if find(program) is None]


@whole
async def ensure_account(name: str = NAME) -> Account:
    """The account to build or to pull with; as root, creates it if it is missing. Raises BuildError with the fix."""
    missing = missing_packages()
    if missing:
        raise BuildError(
            f"images can be neither built nor pulled here: {', '.join(missing)} not installed. Install: apt-get install {' '.join(missing)}"
        )
    if os.geteuid() != 0:
        return ourselves()
    with await asyncio.to_thread(locked):
        return await _own_account(name)


def locked() -> IO[bytes]:
    """Waits for whoever else on this host makes an account: ranges of two accounts must not overlap. Closing it lets go."""
    file = LOCK.open("ab")
    fcntl.flock(file, fcntl.LOCK_EX)
    return file


async def _own_account(name: str) -> Account:
    if not exists(name):
        await change("useradd", "--system", "--no-create-home", "--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin", name)  # fmt: skip
    user = pwd.getpwnam(name)
    if not has_subordinate_ids(user):
        first = first_free_id()
        last = first + SUBORDINATE_IDS - 1
        await change("usermod", "--add-subuids", f"{first}-{last}", "--add-subgids", f"{first}-{last}", name)
    return Account(name, user.pw_uid, user.pw_gid, other=True)


def ourselves() -> Account:
    """The account of this process, which needs subordinate ids of its own."""
    user = pwd.getpwuid(os.geteuid())
    if not has_subordinate_ids(user):
        raise BuildError(
            f"images can be neither built nor pulled here: user {user.pw_name} has no subordinate ids. Add them: "
            f"sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 {user.pw_name}"
        )
    return Account(user.pw_name, user.pw_uid, grp.getgrgid(os.getegid()).gr_gid, other=False)


def exists(name: str) -> bool:
    """Whether the system knows the user."""
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def has_subordinate_ids(user: pwd.struct_passwd) -> bool:
    """Whether both files give the user a range."""
    return all(
        any(owner in {user.pw_name, str(user.pw_uid)} for owner, _, _ in ranges(f))
        for f in ("subuid", "subgid")
    )


def ranges(file: str) -> list[tuple[str, int, int]]:
    """(owner, first, count) lines of /etc/subuid or /etc/subgid."""
    path = Path("/etc") / file
    lines = path.read_text().splitlines() if path.exists() else []
    parts = (line.split(":") for line in lines if line.count(":") == 2)
    return [(owner, int(first), int(count)) for owner, first, count in parts]


def subordinate_uids(account: Account) -> list[tuple[int, int]]:
    """(first, last) of the user ids that the account's builds may run under besides its own."""
    mine = {account.name, str(account.uid)}
    return [(first, first + count - 1) for owner, first, count in ranges("subuid") if owner in mine]


def first_free_id() -> int:
    """The first id above every range that is already assigned."""
    taken = [first + count for file in ("subuid", "subgid") for _, first, count in ranges(file)]
    return max([100_000, *taken])


async def change(*command: str) -> None:
    """Run a command that changes the system's users. Raises BuildError with the command's own message."""
    done = await run(command, errors=Errors.WITH_OUTPUT)
    if done.code:
        raise BuildError(f"{command[0]}: {done.text.strip()}")
