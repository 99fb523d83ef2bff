"""A network for a cell that has no user namespace: slirp4netns, run by the account whose traffic the fences know.

With a user namespace, buildah starts slirp4netns itself, for each step. Without one, everything in the cell has one network of its own,
and what leaves it leaves as the account, which is nobody on this host.
"""

import shlex
from collections.abc import Sequence

from seatrial.agent.builds.account import Account
from seatrial.agent.commands.programs import find

NAME_SERVER = "10.0.2.3"
HERE = "/run/galley-builder"
RIGHTS = "-all,+sys_admin,+net_admin"  # to enter the network and to make its interface; the cell is not to be seen from there

# $1 uid, $2 gid; the command follows. Descriptor 9 is the host's network. The processes of the command are in a PID namespace below
# this one, so they see neither slirp4netns nor a way to the host's network.
UPLINK = f"""
set -e
uid=$1 gid=$2; shift 2
mount -t tmpfs -o mode=0755,size=64k uplink {HERE}
touch {HERE}/net {HERE}/tun
mount --bind /proc/self/ns/net {HERE}/net
rm {HERE}/tun; mknod -m 666 {HERE}/tun c 10 200
mount --bind {HERE}/tun /dev/net/tun
mkfifo -m 600 {HERE}/ready
nsenter --net=/proc/self/fd/9 setpriv --pdeathsig KILL --reuid "$uid" --regid "$gid" --clear-groups --bounding-set {RIGHTS} --inh-caps {RIGHTS} \
  --ambient-caps {RIGHTS} {{slirp4netns}} --configure --mtu=65520 --disable-host-loopback --ready-fd=8 --netns-type=path {HERE}/net tap0 \
  8> {HERE}/ready > /dev/null 2> {HERE}/said &
exec 9<&-
if [ "$(head -c 1 {HERE}/ready)" != 1 ]; then echo "Error: slirp4netns gave no network: $(tail -n 1 {HERE}/said)" >&2; exit 125; fi
exec "$@"
"""


def available() -> bool:
    """Whether a cell can have a network of its own."""
    return find("slirp4netns") is not None


def through(account: Account, command: Sequence[str]) -> list[str]:
    """`command`, which must be root's, in a network and a PID namespace of its own, whose traffic leaves the host as the account's."""
    script = UPLINK.format(slirp4netns=shlex.quote(find("slirp4netns") or "slirp4netns"))
    apart = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child=KILL", "--mount-proc"]
    inside = ["sh", "-c", script, "uplink", str(account.uid), str(account.gid), *command]
    return ["sh", "-c", 'exec 9< /proc/self/ns/net; exec "$@"', "uplink", *apart, *inside]
