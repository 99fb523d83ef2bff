"""Attacks by what comes back: results that are none, results of others, and frames that the program would not send."""

from tests.sandboxes.escapes.attack import ERRORED, FAILED, PASSED, TIMED_OUT, Attack, does

RESULTS = (
    does("score-not-a-number", "return {'passed': True, 'score': float('nan')}", ERRORED, "JSON cannot hold"),
    does("score-without-end", "return {'passed': True, 'score': float('inf')}", ERRORED, "JSON cannot hold"),
    does("score-below", "return {'passed': True, 'score': -1}", ERRORED, "score"),
    does("score-above", "return {'passed': True, 'score': 101}", ERRORED, "score"),
    does("score-in-words", "return {'passed': True, 'score': 'all'}", ERRORED, "score"),
    does("score-of-a-million-digits", "return {'passed': True, 'score': 1 << 4_000_000}", ERRORED, ""),
    does("score-just-too-large", "return {'passed': True, 'score': 10 ** 4000}", ERRORED, "score"),
    does("passed-in-words", "return {'passed': 'yes'}", ERRORED, "passed"),
    does("generator", "return (x for x in range(3))", ERRORED, "`yield`"),
    does("coroutine", "async def later(): return {'passed': True}\nreturn later()", ERRORED, "`async`"),
    does("pickle", "import pickle\nreturn {'passed': True, 'details': pickle.dumps([])}", ERRORED, "bytes"),
    does("object-that-reduces", "class R:\n    def __reduce__(self): return print, ('x',)\nreturn {'passed': True, 'details': R()}",
        ERRORED, "JSON cannot hold"),
    does("contains-itself", "found = []\nfound.append(found)\nreturn {'passed': True, 'details': {'x': found}}", ERRORED, "Circular"),
    does("nested-without-end", "found = []\nfor _ in range(100_000): found = [found]\nreturn {'passed': True, 'details': {'x': found}}",
        ERRORED, "JSON cannot hold"),
    does("a-million-findings", "return {'passed': False, 'findings': [{'message': 'x'}] * 1_000_000}", ERRORED, "the limit is"),
    does("findings-of-other-files", "return {'passed': False, 'score': 0, 'findings': [{'path': '../../../../etc/passwd', 'line': 1, "
        "'message': 'x'}]}", FAILED),
    does("findings-behind-a-link", "return {'passed': False, 'score': 0, 'findings': [{'path': 'leak', 'line': 1, 'message': 'x'}]}", FAILED),
    does("half-a-character", "return {'passed': False, 'score': 0, 'message': chr(0xD800)}", FAILED),
    does("terminal-codes", "return {'passed': False, 'score': 0, 'message': chr(27) + '[2J' + chr(0x202E) + chr(0)}", FAILED),
    does("says-that-it-is-waived", "return {'passed': False, 'score': 0, 'state': 'waived', 'slug': 'honest-0', 'level': 'draft'}", FAILED),
    does("dictionary-that-lies", "class D(dict):\n    def items(self): return [('passed', True), ('score', 100)]\n"
        "return D(passed=False, score=0)", PASSED),
    does("text-that-lies", "class S(str):\n    def __str__(self): return 'honest'\n    __len__ = lambda self: 1 << 60\n"
        "return {'passed': False, 'score': 0, 'message': S('x')}", FAILED),
    does("number-that-lies", "class I(int):\n    def __repr__(self): return '100, \"passed\": true'\n"
        "return {'passed': False, 'score': I(0)}", FAILED),
)  # fmt: skip
FRAME = "import os, struct, time\ndef frame(kind, channel, body): return struct.pack('!IBH', len(body), kind, channel) + body\n"
WRONG = 'b\'{"returned": {"passed": false, "score": 0, "message": "forged"}}\''
FRAMES = (
    does("speaks-for-everybody", FRAME + f"for n in range(16): os.write(3, frame(6, n, {WRONG}))\ntime.sleep(60)", FAILED, "forged"),
    does("says-it-twice", FRAME + f"os.write(3, frame(6, 1, {WRONG}))\nreturn {{'passed': True}}", FAILED, "forged"),
    does("greets-as-the-warden", FRAME + "os.write(3, frame(1, 2, b'{}'))\ntime.sleep(60)", ERRORED, "broke the protocol"),
    does("ends-its-siblings", FRAME + "os.write(3, frame(7, 2, b'{\"how\": \"vanished\"}'))\ntime.sleep(60)", ERRORED, "broke the protocol"),
    does("stops-its-siblings-by-frame", FRAME + "os.write(3, frame(9, 2, b''))\ntime.sleep(60)", ERRORED, "broke the protocol"),
    does("gives-itself-a-network", FRAME + "os.write(3, frame(8, 0, b'{}'))\ntime.sleep(60)", ERRORED, "broke the protocol"),
    does("unknown-kind", FRAME + "os.write(3, frame(99, 1, b'{}'))\ntime.sleep(60)", ERRORED, "broke the protocol"),
    does("asks-twice", FRAME + "os.write(3, frame(3, 1, b'[\"get_topics\", []]') * 2)\ntime.sleep(60)", ERRORED, "broke the protocol"),
    does("four-gigabytes-to-come", "import os, time\nos.write(3, b'\\xff' * 7)\ntime.sleep(60)", ERRORED, "may send"),
    does("half-a-frame", "import os, time\nos.write(3, b'\\0\\0')\ntime.sleep(60)", TIMED_OUT, "2 s", seconds=2),
    does("result-that-is-no-json", FRAME + "os.write(3, frame(6, 1, b'{x'))\ntime.sleep(60)", ERRORED, "cannot be read"),
    does("result-nested-without-end", FRAME + "os.write(3, frame(6, 1, b'[' * 1_000_000))\ntime.sleep(60)", ERRORED, "cannot be read"),
    does("result-of-a-million-digits", FRAME + "os.write(3, frame(6, 1, b'1' * 1_000_000))\ntime.sleep(60)", ERRORED, "cannot be read"),
    does("question-that-is-no-json", FRAME + "os.write(3, frame(3, 1, b'[' * 1_000_000))\ntime.sleep(60)", TIMED_OUT, "2 s", seconds=2),
    does("hangs-up", "import os, time\nos.close(3)\ntime.sleep(60)", ERRORED, "without a result"),
    does("never-listens", FRAME + "while True: os.write(3, frame(5, 1, b'[\"info\", \"' + b'x' * 65_000 + b'\"]'))", ERRORED, "may send"),
)  # fmt: skip
# Whoever changes the program's own functions changes what is said of themselves, and of nobody else.
PATCHES = (
    Attack(
        "patches-its-frames",
        "import seatrial.sandbox.child as child, seatrial.sandbox.frames as frames\n"
        "def evaluate(project):\n    child.encode = lambda kind, channel, value: frames.encode(kind, 1, value)\n"
        "    return {'passed': False, 'score': 0, 'message': 'mine'}",
        FAILED, "mine",
    ),
    Attack(
        "patches-json",
        "import json\ndef evaluate(project):\n"
        "    json.dumps = lambda *_, **__: '{\"returned\": {\"passed\": false, \"score\": 0, \"message\": \"mine\"}}'\n"
        "    return {'passed': True}",
        FAILED, "mine",
    ),
    Attack(
        "patches-the-project",
        "import seatrial.sandbox.project as p\ndef evaluate(project):\n    p.Project.get_file_content = lambda *_: '# Other'\n"
        "    return {'passed': project.get_file_content('README.md') == '# Other'}",
        PASSED,
    ),
)  # fmt: skip
