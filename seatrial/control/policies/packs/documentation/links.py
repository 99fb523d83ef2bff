"""Links within the documentation lead somewhere.

Reads every Markdown file: relative links and pictures must be files or folders of the repository, and `#anchors` headings of the page that
they name, as GitHub and GitLab make them. Links to other hosts are not followed. Parameter `skip`: which paths are not looked at.
"""

import re
import unicodedata
from posixpath import dirname, join, normpath
from urllib.parse import unquote

NAME = "Links within the repository"
PARAMS = {"skip": "(^|/)(node_modules|vendor|third_party|testdata|tests?|fixtures?|templates?)/"}
TESTS = [
    {"name": "good", "input": {"files": {"README.md": "[a](docs/a.md#two-words) ![p](p.png)\n", "docs/a.md": "# Two words\n", "p.png": b"\x00\x00\x00"}}, "expected": {"passed": True, "score": 100, "message": {"contains": "2 links"}}},
    {"name": "a page that is gone", "input": {"files": {"README.md": "one\n[a](docs/a.md)\n"}}, "expected": {"passed": False, "findings": [{"path": "README.md", "line": 2}]}},
    {"name": "an anchor that is gone", "input": {"files": {"README.md": "[a](#b)\n\n# A\n"}}, "expected": {"passed": False, "message": {"contains": "#b"}}},
    {"name": "from the root, with blanks", "input": {"files": {"docs/a.md": "[a](/My%20page.md) [b](<../My page.md>)\n", "My page.md": ""}}, "expected": {"passed": True}},
    {"name": "in code", "input": {"files": {"README.md": "`[a](b)`\n\n```\n[a](b)\n```\n\n    [a](b)\n"}}, "expected": {"passed": True}},
    {"name": "by reference", "input": {"files": {"README.md": "[a][x]\n\n[x]: docs/a.md\n"}}, "expected": {"passed": False, "findings": [{"line": 3}]}},
    {"name": "the second of two headings", "input": {"files": {"README.md": "[a](#a-1)\n\n# A\n\n# A\n"}}, "expected": {"passed": True}},
    {"name": "other hosts", "input": {"files": {"README.md": "[a](https://x.test/a) [b](mailto:a@b.test) [c](../../issues)\n"}}, "expected": {"passed": True}},
    {"name": "HTML", "input": {"files": {"README.md": "<img src='no.png'> <a href=\"b.md\">b</a>\n<a name=\"c\"></a>[c](#c)\n", "b.md": ""}}, "expected": {"passed": False, "findings": 1}},
]  # fmt: skip

PAGE = re.compile(r"\.(md|markdown)$", re.IGNORECASE)
INLINE = re.compile(
    r"(?<!\\)\]\(\s*(?:<([^>\n]+)>|([^\s()<>]*(?:\([^\s()]*\)[^\s()]*)*))(?:\s+[\"'(][^\n]*?)?\s*\)"
)
REFERENCE = re.compile(r"^ {0,3}\[(?!\^)[^\]\n]+\]:\s*<?([^\s>]+)>?", re.M)
HTML = re.compile(r"<(?:img|a|source)\b[^>]*?\s(?:src|href)\s*=\s*[\"']([^\"'\n]+)[\"']", re.IGNORECASE)
CODE = re.compile(
    r"^( {0,3})(`{3,}|~{3,})[^\n]*\n.*?(?:^\s*\2[`~]*\s*$|\Z)|<!--.*?-->|(?<=\n\n)(?:(?: {4}|\t)[^\n]*\n)+|(?<!`)(`+)(?!`)[^\n]*?(?<!`)\3(?!`)",
    re.M | re.DOTALL,
)
ELSEWHERE = re.compile(r"^(?:[a-z][\w+.-]*:|//|\{|\$|<|@)|\{\{|\$\{", re.IGNORECASE)


