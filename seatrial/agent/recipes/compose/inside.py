"""The first process of the cell in which Compose reads the files of a commit. Run as a program, never imported.

It has been given namespaces of its own (`cell`). It makes a file system with nothing in it but the files to read and
Compose's program, gives up every right, and becomes Compose. It gets everything that is not for everybody's eyes from its
standard input, marshalled: `{"variables": {name: text}, "files": {path: content}}`. Compose's environment is exactly the
variables: ours has no part in it, and they have none in what runs before.

It imports only what costs next to nothing: json, base64 and pathlib would take half as long as Compose itself.
"""

# ruff: noqa: PTH102, PTH103, PTH118, PTH120, PTH123
import ctypes
import marshal
import os
import resource
import sys

ROOT = "/dev"  # covered by the new file system in our namespace only: it is there on every host, and not needed any more
NOBODY = 65534
NOSUID, NODEV, REMOUNT, BIND, READ_ONLY = 2, 4, 32, 4096, 1
NO_NEW_PRIVILEGES, DROP_FROM_BOUNDING_SET = 38, 24  # of prctl
LAST_CAPABILITY = 63
SIZE = "32m"
CPU_SECONDS = 5
MEMORY_BYTES = 3 * 1024**3 // 2  # of addresses, of which Go reserves more than it uses
OPEN_FILES = 256

libc = ctypes.CDLL(None, use_errno=True)


def must(result: int) -> None:
    """Raise OSError if a call of the C library failed."""
    if result:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def mount(source: str, target: str, kind: str | None, flags: int, options: str | None = None) -> None:
    """mount(2)."""
    texts = (None if text is None else text.encode() for text in (source, target, kind))
    must(libc.mount(*texts, ctypes.c_ulong(flags), None if options is None else options.encode()))


def furnish(program: str, project: str, files: dict[str, bytes]) -> None:
    """Make the file system and enter it."""
    here = os.open(program, os.O_PATH)  # it may lie below what is covered now
    mount("compose", ROOT, "tmpfs", NOSUID | NODEV, f"mode=0755,size={SIZE}")
    os.chdir(ROOT)
    os.umask(0o022)
    os.mkdir("tmp")
    os.mknod("compose")
    mount(f"/proc/self/fd/{here}", "compose", None, BIND)
    os.close(here)
    inside = project.lstrip("/")
    os.makedirs(inside)
    for path, content in files.items():
        target = os.path.join(inside, path)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        if not path.endswith("/"):
            with open(target, "wb") as file:
                file.write(content)
    mount("compose", ROOT, None, REMOUNT | READ_ONLY | NOSUID | NODEV)
    os.chroot(ROOT)
    os.chdir(project)


def give_up_rights(*, root: bool) -> None:
    """Limits, rights, and as root the user. Without root we are one user in a namespace of our own."""
    for limit, most in (
        (resource.RLIMIT_CPU, CPU_SECONDS), (resource.RLIMIT_AS, MEMORY_BYTES), (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_CORE, 0),
    ):  # fmt: skip
        resource.setrlimit(limit, (most, most))
    for capability in range(LAST_CAPABILITY + 1):
        libc.prctl(
            DROP_FROM_BOUNDING_SET, capability, 0, 0, 0
        )  # a number that the kernel does not know is no harm
    must(libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0))
    if root:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)


def main(program: str, project: str, who: str, *arguments: str) -> None:
    """Become Compose with `arguments`, in `project`."""
    given = marshal.loads(sys.stdin.buffer.read())  # noqa: S302  (the agent itself wrote it)
    furnish(program, project, given["files"])
    give_up_rights(root=who == "root")
    os.execve("/compose", ["docker-compose", *arguments], given["variables"])  # noqa: S606  (there is no shell)


if __name__ == "__main__":
    main(*sys.argv[1:])
