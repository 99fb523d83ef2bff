"""Files are in the store that .gitattributes says.

A file that a pattern gives to Git LFS must be a pointer: whole, it was committed by somebody without LFS, and every clone pays for it. A
pointer that no pattern names gives whoever clones three lines of text.
"""

from fnmatch import fnmatch
from posixpath import basename, dirname

NAME = "Git LFS"
TESTS = [
    {"name": "pointers", "input": {"files": {".gitattributes": "*.bin filter=lfs diff=lfs merge=lfs -text\n", "a.bin": "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n"}}, "expected": {"passed": True, "score": 100}},
    {"name": "committed whole", "input": {"files": {".gitattributes": "*.bin filter=lfs\n", "d/a.bin": b"\x00\x00\x00\x00\x00\x00"}}, "expected": {"passed": False, "findings": [{"path": "d/a.bin"}]}},
    {"name": "a pointer without a pattern", "input": {"files": {"a.psd": "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n"}}, "expected": {"passed": False, "message": {"contains": "no pattern"}}},
    {"name": "a folder", "input": {"files": {".gitattributes": "assets/** filter=lfs\n", "assets/x/a.png": "text"}}, "expected": {"passed": False}},
    {"name": "taken back", "input": {"files": {".gitattributes": "*.bin filter=lfs\nsmall.bin !filter\n", "small.bin": "x"}}, "expected": {"passed": True}},
    {"name": "none", "input": {"files": {"a": ""}}, "expected": {"passed": True}},
]  # fmt: skip

POINTER = "version https://git-lfs.github.com/spec/v1\n"
MOST = 1024  # bytes of a pointer


def evaluate(project):
    rules = []
    for path, text in project.read_files(project.files.matching(r"(^|/)\.gitattributes$")):
        for line in text.split("\n"):
            words = line.split()
            settings = [word for word in words[1:] if "filter" in word]
            if settings and not words[0].startswith("#"):
                rules.append((dirname(path), words[0].strip('"'), "filter=lfs" in settings))
    sizes = project.files.sizes(above=60, below=200)  # as large as pointers are
    named = project.files if any(lfs for _, _, lfs in rules) else ()
    wanted = [path for path in named if given_to_lfs(path, rules) and basename(path) != ".gitattributes"]
    sizes |= project.files.sizes_of(wanted)
    wanted = [path for path in wanted if path in sizes]
    looked = sorted(sizes)
    pointers = {
        path
        for path, text in project.read_files([p for p in looked if sizes[p] < MOST])
        if text.startswith(POINTER)
    }
    problems = [
        (path, f"is committed whole, with {sizes[path]:,} bytes; run git lfs migrate import --no-rewrite")
        for path in wanted
        if sizes[path] and path not in pointers
    ]
    problems += [
        (path, "is a pointer, and no pattern of .gitattributes gives it to LFS")
        for path in sorted(pointers - set(wanted))
    ]
    if not problems:
        what = (
            f"Files in Git LFS: {len(wanted)}, all of them pointers."
            if wanted
            else "Nothing is kept in Git LFS."
        )
        return {"passed": True, "score": 100, "message": what}
    more = f" and {len(problems) - 3} more" if len(problems) > 3 else ""
    return {
        "passed": False,
        "score": max(0, 70 - 10 * len(problems)),
        "message": "; ".join(f"{path} {text}" for path, text in problems[:3]) + f"{more}.",
        "findings": [{"path": path, "message": text, "severity": "medium"} for path, text in problems[:500]],
    }


def given_to_lfs(path, rules):
    given = False
    for folder, pattern, lfs in rules:
        if folder and not path.startswith(f"{folder}/"):
            continue
        below = path[len(folder) + 1 :] if folder else path
        anchored = "/" in pattern.strip("/")
        matches = (
            fnmatch(below, pattern.lstrip("/").replace("**/", "*").replace("/**", "/*"))
            if anchored
            else fnmatch(basename(path), pattern.strip("/"))
        )
        given = lfs if matches else given
    return given
