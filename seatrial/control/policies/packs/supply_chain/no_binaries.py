"""What runs can be read: no programs in compiled form.

Looks for compiled programs and libraries by the names that tools give them, and only counts those that hold no text. Files without an
extension, and those that claim to be text or data, are known by their first bytes (ELF, PE, Mach-O, Java, WebAssembly). A wrapper of Gradle
or Maven passes if a workflow checks it. Parameter `allow`: patterns of paths that may be there.
"""

import re
from fnmatch import fnmatch
from posixpath import basename

NAME = "No compiled programs"
PARAMS = {"allow": []}
TESTS = [
    {"name": "none", "input": {"files": {"a.py": "", "logo.png": b"\x89PNG\r\n\x00"}}, "expected": {"passed": True, "score": 100}},
    {"name": "a library", "input": {"files": {"lib/a.so.1": b"\x7fELF\x00\x00\x00\x00"}}, "expected": {"passed": False, "findings": [{"path": "lib/a.so.1", "severity": "medium"}]}},
    {"name": "only called so", "input": {"files": {"a.exe": "text\n", "b.class": "class B {}\n"}}, "expected": {"passed": True}},
    {"name": "a wrapper that nobody checks", "input": {"files": {"gradle/wrapper/gradle-wrapper.jar": b"PK\x03\x04\x00\x00\x00\x00"}}, "expected": {"passed": False}},
    {"name": "a wrapper that is checked", "input": {"files": {"gradle/wrapper/gradle-wrapper.jar": b"PK\x03\x04\x00\x00\x00\x00", ".github/workflows/a.yml": "- uses: gradle/actions/wrapper-validation@v4"}},
     "expected": {"passed": True}},
    {"name": "without an extension", "input": {"files": {"bin/tool": b"\x7fELF\x02\x01\x01\x00\x00", "a.txt": b"MZ\x90\x00\x03\x00\x00\x00"}}, "expected": {"passed": False, "findings": [{"path": "a.txt"}, {"path": "bin/tool"}]}},
    {"name": "data without an extension", "input": {"files": {"fuzz/corpus/0a0a": b"\x00\x01\x02\x03", "Makefile": "all:\n"}}, "expected": {"passed": True}},
    {"name": "allowed", "input": {"files": {"fw/a.bin": b"\x00\x00\x00\x00\x00\x00", "fw/a.dll": b"MZ\x00\x00\x00\x00"}}, "params": {"allow": ["fw/*"]}, "expected": {"passed": True}},
]  # fmt: skip

COMPILED = re.compile(
    r"\.(exe|dll|so(\.\d+)*|dylib|jar|war|ear|class|pyc|pyo|pyd|o|obj|a|lib|ko|apk|aab|ipa|dex|msi|deb|rpm|whl|egg|node|wasm|dmg|app|crx|xpi|elf|com)$",
    re.IGNORECASE,
)
DISGUISED = re.compile(
    r"(^|/)[^./]+$|(^|/)\.[^./]+$|\.(txt|bin|dat|data|run|out|img|md|log|tmp|bak)$", re.IGNORECASE
)
HEADS = (
    "7f454c46",
    "4d5a",
    "feedface",
    "feedfacf",
    "cefaedfe",
    "cffaedfe",
    "cafebabe",
    "0061736d",
    "213c617263683e0a",
)
MOST = 2_000  # files that are no text, of which the first bytes are looked at
WRAPPER = re.compile(r"(gradle|maven)-wrapper\.jar")
CHECKED = re.compile(
    r"gradle/(actions/)?wrapper-validation|gradle/(actions/)?setup-gradle|gradle-build-action|validate-wrappers|wrapperSha256Sum|sha256sum"
)


def evaluate(project, params):
    files = project.files
    named = [
        path
        for path in files.matching(COMPILED)
        if not any(fnmatch(path, pattern) for pattern in params["allow"])
    ]
    text = {path for path, _ in project.read_files(named)}
    found = sorted({path for path in named if path not in text} | disguised(project, params["allow"]))
    wrappers = [path for path in found if WRAPPER.fullmatch(basename(path))]
    note = ""
    if wrappers:
        checks = files.matching(
            r"\.github/workflows/[^/]+|\.gitlab-ci\.yml|.*wrapper\.properties", whole=True
        )
        checker = next(
            (path for path, content in project.read_files(checks) if CHECKED.search(content)), None
        )
        if checker:
            found = [path for path in found if path not in wrappers]
            note = f" {wrappers[0]} is checked by {checker}."
    if not found:
        return {
            "passed": True,
            "score": 100,
            "message": f"No compiled program among {len(files)} files.{note}",
        }
    more = f" and {len(found) - 3} more" if len(found) > 3 else ""
    return {
        "passed": False,
        "score": max(0, 80 - 10 * len(found)),
        "message": f"Compiled, and nobody can read it: {', '.join(found[:3])}{more}.{note}",
        "findings": [
            {"path": path, "message": "a compiled program", "severity": "medium"} for path in found[:500]
        ],
        "findings_left_out": len(found[500:]),
    }


def disguised(project, allow):
    """Programs by their first bytes, whose names do not say so."""
    asked = [p for p in project.files.matching(DISGUISED) if not any(fnmatch(p, one) for one in allow)]
    texts = project.read_files(asked)
    for _ in texts:
        pass
    entries = {path: project.get_entry(path) or {} for path in list(texts.left_out)[:MOST]}
    return {path for path, entry in entries.items() if entry.get("head", "").startswith(HEADS)}