def evaluate(project, params):
    pages = [path for path in project.files.matching(PAGE) if not re.search(params["skip"], path)]
    links, anchors = [], {}
    for path, text in project.read_files(pages):
        anchors[path] = anchors_of(text)
        links += [(path, line, target) for line, target in targets(text)]
    known = there(project, links)
    problems = sorted(
        (path, line, problem)
        for path, line, target in links
        if (problem := judge(path, target, known, anchors))
    )
    if not problems:
        message = f"All {len(links)} links within {len(anchors)} pages lead somewhere."
        return {"passed": True, "score": 100, "message": message}
    more = f" and {len(problems) - 3} more" if len(problems) > 3 else ""
    return {
        "passed": False,
        "score": max(0, round(90 * (len(links) - len(problems)) / len(links))),
        "message": "; ".join(f"{path}:{line} {text}" for path, line, text in problems[:3]) + f"{more}.",
        "findings": [
            {"path": p, "line": n, "message": text, "severity": "low"} for p, n, text in problems[:500]
        ],
        "findings_left_out": len(problems[500:]),
    }


def targets(text):
    """(line, target) of each link that is not to another host."""
    plain = CODE.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)
    for pattern in (INLINE, REFERENCE, HTML):
        for match in pattern.finditer(plain):
            target = next((group for group in match.groups() if group), "")
            if target and not ELSEWHERE.search(target):
                yield plain.count("\n", 0, match.start()) + 1, target


def there(project, links):
    """Of all that these links may lead to, the files and folders that are there."""
    wanted = {one for path, _, target in links for one in places(path, target)}
    return {one.rstrip("/") for one in project.files.among([*wanted, *(f"{one}/" for one in wanted)])} | {"."}


def places(path, target):
    """What a link may lead to: the file itself first, its top folder last."""
    name = unquote(target.partition("#")[0].partition("?")[0])
    whole = (
        path
        if not name
        else normpath(name.lstrip("/") if name.startswith("/") else join(dirname(path), name))
    )
    made = [f"{whole}.md", f"{whole}/README.md", f"{whole}/index.md", re.sub(r"\.html$", ".md", whole)]
    return [whole, *made, re.sub(r"(/index)?\.html$", "/index.md", whole), whole.split("/")[0]]


def judge(path, target, known, anchors):
    """What is wrong with a link, or None."""
    name, _, anchor = target.partition("#")
    whole, *made, top = places(path, target)
    if whole.startswith("..") or (unquote(name).startswith("/") and top not in known):
        return None  # a page of the code host or of a site, rather than a file
    if whole not in known:
        return None if known.intersection(made) else f"links to {target[:100]}, which is not there"
    if not anchor or whole not in anchors or re.match(r"L\d+|:~:", anchor):
        return None
    there = unquote(anchor).lower() in anchors[whole]
    return None if there else f"links to #{anchor[:60]}, which no heading of {whole} is"


def anchors_of(text):
    """The anchors of a page: of its headings, and those that are written."""
    found = {name.lower() for name in re.findall(r"\b(?:id|name)\s*=\s*[\"']([^\"']+)[\"']", text)}
    found |= {name.lower() for name in re.findall(r"\{#([\w-]+)\}", text)}
    seen = {}
    plain = CODE.sub(lambda match: match[0] if match[3] else re.sub(r"[^\n]", " ", match[0]), text)
    for match in re.finditer(r"^ {0,3}#{1,6}\s+(.+?)\s*#*\s*$|^(\S[^\n]*)\n(?:=+|-+)\s*$", plain, re.M):
        title = re.sub(r"!?\[([^\]]*)\](\([^)]*\)|\[[^\]]*\])|<[^>]+>", r"\1", match[1] or match[2])
        kept = "".join(
            one for one in title.strip().lower() if one in " -_" or unicodedata.category(one)[0] in "LNM"
        )
        name = kept.replace(" ", "-")
        number = seen[name] = seen.get(name, -1) + 1
        found |= {f"{name}-{number}" if number else name, re.sub(r"-+", "-", name).strip("-")}
        found.add(re.sub(r"[_*~`]", "", name))
    return found
