"""Where buildah runs: its own mounts and processes, an unprivileged user, a read-only context.

As root the cell is a file system and a PID namespace of its own, entered before privileges are dropped. It
contains the host's programs (read-only) and this scope's folders; the context and the folders that all scopes share are
read-only. When its first process dies (or the agent does) the kernel ends every other process. As an ordinary user,
buildah creates the namespaces it can, on the same folders: a hole in buildah then exposes everything that user may read.

Where the operator chose to build without a user namespace, nobody is dropped to: root stays root of the host, with the rights that buildah
needs to mount and to change owners. The cell is then all that is around a step, so it holds less: no device but the harmless ones,
nothing of /sys or /proc that can be written to.
"""

import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from seatrial import files
from seatrial.agent.builds import uplink
from seatrial.agent.builds.account import Account
from seatrial.agent.commands.programs import SEARCH_PATH, find
from seatrial.agent.vocabulary.build_isolation import BuildIsolation

HOME = Path("/run/galley-builder")  # where the folders appear inside the cell, whatever the data directory
SLIRP = '#!/bin/sh\nexec {slirp4netns} --disable-host-loopback "$@"\n'
SCOPE_FOLDERS = (("store",), ("out",))
MOST_PROCESSES = 4096  # processes and threads of all builds of a host together
OF_ETC = (
    "subuid", "subgid", "nsswitch.conf", "hosts", "resolv.conf", "ld.so.cache", "containers", "localtime",
)  # fmt: skip
NO_CONTAINERS = (b"", b"[]", b"null")
NOTHING = "nothing"  # an empty folder among the tools
OF_SYS = ("class/net", "devices/virtual/net")  # hidden: the host's network interfaces, one for each preview
CERTIFICATES = (
    "/etc/ssl/certs/ca-certificates.crt"  # the authorities that buildah trusts when it fetches for ADD
)
PROXIES = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")

# Of root without a user namespace: what buildah mounts, changes owners and makes images with. No devices are made: an image of strangers may
# hold the host's disk as one, and root may open what is there.
RIGHTS = "-all,+chown,+dac_override,+dac_read_search,+fowner,+fsetid,+kill,+setfcap,+setgid,+setpcap,+setuid,+sys_admin,+sys_chroot"
DEVICES = "null zero full random urandom tty"
READ_ONLY = "sys bus fs irq driver dynamic_debug sysrq-trigger"  # of /proc
HIDDEN = (
    "acpi kcore keys latency_stats timer_list sched_debug scsi kmsg kallsyms kpagecount kpageflags kpagecgroup vmallocinfo slabinfo "
    "pagetypeinfo iomem ioports mtrr"
)

# $1 data directory, $2 scope, $3 context or nothing, $4 uid:gid, $5 ro or rw: the folders all scopes share, $6 userns or chroot.
# The command follows. The cell contains nothing of the host but its programs and the files of /etc they need: a mount
# of a RUN step that leads out of its image (CVE-2024-1753) or out of its cache (CVE-2024-9675) reaches nothing else.
ENTER = f"""
set -e
data=$1 scope=$2 context=$3 owner=$4 shared=$5 isolation=$6; shift 6
mount -t tmpfs -o mode=0755,size=64m galley-builder {HOME}
cd {HOME}
links= held=  # copied together: each program that is started takes longer than what it does here
for folder in usr bin sbin lib lib32 lib64 libx32; do
  if [ -L "/$folder" ]; then links="$links /$folder"
  elif [ -d "/$folder" ]; then mkdir "$folder"; mount --bind "/$folder" "$folder"; mount -o remount,bind,ro "$folder"; fi
done
if [ -n "$links" ]; then cp -P $links .; fi
mkdir -p etc proc sys dev old root tmp var/tmp .{HOME}
chmod 1777 tmp var/tmp
for file in {" ".join(OF_ETC)}; do
  if [ -e "/etc/$file" ]; then held="$held /etc/$file"; fi
done
if [ -n "$held" ]; then cp -rL $held etc/; fi
if [ -e {CERTIFICATES} ]; then mkdir -p etc/ssl/certs; cp -L {CERTIFICATES} etc/ssl/certs/; fi
if [ "$isolation" = {BuildIsolation.CHROOT} ]; then echo "galley-builder:x:0:0::/:/bin/false" > etc/passwd; echo "galley-builder:x:0:" > etc/group
else getent passwd "${{owner%:*}}" > etc/passwd; getent group "${{owner#*:}}" > etc/group; fi
mount -t proc proc proc
if [ "$isolation" = {BuildIsolation.CHROOT} ]; then
  echo "nameserver {uplink.NAME_SERVER}" > etc/resolv.conf
  mount -t sysfs -o ro,nosuid,nodev,noexec sysfs sys
  for name in {READ_ONLY}; do
    if [ -e "proc/$name" ]; then mount --bind "proc/$name" "proc/$name"; mount -o remount,bind,ro "proc/$name"; fi
  done
  mount -t tmpfs -o mode=0755,size=64k dev dev
  for name in {DEVICES}; do touch "dev/$name"; mount --bind "/dev/$name" "dev/$name"; done
  for name in {HIDDEN}; do
    if [ -d "proc/$name" ]; then mount -t tmpfs -o ro,size=4k hidden "proc/$name"
    elif [ -e "proc/$name" ]; then mount --bind /dev/null "proc/$name"; fi
  done
  ln -s /proc/self/fd dev/fd; ln -s fd/0 dev/stdin; ln -s fd/1 dev/stdout; ln -s fd/2 dev/stderr
  mkdir dev/shm dev/pts dev/mqueue
else
  mount --rbind /sys sys
  for folder in {" ".join(OF_SYS)}; do
    if [ -d "sys/$folder" ]; then mount -t tmpfs -o ro,size=4k hidden "sys/$folder"; fi
  done
  mount --rbind /dev dev
fi
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
if [ "$isolation" != {BuildIsolation.CHROOT} ] && [ -c /dev/net/tun ]; then
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
if [ "$isolation" = {BuildIsolation.CHROOT} ]; then exec setpriv --pdeathsig KILL --clear-groups --bounding-set {RIGHTS} --inh-caps=-all "$@"; fi
exec setpriv --pdeathsig KILL --reuid "${{owner%:*}}" --regid "${{owner#*:}}" --clear-groups --inh-caps=-all "$@"
"""


