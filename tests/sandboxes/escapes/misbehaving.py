"""Attacks on the interpreter and on what there is of everything: ends, signals, hooks, memory, disk, output, time."""

from tests.sandboxes.escapes.attack import ERRORED, FAILED, PASSED, TIMED_OUT, Attack, does

# When its result is sent, it writes forged frames in the name of its siblings to whatever it has open, fills its folder, and never ends.
GOES_ON = """
import os
from seatrial.sandbox import child
send = child.Line.send
def late(line, kind, value):
    send(line, kind, value)
    if kind != child.Kind.RESULT:
        return
    forged = [child.encode(of, channel, {"returned": {"passed": False, "message": "forged"}}) for of in (6, 3, 7) for channel in range(15)]
    for number in range(3, 64):
        os.set_blocking(number, False) if number == 3 else None
        for frame in forged:
            try:
                os.write(number, frame)
            except OSError:
                break
    with open(os.environ["TMPDIR"] + "/late", "wb") as file:
        file.write(b"x" * 8_000_000)
    while True:
        pass
child.Line.send = late
return {"passed": True}
"""

ENDS = (
    does("leaves", "import os\nos._exit(0)", ERRORED, "exit code 0"),
    does("leaves-well-mannered", "raise SystemExit(0)", ERRORED, "SystemExit"),
    does("interrupts", "raise KeyboardInterrupt", ERRORED, "KeyboardInterrupt"),
    does("ends-a-generator", "raise GeneratorExit", ERRORED, "GeneratorExit"),
    does(
        "pretends-that-the-host-is-gone",
        "from seatrial.sandbox.child import HostGone\nraise HostGone",
        ERRORED,
        "without a result",
    ),
    does("kills-itself", "import os\nos.kill(os.getpid(), 9)", ERRORED, "signal 9"),
    does("aborts", "import os\nos.abort()", ERRORED, "signal 6"),
    does("alarm", "import signal, time\nsignal.alarm(1)\ntime.sleep(60)", ERRORED, "signal 14"),
    does("reads-nowhere", "import ctypes\nctypes.string_at(0)", ERRORED, "signal 11"),
    does("crashes-the-interpreter", "import faulthandler\nfaulthandler._sigsegv()", ERRORED, "signal 11"),
    does("jumps-nowhere", "import ctypes\nctypes.CFUNCTYPE(None)(1)()", ERRORED, "signal 11"),
    does("kills-all-it-may", "import os\nos.kill(-1, 9)\nos.kill(os.getpid(), 9)", ERRORED, ""),
    does(
        "stops-itself", "import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)", TIMED_OUT, "2 s", seconds=2
    ),
)
LASTS = (
    does("says-goodbye", "import atexit, os\natexit.register(os.write, 3, b'x' * 100)\nreturn {'passed': True}", PASSED),
    does("raises-when-forgotten", "class D:\n    def __del__(self): raise ValueError('late')\n_ = D()\nreturn {'passed': True}", PASSED),
    does("lives-when-forgotten", "class D:\n    def __del__(self):\n        while True: pass\n_ = D()\nreturn {'passed': True}",
        TIMED_OUT, "2 s", seconds=2),
    does("deaf-to-signals", "import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))\nwhile True: pass",
        TIMED_OUT, "2 s", seconds=2),
    does("catches-everything", "import time\nwhile True:\n    try: time.sleep(60)\n    except BaseException: pass", TIMED_OUT, "2 s", seconds=2),
    does("timer-that-raises", "import signal, time\ndef late(*_): raise ValueError('late')\nsignal.signal(signal.SIGALRM, late)\n"
        "signal.setitimer(signal.ITIMER_REAL, 0.1, 0.1)\ntime.sleep(60)", ERRORED, ""),
    does("goes-on-after-its-result", GOES_ON, PASSED, seconds=3),
    does("late-traceback", "import faulthandler\nfaulthandler.dump_traceback_later(1, exit=True)\nreturn {'passed': True}", ERRORED, ""),
    does("error-that-cannot-be-shown", "class E(Exception):\n    def __str__(self): raise self\nraise E", ERRORED, "E"),
    does("error-that-takes-for-ever", "class E(Exception):\n    def __str__(self):\n        while True: pass\nraise E",
        TIMED_OUT, "2 s", seconds=2),
    does("error-of-many-megabytes", "raise ValueError('x' * (30 << 20))", ERRORED, ""),
    does("error-with-half-a-character", "raise ValueError(chr(0xD800))", ERRORED, "ValueError"),
)  # fmt: skip
HOOKS = (
    does("traces", "import sys\ndef trace(*_): raise ValueError('traced')\nsys.settrace(trace)\n(lambda: 0)()", ERRORED, "traced"),
    does("profiles", "import sys\ndef profile(*_): raise ValueError('profiled')\nsys.setprofile(profile)\nlen('')", ERRORED, "profiled"),
    does("audits", "import sys\ndef hook(*_): raise ValueError('heard')\nsys.addaudithook(hook)\nopen('x')", ERRORED, ""),
    does("collects", "import gc\ngc.callbacks.append(lambda *_: 1 / 0)\ngc.collect()\nreturn {'passed': True}", PASSED),
    does("forgets-its-modules", "import sys\nsys.modules.clear()\nreturn {'passed': False, 'score': 0}", FAILED),
    does("forgets-its-builtins", "import builtins\nbuiltins.__dict__.clear()\nreturn {'passed': True}", ERRORED, ""),
    does("no-output", "import sys\nsys.stdout = sys.stderr = None\nreturn {'passed': False, 'score': 0}", FAILED),
    does("closes-its-output", "import os\nos.close(1)\nos.close(2)\nreturn {'passed': False, 'score': 0}", FAILED),
    does("poisons-imports", "open('json.py', 'w').write('1/0')\nimport sys\nsys.path.insert(0, '')\nreturn {'passed': True}", PASSED),
    does("poisons-its-environment", "import os\nos.environ.update(TMPDIR='/', HOME='/', PYTHONPATH='/')\nreturn {'passed': True}", PASSED),
    Attack("code-that-does-not-end", "def evaluate(project): return " + "(" * 500 + ")" * 500, ERRORED),
    Attack("code-that-nests", "def evaluate(project):\n" + "".join(" " * n + " if 1:\n" for n in range(200)) + " " * 201 + "pass", ERRORED),
    Attack("runs-when-read", "while True: pass", TIMED_OUT, "2 s", seconds=2),
    Attack("evaluate-is-a-class", "class evaluate:\n    def __init__(self, project): pass", ERRORED),
    Attack("signature-that-lies", "def evaluate(project): return {'passed': False, 'score': 0}\nevaluate.__signature__ = 1", ERRORED),
)  # fmt: skip
EXHAUSTION = (
    does("memory", "kept = []\nwhile True: kept.append(bytearray(1 << 20))", ERRORED, "used more than 128 MB"),
    does("memory-at-once", "import mmap\nmmap.mmap(-1, 1 << 34)", ERRORED, ""),
    does("unpacks-a-bomb", "import zlib\nbomb = zlib.compress(bytes(1 << 26))\nkept = [zlib.decompress(bomb) for _ in range(9)]",
        ERRORED, "used more than 128 MB"),
    does("huge-number", "return {'passed': 10 ** 10 ** 8 > 0}", TIMED_OUT, "2 s", seconds=2),
    does("endless-expression", "import re\nre.match('(a+)+$', 'a' * 40 + 'b')", TIMED_OUT, "2 s", seconds=2),
    does("forks-for-ever", "import os\nwhile True: os.fork()", ERRORED, "Operation not permitted"),
    does("recurses", "return evaluate(project, log)", ERRORED, "RecursionError"),
    does("recurses-below-python", "import sys\nsys.setrecursionlimit(1 << 30)\nclass R:\n    def __repr__(self): return repr(self)\nrepr(R())",
        ERRORED, ""),
    does("disk", "for n in range(99): open(f'f{n}', 'wb').write(bytes(9 << 20))", ERRORED, "No space left"),
    does("file-with-holes", "import os\nfile = open('f', 'wb')\nos.truncate(file.fileno(), 1 << 40)", ERRORED, "File too large"),
    does("many-files", "for n in range(1 << 20): open(f'f{n}', 'w').close()", TIMED_OUT, "2 s", seconds=2),
    does("descriptors", "kept = [open('/dev/null') for _ in range(999)]", ERRORED, "Too many open files"),
    does("pipes", "import socket\nkept = [socket.socketpair() for _ in range(999)]", ERRORED, "Too many open files"),
    does("output", "for _ in range(99): print('x' * (1 << 20))", ERRORED, "printed more than 1 MB"),
    does("log", "while True: log('x' * 2000)", ERRORED, "sent more than a policy may send"),
    does("questions", "n = 0\nwhile True:\n    project.get_file_content(str(n))\n    n += 1", TIMED_OUT, "2 s", seconds=2),
    does("sleeps", "import time\ntime.sleep(60)", TIMED_OUT, "2 s", seconds=2),
    does("loops", "while True: pass", TIMED_OUT, "2 s", seconds=2),
)  # fmt: skip
