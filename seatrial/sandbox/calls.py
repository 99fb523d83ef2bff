"""The system calls that a policy may make. All others fail with EPERM, so that a new way out needs a new line here.

Left out on purpose, except for what a policy that may use the network needs to connect (`NETWORKED`): other programs and processes (`execve`, `clone`), everything that has a name other policies could use
(`socket`, `bind`, `shmget`, `mq_open`, `mknod`), everything that shows what others do (`inotify_init1`, `flock`, `ptrace`),
and files without a place (`memfd_create`).
"""

# Numbers on x86_64 / aarch64; - where an architecture has no such call.
TABLE = """
# reading, writing
read=0/63 write=1/64 pread64=17/67 pwrite64=18/68 readv=19/65 writev=20/66 preadv=295/69 pwritev=296/70
preadv2=327/286 pwritev2=328/287 lseek=8/62 sendfile=40/71 copy_file_range=326/285 fsync=74/82 fdatasync=75/83
fadvise64=221/223 fallocate=285/47 truncate=76/45 ftruncate=77/46
# opening, closing
open=2/- openat=257/56 creat=85/- close=3/57 close_range=436/436 dup=32/23 dup2=33/- dup3=292/24 pipe=22/-
pipe2=293/59 socketpair=53/199 epoll_create=213/- epoll_create1=291/20 eventfd2=290/19 fcntl=72/25 ioctl=16/29
# folders and names
getdents=78/- getdents64=217/61 getcwd=79/17 chdir=80/49 fchdir=81/50 mkdir=83/- mkdirat=258/34 rmdir=84/-
unlink=87/- unlinkat=263/35 rename=82/- renameat=264/38 renameat2=316/276 link=86/- linkat=265/37 symlink=88/-
symlinkat=266/36 readlink=89/- readlinkat=267/78 umask=95/166
# facts about files
stat=4/- fstat=5/80 lstat=6/- newfstatat=262/79 statx=332/291 statfs=137/43 fstatfs=138/44 access=21/-
faccessat=269/48 faccessat2=439/439 chmod=90/- fchmod=91/52 fchmodat=268/53 utime=132/- utimes=235/-
futimesat=261/- utimensat=280/88 getxattr=191/8 lgetxattr=192/9 fgetxattr=193/10 listxattr=194/11 llistxattr=195/12
flistxattr=196/13
# waiting
poll=7/- ppoll=271/73 select=23/- pselect6=270/72 epoll_ctl=233/21 epoll_wait=232/- epoll_pwait=281/22 futex=202/98
pause=34/- nanosleep=35/101 clock_nanosleep=230/115 restart_syscall=219/128 wait4=61/260 waitid=247/95
# the line to the warden, and pairs of sockets
sendto=44/206 recvfrom=45/207 shutdown=48/210 getsockopt=55/209 getsockname=51/204 getpeername=52/205
# memory
brk=12/214 mmap=9/222 munmap=11/215 mremap=25/216 mprotect=10/226 madvise=28/233 msync=26/227 membarrier=324/283
# signals, timers
kill=62/129 tgkill=234/131 rt_sigaction=13/134 rt_sigprocmask=14/135 rt_sigreturn=15/139 rt_sigpending=127/136
rt_sigtimedwait=128/137 rt_sigsuspend=130/133 sigaltstack=131/132 alarm=37/- setitimer=38/103 getitimer=36/102
# time, chance
clock_gettime=228/113 clock_getres=229/114 gettimeofday=96/169 time=201/- times=100/153 getrandom=318/278
# the process itself
getpid=39/172 getppid=110/173 gettid=186/178 getpgrp=111/- getpgid=121/155 getsid=124/156 getuid=102/174
geteuid=107/175 getgid=104/176 getegid=108/177 getresuid=118/148 getresgid=120/150 getgroups=115/158
getrlimit=97/163 setrlimit=160/164 prlimit64=302/261 getrusage=98/165 uname=63/160 sysinfo=99/179 getcpu=309/168
sched_yield=24/124 sched_getaffinity=204/123 arch_prctl=158/- set_tid_address=218/96 set_robust_list=273/99
rseq=334/293 exit=60/93 exit_group=231/94
"""
# What a policy that may use the network can do beside: connect, as a client. It offers nothing (`bind`, `listen`).
NETWORKED = """
socket=41/198 connect=42/203 sendmsg=46/211 recvmsg=47/212 sendmmsg=307/269 setsockopt=54/208
"""
ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}  # AUDIT_ARCH_...
STREAM, DATAGRAM, CLOEXEC, NONBLOCK = 1, 2, 0x80000, 0x800
IPV4, IPV6 = 2, 10
PRIVATE_FUTEX, REALTIME_FUTEX = 128, 256
FIRST, SECOND = 16, 24  # where a filter sees an argument, on machines that store the low half first
# These calls are only permitted with one of these values as their second argument.
SECOND_ARGUMENT: dict[str, tuple[int, ...]] = {
    # No F_GETLK: it shows the locks that others have on a file which all can read.
    "fcntl": (0, 1, 2, 3, 4, 6, 7, 1030, 1032),
    # What a terminal is, and what descriptors do.
    "ioctl": (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451),
    # A futex in shared memory would wake others that map the same file.
    "futex": tuple(
        operation | PRIVATE_FUTEX | clock
        for operation in (0, 1, 3, 4, 5, 9, 10)
        for clock in (0, REALTIME_FUTEX)
    ),
    # Streams only: a pair of datagram sockets can be given a name.
    "socketpair": (STREAM, STREAM | CLOEXEC, STREAM | NONBLOCK, STREAM | CLOEXEC | NONBLOCK),
    # No raw packets.
    "socket": tuple(
        kind | flags for kind in (STREAM, DATAGRAM) for flags in (0, CLOEXEC, NONBLOCK, CLOEXEC | NONBLOCK)
    ),
}
# And these with one of these as their first: no sockets of the kernel's own, of other programs, of the machine below.
FIRST_ARGUMENT: dict[str, tuple[int, ...]] = {"socket": (IPV4, IPV6)}


def numbers(machine: str, *, networked: bool = False) -> dict[str, int]:
    """Name and number of each call on `machine`, one of ARCHITECTURES."""
    column = list(ARCHITECTURES).index(machine)
    table = TABLE + NETWORKED if networked else TABLE
    lines = (line for line in table.splitlines() if not line.startswith("#"))
    pairs = (word.split("=") for line in lines for word in line.split())
    found = ((name, each.split("/")[column]) for name, each in pairs)
    return {name: int(number) for name, number in found if number != "-"}


def arguments(name: str) -> list[tuple[int, tuple[int, ...]]]:
    """Which values its arguments must have: pairs of a place and the values."""
    tables = ((FIRST, FIRST_ARGUMENT), (SECOND, SECOND_ARGUMENT))
    return [(place, table[name]) for place, table in tables if name in table]