@dataclass(frozen=True)
class Cell:
    """One scope's place to build in. Folders are made on first use and belong to the account, or without user namespaces to root."""

    data: Path
    scope: str
    account: Account
    isolation: BuildIsolation = BuildIsolation.USERNS

    def folder(self, *parts: str) -> str:
        """The path of a folder as commands inside the cell see it."""
        if self.account.other:
            return str(HOME.joinpath(*parts))
        outside = self.data / "scopes" / self.scope if parts[0] == "scope" else self.data / parts[0]
        return str(outside.joinpath(*parts[1:]))

    def outside(self, *parts: str) -> Path:
        """The path of a folder below this scope, as the agent sees it."""
        return self.data.joinpath("scopes", self.scope, *parts)

    @property
    def holds_containers(self) -> bool:
        """Whether builds left containers in the store, as killed ones do: each file of the store lists some of them."""
        lists = self.outside("store", "overlay-containers").glob("*containers.json")
        return any(file.read_bytes().strip() not in NO_CONTAINERS for file in lists)

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
            os.chown(self.data.joinpath(*parts), *self._owner)
        slirp4netns = find("slirp4netns")
        if slirp4netns:
            wrapper = SLIRP.format(slirp4netns=shlex.quote(slirp4netns))
            files.replace(tools / "slirp4netns", wrapper, mode=0o755)

    @property
    def _owner(self) -> tuple[int, int]:
        return (0, 0) if self.isolation is BuildIsolation.CHROOT else (self.account.uid, self.account.gid)

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
        if self.isolation is BuildIsolation.CHROOT:  # what a device in an image leads to stays closed
            program += ["--storage-opt", "overlay.mountopt=nodev"]
        return self.enter(
            [*program, *arguments], context, shared="rw" if store == "bases" else "ro", network=network
        )

    def enter(
        self, command: Sequence[str], context: Path | None, *, shared: str = "ro", network: bool = False
    ) -> list[str]:
        """`command` run inside the cell; `shared` rw only for the platform's own commands on the shared store."""
        if not self.account.other:
            return list(command)
        inside = [
            "sh", "-c", ENTER, "cell", str(self.data), self.scope, str(context or ""), ":".join(map(str, self._owner)),
            shared, self.isolation, *command,
        ]  # fmt: skip
        own = ["--mount", "--pid", "--cgroup", "--fork", "--kill-child=KILL", "--mount-proc"]
        if self.isolation is BuildIsolation.CHROOT:  # a step's root could use the host's shared memory
            own += ["--ipc", "--uts"]
        if self.isolation is BuildIsolation.CHROOT and network and uplink.available():
            wired = uplink.through(self.account, ["unshare", *own, *inside])
            return ["setpriv", "--pdeathsig", "KILL", *wired]
        hosts = network and self.isolation is not BuildIsolation.CHROOT
        return ["setpriv", "--pdeathsig", "KILL", "unshare", *([] if hosts else ["--net"]), *own, *inside]

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
