"""Where buildah runs: its own mounts and processes, an unprivileged user, a read-only context.

As root the cell is a file system and a PID namespace of its own, entered before privileges are dropped. It
contains the host's programs (read-only) and this scope's folders; the context and the folders that all scopes share are
read-only. When its first process dies (or the agent does) the kernel ends every other process. As an ordinary user,
buildah creates the namespaces it can, on the same folders: a hole in buildah then exposes everything that user may read.
"""

import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from seatrial import files
from seatrial.agent.builds.account import Account
from seatrial.agent.commands.programs import SEARCH_PATH, find

HOME = Path("/run/galley-builder")  # where the folders appear inside the cell, whatever the data directory
SLIRP = '#!/bin/sh\nexec {slirp4netns} --disable-host-loopback "$@"\n'
SCOPE_FOLDERS = (("store",), ("out",))
MOST_PROCESSES = 4096  # processes and threads of all builds of a host together
OF_ETC = (
    "subuid", "subgid", "nsswitch.conf", "hosts", "resolv.conf", "ld.so.cache", "containers", "localtime",
)  # fmt: skip
NOTHING = "nothing"  # an empty folder among the tools
OF_SYS = ("class/net", "devices/virtual/net")  # hidden: the host's network interfaces, one for each preview
CERTIFICATES = (
    "/etc/ssl/certs/ca-certificates.crt"  # the authorities that buildah trusts when it fetches for ADD
)
PROXIES = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")

# $1 data directory, $2 scope, $3 context or nothing, $4 uid:gid, $5 ro or rw: the folders all scopes share.
# The command follows. The cell contains nothing of the host but its programs and the files of /etc they need: a mount
# of a RUN step that leads out of its image (CVE-2024-1753) or out of its cache (CVE-2024-9675) reaches nothing else.
ENTER = f"""
set -e
data=$1 scope=$2 context=$3 owner=$4 shared=$5; shift 5
mount -t tmpfs -o mode=0755,size=64m galley-builder {HOME}
cd {HOME}
for folder in usr bin sbin lib lib32 lib64 libx32; do
  if [ -L "/$folder" ]; then cp -P "/$folder" "$folder"
  elif [ -d "/$folder" ]; then mkdir "$folder"; mount --bind "/$folder" "$folder"; mount -o remount,bind,ro "$folder"; fi
done
mkdir -p etc proc sys dev old root tmp var/tmp .{HOME}
chmod 1777 tmp var/tmp
for file in {" ".join(OF_ETC)}; do
  if [ -e "/etc/$file" ]; then cp -rL "/etc/$file" "etc/$file"; fi
done
if [ -e {CERTIFICATES} ]; then mkdir -p etc/ssl/certs; cp -L {CERTIFICATES} etc/ssl/certs/; fi
getent passwd "${{owner%:*}}" > etc/passwd
getent group "${{owner#*:}}" > etc/group
mount -t proc proc proc
mount --rbind /sys sys
for folder in {" ".join(OF_SYS)}; do
  if [ -d "sys/$folder" ]; then mount -t tmpfs -o ro,size=4k hidden "sys/$folder"; fi
done
mount --rbind /dev dev
mount -t tmpfs -o mode=1777 shm dev/shm
cd .{HOME}
mkdir bases scope context incoming tools run home
mount --bind "$data/scopes/$scope" scope
for folder in bases incoming tools; do
  mount --bind "$data/$folder" "$folder"
  if [ "$shared" = ro ]; then mount -o remount,bind,ro "$folder"; fi
done
if [ -n "$context" ]; then
  mount --bind "$context" context
  mount -o remount,bind,ro context  # with nodev or nosuid too, a step could not mount it again; trees have no devices or setuid files
fi
if [ -c /dev/net/tun ]; then
  mknod -m 666 tun c 10 200
  mount --bind tun {HOME}/dev/net/tun
fi
chown "$owner" run home
cd {HOME}
pivot_root . old
cd {HOME}/home
umount -l /old
echo 1000 > /proc/self/oom_score_adj  # a build that eats the host's memory is the first to go
ulimit -p {MOST_PROCESSES} 2>/dev/null || ulimit -u {MOST_PROCESSES}
# Last of all, because a change of user takes the parent-death signal away.
exec setpriv --pdeathsig KILL --reuid "${{owner%:*}}" --regid "${{owner#*:}}" --clear-groups --inh-caps=-all "$@"
"""


