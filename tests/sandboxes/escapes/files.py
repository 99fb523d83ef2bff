"""Attacks on files: of the sandbox, of its siblings, of the host through the questions that a policy may ask, and on devices."""

from tests.sandboxes.escapes.attack import Attack, refused

WRITING = "os.O_WRONLY | os.O_CREAT"
PLACES = tuple(
    refused(f"writes{path.replace('/', '-')}", f"os.open({path!r}, {WRITING})", "")
    for path in (
        "/sandbox/x", "/sandbox/seatrial/sandbox/policy.py", "/etc/passwd", "/tmp/x", "/x", "/usr/bin/python3", "/var/x", "/run/x",
        "/sys/x", "/proc/x", "/dev/x", "/dev/shm/x", "/dev/mqueue/x", "/dev/console",
    )
)  # fmt: skip
SEEING = (
    refused("memory-of-the-warden", "open('/proc/1/mem', 'r+b')", "FileNotFoundError"),
    refused("its-own-memory-as-a-file", "open('/proc/self/mem', 'r+b')", "FileNotFoundError"),
    refused("lists-processes", "if not os.listdir('/proc'): raise nothing", "LookupError"),
    refused("environment-of-the-warden", "open('/proc/1/environ').read()", "FileNotFoundError"),
    refused("kernel-switches", "open('/proc/sys/kernel/core_pattern', 'w')", "FileNotFoundError"),
    refused("folders-of-siblings", "os.listdir('/tmp')"),
    refused("folder-above", "os.listdir('..')"),
    refused("inherited-descriptors", "for fd in range(4, 256):\n    try: return fd, os.fstat(fd)\n    except OSError: pass\nraise nothing",
        "LookupError"),
    refused("secrets-in-the-environment", "found = [name for name in os.environ if 'TOKEN' in name or 'SECRET' in name or 'KEY' in name]\n"
        "if not found: raise nothing\nreturn found", "LookupError"),
    refused("physical-memory", "open('/dev/mem', 'rb')", ""),
    refused("kernel-log", "open('/dev/kmsg')", ""),
    refused("device-of-a-disk", "os.mknod('disk', stat.S_IFBLK | 0o600, os.makedev(8, 0))"),
    refused("fuse", "open('/dev/fuse', 'r+b')", ""),
    refused("kvm", "open('/dev/kvm', 'r+b')", ""),
)  # fmt: skip
LINKS = (
    refused("link-to-a-file-of-all", "os.symlink('/etc/passwd', 's')\nopen('s', 'a')", ""),
    refused("hard-link", "os.link('/etc/passwd', 'h')", ""),
    refused("renames-out", "open('a', 'w').close()\nos.rename('a', '../a')"),
    refused("runs-what-it-wrote", "open('p', 'wb').write(open(sys.executable, 'rb').read(4096))\nos.chmod('p', 0o4777)\n"
        "os.execv('./p', ['p'])"),
    refused("opens-a-handle", "system(304, -100, b'x', os.O_RDONLY)"),
)  # fmt: skip
ASKED = """
text = project.get_file_content({!r})
if text is None: raise nothing
return text
"""
TRAVERSAL = tuple(
    refused(f"asks-for-{name}", ASKED.format(path), "")
    for name, path in {
        "a-file-above": "../../../../../../etc/passwd",
        "a-file-of-the-host": "/etc/passwd",
        "git's-own-files": ".git/config",
        "a-file-behind-a-link": "leak",
        "a-file-below-a-link": "root/etc/passwd",
        "an-option": "--output=/tmp/x",
        "magic": ":(top,glob)**",
        "another-commit": "HEAD~1:README.md",
        "a-null-byte": "README.md\0/../../etc/passwd",
        "two-lines": "README.md\n/etc/passwd",
    }.items()
)  # fmt: skip
ASKING = (
    refused("asks-what-there-is-not", "project._ask('__class__')", "Refused"),
    refused("asks-with-an-object", "project._ask('get_file_content', {'path': '/etc/passwd'})", "Refused"),
    refused("asks-with-nothing", "project._ask('get_file_content')", "Refused"),
    refused("asks-for-an-endless-path", "project.search('x', glob='a/' * 400_000)", "Refused"),
    refused("asks-with-a-broken-expression", "project.search('(?P<')", "Refused"),
    refused("asks-with-a-huge-expression", "project.search('((a{1000}){1000}){1000}')", "Refused"),
)
# On the host no expression takes for ever: it is answered, and nothing is found.
ENDLESS = Attack(
    "asks-with-an-endless-expression",
    "def evaluate(project): return {'passed': not project.search('^(a+)+$', glob='long.txt')['found']}",
    "passed",
)
