"""Every computer can check the repository out.

Looks for names that Windows or macOS cannot hold: two that differ only in upper and lower case or in how an accent is written, reserved
words, characters and ends that Windows forbids, and paths that are too long. Parameter `max_length` of a path.
"""

import unicodedata

NAME = "Portable names"
PARAMS = {"max_length": 200}
TESTS = [
    {"name": "good", "input": {"files": {"a.py": "", "B/c.py": ""}}, "expected": {"passed": True, "score": 100}},
    {"name": "upper and lower case", "input": {"files": {"Readme": "", "README": ""}}, "expected": {"passed": False, "findings": 1}},
    {"name": "of a folder, too", "input": {"files": {"src/a": "", "Src/b": ""}}, "expected": {"passed": False, "message": {"contains": "only in upper and lower case"}}},
    {"name": "reserved", "input": {"files": {"docs/aux.md": ""}}, "expected": {"passed": False, "message": {"contains": "docs/aux.md"}}},
    {"name": "forbidden", "input": {"files": {"a:b": "", "c?": "", "d.": ""}}, "expected": {"passed": False, "findings": 3}},
    {"name": "accents", "input": {"files": {"caf\u00e9": "", "cafe\u0301": ""}}, "expected": {"passed": False}},
    {"name": "reserved, of a folder", "input": {"files": {"a/COM1.d/b": "", "a/common/b": ""}}, "expected": {"passed": False, "findings": 1}},
    {"name": "files of a folder among those of others", "input": {"files": {"a/b": "", "a/b-c/B": "", "a/b0": "", "a/c/B": "", "a/B0": ""}}, "expected": {"passed": False, "findings": [{"path": "a/b0"}]}},
    {"name": "too long", "input": {"files": {"abcdefghijk": ""}}, "params": {"max_length": 10}, "expected": {"passed": False}},
]  # fmt: skip

# Both are searched for by the host
RESERVED = r"(?i)(^|/)(con|prn|aux|nul|com[1-9]|lpt[1-9])(\.[^/]*)?(/|$)"
FORBIDDEN = r"[<>:\"|?*\\\x00-\x1f]|[. ](/|$)"
MOST = 500  # findings


def evaluate(project, params):
    files = project.files
    wrong = f"{RESERVED}|{FORBIDDEN}"
    problems = dict.fromkeys(
        files.matching(wrong, most=MOST), "Windows cannot have a file or folder that is called like this"
    )
    several = files.count(wrong) + walked(files, params["max_length"], problems)
    if not problems:
        return {
            "passed": True,
            "score": 100,
            "message": f"All {len(files)} names can be checked out everywhere.",
        }
    listed = sorted(problems.items())[:MOST]
    return {
        "passed": False,
        "score": max(0, 100 - 25 * several),
        "message": "; ".join(f"{path}: {text}" for path, text in listed[:3]) + ".",
        "findings": [{"path": path, "message": text, "severity": "medium"} for path, text in listed],
        "findings_left_out": several - len(listed),
    }


def walked(files, max_length, problems):
    """Add what only becomes clear by walking through all paths; how many there are. One comparison for most of them: paths come
    sorted, so that only the folders of the last one, and what is known in each, have to be kept."""
    found, above, folder = 0, [("", {})], ""
    for path in files:
        if not path.startswith(folder) or "/" in path[len(folder) :]:
            text = entered(above, path)
            folder = above[-1][0]
            found += noted(problems, path, text)
        name = path[len(folder) :]
        text = seen(above[-1], name)
        if text or len(path) > max_length:
            length = f"the path has {len(path)} characters; more than {max_length} fail on Windows"
            found += noted(problems, path, text or length)
    return found


def entered(above, path):
    """Make `above` the folders of this path; what is wrong with the first of the new ones that has something."""
    while not path.startswith(above[-1][0]):
        above.pop()
    wrong = ""
    for name in path[len(above[-1][0]) :].split("/")[:-1]:
        wrong = wrong or seen(above[-1], name)
        above.append((f"{above[-1][0]}{name}/", {}))
    return wrong


def seen(folder, name):
    """Note the name; what it differs from too little, in a sentence."""
    path, known = folder
    plain = name.lower() if name.isascii() else unicodedata.normalize("NFC", name).casefold()
    other = known.setdefault(plain, name)
    if other == name:
        return ""
    known[plain] = name
    return f"{path}{name} differs from {path}{other} only in upper and lower case, or in an accent"


def noted(problems, path, text):
    """Whether it is one more."""
    if not text or path in problems:
        return False
    if len(problems) < 2 * MOST:
        problems[path] = text
    return True