@dataclass(frozen=True)
class Cell:
    """One scope's place to build in. Folders are made on first use and belong to the account."""

    data: Path
    scope: str
    account: Account

    def folder(self, *parts: str) -> str:
        """The path of a folder as commands inside the cell see it."""
        if self.account.other:
            return str(HOME.joinpath(*parts))
        outside = self.data / "scopes" / self.scope if parts[0] == "scope" else self.data / parts[0]
        return str(outside.joinpath(*parts[1:]))

    def outside(self, *parts: str) -> Path:
        """The path of a folder below this scope, as the agent sees it."""
        return self.data.joinpath("scopes", self.scope, *parts)

    def prepare(self) -> None:
        """Create the folders; idempotent. As root, no other user can pass through the data folder."""
        if self.account.other:
            HOME.mkdir(mode=0o755, exist_ok=True)
        tools = self.data / "tools"
        ours = (self.data, self.data / "incoming", tools, tools / NOTHING)
        theirs = (
            ("bases",),
            ("bases", "store"),
            ("scopes", self.scope),
            *(("scopes", self.scope, *f) for f in SCOPE_FOLDERS),
        )
        for folder in (*ours, *(self.data.joinpath(*parts) for parts in theirs)):
            folder.mkdir(parents=True, exist_ok=True)
        if self.account.other:
            self.data.chmod(0o700)
        for parts in theirs:
            os.chown(self.data.joinpath(*parts), self.account.uid, self.account.gid)
        slirp4netns = find("slirp4netns")
        if slirp4netns:
            wrapper = SLIRP.format(slirp4netns=shlex.quote(slirp4netns))
            files.replace(tools / "slirp4netns", wrapper, mode=0o755)

    def buildah(
        self, *arguments: str, context: Path | None = None, store: str = "scope", network: bool = False
    ) -> list[str]:
        """The command line of buildah on this scope's store, or with `store="bases"` on the shared one; `network`: with the
        host's network."""
        program = [
            "buildah", "--root", self.folder(store, "store"), "--runroot", self.folder("run", store),
            "--storage-driver", "overlay",
        ]  # fmt: skip
        if store != "bases":
            program += ["--storage-opt", f"overlay.imagestore={self.folder('bases', 'store')}"]
        return self.enter(
            [*program, *arguments], context, shared="rw" if store == "bases" else "ro", network=network
        )

    def enter(
        self, command: Sequence[str], context: Path | None, *, shared: str = "ro", network: bool = False
    ) -> list[str]:
        """`command` run inside the cell; `shared` rw only for the platform's own commands on the shared store."""
        if not self.account.other:
            return list(command)
        owner = f"{self.account.uid}:{self.account.gid}"
        return [
            "setpriv", "--pdeathsig", "KILL",
            "unshare", *([] if network else ["--net"]), "--mount", "--pid", "--cgroup", "--fork", "--kill-child=KILL", "--mount-proc",
            "sh", "-c", ENTER, "cell", str(self.data), self.scope, str(context or ""), owner, shared, *command,
        ]  # fmt: skip

    def environment(self) -> dict[str, str]:
        """The environment of buildah: a path, a home, and the proxies that a build may need."""
        proxies = {name: os.environ[name] for name in PROXIES if name in os.environ}
        return {
            **proxies,
            "PATH": f"{self.folder('tools')}:{SEARCH_PATH}",
            "HOME": self.folder("home"),
            "XDG_RUNTIME_DIR": self.folder("run"),
            "TMPDIR": self.folder("scope", "out"),
            "LC_ALL": "C.UTF-8",
        }
