"""Every Dockerfile says exactly what it is built on.

Each base image (FROM, and COPY --from an image) must carry a tag other than `latest`, or a digest. `scratch`, names of
earlier stages and defaults of ARG before the first FROM are understood. Parameter `require_digest`: a tag is not
enough then.
"""

import re
from posixpath import basename

NAME = "Pinned base images"
PARAMS = {"require_digest": False}

FILE = re.compile(
    r"(Dockerfile|Containerfile)([.-][\w.-]+)?|[\w.-]+\.(Dockerfile|Containerfile)", re.IGNORECASE
)
HEREDOC = re.compile(r"(?:^|\s)\d*<<-?([\"']?)([A-Za-z_]\w*)\1")
TEMPLATE = re.compile(r"\{\{|\{%|<%")  # somebody fills it in before Docker reads it
# Docker sets these itself. What depends on one is judged as on the most common machine.
PLATFORM = {
    f"{side}{name}": value
    for side in ("TARGET", "BUILD")
    for name, value in {"PLATFORM": "linux/amd64", "OS": "linux", "ARCH": "amd64", "VARIANT": ""}.items()
}
VARIABLE = re.compile(r"\$(?:\{(\w+)(?::?([-+])([^}]*))?\}|(\w+))")
DOCUMENTATION = (".md", ".txt", ".dockerignore", ".rst")


def evaluate(project, params):
    problems, images = [], []
    for path in project.list_files():
        if FILE.fullmatch(basename(path)) and not path.lower().endswith(DOCUMENTATION):
            for line, image in bases(read(project, path)):
                if TEMPLATE.search(image):
                    continue
                images.append({"file": path, "line": line, "image": image})
                problem = judge(image, params["require_digest"])
                if problem:
                    problems.append(f"{path}:{line} {problem}")
    if not images:
        return {"passed": True, "score": 100, "message": "No Dockerfile builds on an image."}
    details = {"images": images[:100], "problems": problems[:100]}
    if problems:
        score = round(100 * (len(images) - len(problems)) / len(images))
        message = "; ".join(problems[:5]) + "."
        return {"passed": False, "score": min(score, 90), "message": message, "details": details}
    names = ", ".join(dict.fromkeys(image["image"] for image in images[:5]))
    return {"passed": True, "score": 100, "message": f"Pinned: {names}.", "details": details}


def read(project, path):
    try:
        return project.get_file_content(path) or ""
    except ValueError:  # no text, or far too much of it
        return ""


def judge(image, require_digest):
    if "$" in image:
        return f"builds on {image}, which has no default"
    name, _, digest = image.partition("@")
    tag = name.rpartition("/")[2].partition(":")[2]
    if digest.startswith("sha256:"):
        return None
    if require_digest:
        return f"builds on {image} without a digest"
    if not tag:
        return f"builds on {image} without a tag"
    return f"builds on {image}, which changes under it" if tag == "latest" else None


def bases(text):
    """(line, image) of everything that is taken from outside the file."""
    defaults, stages, found = dict(PLATFORM), set(), []
    for line, words in instructions(text):
        keyword, rest = words[0].upper(), words[1:]
        if keyword == "ARG" and not stages and not found:
            for word in rest:
                name, has_default, value = word.partition("=")
                if has_default:
                    defaults[name] = filled(value.strip("\"'"), defaults)
        elif keyword == "FROM":
            rest = [word for word in rest if not word.startswith("--")]
            image = filled(rest[0].strip("\"'"), defaults) if rest else ""
            if image and image.lower() not in stages | {"scratch"}:
                found.append((line, image))
            stages.add(
                rest[2].lower() if len(rest) > 2 and rest[1].upper() == "AS" else f"stage {len(stages)}"
            )
        elif keyword in ("COPY", "ADD", "RUN"):
            for source in re.findall(
                r"(?:^--from=|^--mount=\S*?\bfrom=)([^,\s]+)", "\n".join(rest), re.MULTILINE
            ):
                image = filled(source, defaults)
                if not image.isdigit() and image.lower() not in stages | {"scratch"}:
                    found.append((line, image))
    return found


def filled(text, defaults):
    def value(match):
        name = match[1] or match[4]
        if match[2] == "+":
            return match[3] if name in defaults else ""
        if match[2] == "-":
            return defaults.get(name) or match[3]
        return defaults.get(name, match[0])

    return VARIABLE.sub(value, text)


def instructions(text):
    """(line, words) of each instruction: continued lines joined, comments and heredocs left out."""
    escape = "`" if re.match(r"(#\s*\w+\s*=.*\n)*#\s*escape\s*=\s*`", text, re.IGNORECASE) else "\\"
    lines = iter(enumerate(text.splitlines(), 1))
    for number, line in lines:
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        whole = line.rstrip()
        while whole.endswith(escape):
            _, more = next(lines, (0, ""))
            whole = whole[:-1] if more.lstrip().startswith("#") else whole[:-1] + " " + more.rstrip()
            if more.lstrip().startswith("#"):
                whole += escape
        if not whole.strip():
            continue
        yield number, whole.split()
        for _, end in HEREDOC.findall(whole) if whole.split()[0].upper() in ("RUN", "COPY", "ADD") else []:
            for _, inner in lines:
                if inner.strip() == end:
                    break
