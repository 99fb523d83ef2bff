"""No credentials in the repository.

Looks into every text file for credentials whose form is unmistakable (private keys, tokens of well-known services) and
for .env files with real values. What is found is shown by file and line, never itself. Below folders of tests and
examples it only warns. A line with `gitleaks:allow` or `pragma: allowlist secret` is left alone. Remove what is found
and revoke it: git's history keeps it.
"""

import math
import re
from collections import Counter
from posixpath import basename

NAME = "No committed secrets"
PARAMS = {"allow": []}
LISTED = 200  # findings; the message counts all

TOKENS = [
    ("AWS access key", r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    ("GitHub token", r"\bgh[pousr]_[0-9A-Za-z]{36,}\b"),
    ("GitHub token", r"\bgithub_pat_[0-9A-Za-z_]{60,}"),
    ("GitLab token", r"\bgl(?:pat|dt|rt|ptt|cbt)-[0-9A-Za-z_-]{20,}"),
    ("Slack token", r"\bxox[abeoprs]-[0-9A-Za-z-]{20,}"),
    ("Slack webhook", r"hooks\.slack\.com/services/T[0-9A-Z]{6,}/B[0-9A-Z]{6,}/[0-9A-Za-z]{20,}"),
    ("Stripe key", r"\b[rs]k_live_[0-9A-Za-z]{20,}"),
    ("Google API key", r"\bAIza[0-9A-Za-z_-]{35}(?![0-9A-Za-z_-])"),
    ("npm token", r"\bnpm_[0-9A-Za-z]{36}\b"),
    ("PyPI token", r"\bpypi-AgEI[0-9A-Za-z_-]{50,}"),
    ("SendGrid key", r"\bSG\.[0-9A-Za-z_-]{22}\.[0-9A-Za-z_-]{43}\b"),
    ("DigitalOcean token", r"\bdo[opr]_v1_[0-9a-f]{64}\b"),
    ("Hugging Face token", r"\bhf_[0-9A-Za-z]{34,}\b"),
    ("private key", r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----"),
    ("age key", r"\bAGE-SECRET-KEY-1[0-9A-Z]{58}\b"),
]
# A file without any of these words needs no closer look, which is some twenty times quicker than the patterns.
WORDS = (
    "AKIA ASIA ghp_ gho_ ghu_ ghs_ ghr_ github_pat_ glpat- gldt- glrt- glptt- glcbt- xox hooks.slack.com _live_ AIza npm_ "
    "pypi-AgEI SG. dop_v1_ doo_v1_ dor_v1_ hf_ AGE-SECRET-KEY-1 -----BEGIN"
)
ALLOWED = re.compile(r"gitleaks:allow|pragma: allowlist secret")
PLACEHOLDER = re.compile(
    r"example|sample|dummy|fake|placeholder|redacted|x{6}|\*{4}|<|\$\{|0{8}|1234567|abcdefg|change.?me|your|insert",
    re.I,
)
HARMLESS = re.compile(
    r"(^|/)(tests?|specs?|__tests__|testdata|fixtures?|examples?|samples?|docs?|mocks?|demo)/|_test\.\w+$",
    re.I,
)
SKIPPED = re.compile(
    r"(^|/)(node_modules|vendor|third_party|\.git)/|\.(min\.js|map|svg|lock|sum)$|(^|/)[\w-]*lock\.(json|yaml)$"
)
# Words, not secrets.
DEFAULT = re.compile(r"(postgres|password|secret|development|localhost|[a-z]{0,12})\d*", re.IGNORECASE)
# References to a secret, and secrets sealed for another key; not the secret itself.
POINTER_NAME = re.compile(r"_(FILE|URL|PATH)$", re.IGNORECASE)
POINTER = re.compile(r"\$|/[\w.-]+(/|$)|ENC\[|encrypted:|(?!\w+://[^/\s@]*:[^/\s@]+@)\w+://", re.IGNORECASE)
ENV_NAME = re.compile(
    r"^\s*(?:export\s+)?(\w*(?:SECRET|TOKEN|PASSWORD|PASSWD|API_?KEY|PRIVATE_KEY)\w*)\s*=\s*[\"']?([^\s\"'#]{8,})"
)


def evaluate(project, params, log):
    paths = [p for p in project.list_files() if not SKIPPED.search(p) and p not in params["allow"]]
    found, warned, words = [], [], WORDS.split()
    for path, text in project.read_files(paths):
        for line, kind in secrets(path, text, words):
            (warned if HARMLESS.search(path) else found).append({"file": path, "line": line, "kind": kind})
    for one in warned:
        log.warning(
            f"{one['file']}:{one['line']}: looks like a {one['kind']}, in a place for tests and examples"
        )
    if not found:
        note = f" Looks like one, in tests and examples: {len(warned)}." if warned else ""
        return result(100, f"No credentials. Files read: {len(paths)}.{note}", warned)
    shown = ", ".join(f"{one['file']}:{one['line']} ({one['kind']})" for one in found[:5])
    more = f" and {len(found) - 5} more" if len(found) > 5 else ""
    return result(max(0, 75 - 25 * (len(found) - 1)), f"Found {shown}{more}. Remove and revoke them.", found)


def secrets(path, text, words):
    env = re.fullmatch(r"\.env(\.(local|prod|production|staging|dev|development))?", basename(path))
    if not env and not any(word in text for word in words):
        return
    lines = text.splitlines()
    for number, line in enumerate(lines, 1):
        if len(line) > 20_000 or ALLOWED.search(line):
            continue
        match = env and ENV_NAME.match(line)
        if match and is_value(match[1], match[2]):
            yield number, f"value for {match[1]}"
            continue
        for kind, pattern in TOKENS:
            token = re.search(pattern, line)
            if token and (
                has_body(line[token.end() :], lines[number : number + 12])
                if kind == "private key"
                else real(token[0])
            ):
                yield number, kind
                break


def is_value(name, value):
    if POINTER_NAME.search(name) or POINTER.match(value) or DEFAULT.fullmatch(value):
        return False
    return real(value)


def has_body(rest, after):
    """A key's header alone (in code that looks for keys, say) is no key: base64 must follow."""
    body = re.sub(r"\\n|\s|[\"'+,]", "", rest + "".join(line for line in after if ":" not in line))
    block = re.match(r"[0-9A-Za-z+/=]{100,}", body)
    return block is not None and entropy(block[0]) > 4


def real(token):
    """Whether it is no placeholder: it has no word like `example`, and no pattern that a person would type."""
    return not PLACEHOLDER.search(token) and entropy(token) > 2.8 - (len(token) < 16)


def entropy(text):
    return -sum(n / len(text) * math.log2(n / len(text)) for n in Counter(text).values())


def result(score, message, findings):
    return {
        "passed": score == 100,
        "score": score,
        "message": message,
        "details": {"findings": findings[:LISTED], "findings_left_out": len(findings[LISTED:])},
    }
