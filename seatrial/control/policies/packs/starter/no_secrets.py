"""No credentials in the repository.

Looks into every text file for credentials whose form is unmistakable (private keys, also within other files or in base64;
tokens of well-known services; passwords in URLs, connection strings and commands of curl), for files of environment variables, of Terraform and of Java
with real values, for files in which programs keep what they log in with (.npmrc, .netrc, wp-config.php, master.key of Rails and their like), and for keystores.
What is found is shown by file and line, never itself. Below folders of tests and examples it only warns. A line with
`gitleaks:allow` or `pragma: allowlist secret` is left alone, and so are the paths and patterns of parameter `allow`. With `kingfisher`, the
tool Kingfisher looks as well, for the secrets of some five hundred services; that takes seconds more for each commit.
Remove what is found and revoke it: git's history keeps it.
"""

import math
import re
from collections import Counter
from fnmatch import fnmatch
from posixpath import basename

NAME = "No committed secrets"
PARAMS = {"allow": [], "kingfisher": False}
TESTS = [
    {"name": "none", "input": {"files": {"a.py": "x = 1\n", "b.png": b"\x00\x00\x00"}}, "expected": {"passed": True, "score": 100, "message": {"contains": "Files read: 1. Not read"}}},
    {"name": "in the environment", "input": {"files": {"app/.env.test": "A=1\nAPI_TOKEN=q8Zr2LkV7bXw3NcT\n"}}, "expected": {"passed": False, "findings": [{"path": "app/.env.test", "line": 2, "severity": "critical"}]}},
    {"name": "in an address", "input": {"files": {"a.yml": "url: postgres://ship:q8Zr2LkV7b@db.harbour.test/a\n"}}, "expected": {"passed": False}},
    {"name": "given to curl", "input": {"files": {"a.sh": "curl -s -u ship:q8Zr2LkV7bXw https://db.harbour.test\n", "b.sh": "curl -u ship:$PASSWORD https://db.harbour.test\ncurl -u ship:q8Zr2LkV7bXw http://localhost:92\n"}}, "expected": {"passed": False, "findings": [{"path": "a.sh", "line": 1}]}},
    {"name": "of WordPress and Rails", "input": {"files": {"wp-config.php": "<?php\ndefine( 'DB_PASSWORD', 'q8Zr2LkV7bXw' );\n", "config/master.key": "85221c25f6aaf76fdc6c369aad6b68b7\n", "wp-config-sample.php": "define('DB_PASSWORD', 'password_here');\n"}}, "expected": {"passed": False, "findings": [{"path": "config/master.key", "line": 1}, {"path": "wp-config.php", "line": 2}]}},
    {"name": "a template", "input": {"files": {".env.example": "API_TOKEN=q8Zr2LkV7bXw3NcT\n"}}, "expected": {"passed": True}},
    {"name": "in a test", "input": {"files": {"tests/a.yml": "url: postgres://ship:q8Zr2LkV7b@db.harbour.test/a\n"}}, "expected": {"passed": True, "findings": [{"severity": "info"}]}},
    {"name": "a keystore without zeros", "input": {"files": {"a.p12": b"0\x82\x0a\x11\x02\x01\x030\x82\xd1\xf3\x99", "notes.kdb": "words of people\n"}}, "expected": {"passed": False, "findings": [{"path": "a.p12", "message": "keystore"}]}},
    {"name": "by Kingfisher", "params": {"kingfisher": True}, "input": {"files": {"a.py": "x"}, "fact": {"kingfisher": {"version": "2", "findings": [{"path": "a.py", "line": 1, "rule": "some-token", "severity": "high", "confidence": "high", "message": "a token"}]}}},
     "expected": {"passed": False, "findings": [{"path": "a.py", "line": 1}], "message": {"contains": "Kingfisher 2 read 1"}}},
    {"name": "allowed", "input": {"files": {"a.yml": "url: postgres://ship:q8Zr2LkV7b@db.harbour.test/a\n"}}, "params": {"allow": ["*.yml"]}, "expected": {"passed": True}},
]  # fmt: skip
LISTED = 1000  # findings; the message counts all

KEY = r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----"
TOKENS = [
    ("AWS access key", r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    ("AWS secret key", r"(?i)aws_secret_access_key\W{1,6}[0-9A-Za-z/+]{40}(?![0-9A-Za-z/+])"),
    ("GitHub token", r"\bgh[pousr]_[0-9A-Za-z]{36,}\b"),
    ("GitHub token", r"\bgithub_pat_[0-9A-Za-z_]{60,}"),
    ("GitLab token", r"\bgl(?:pat|dt|rt|ptt|cbt)-[0-9A-Za-z_-]{20,}"),
    ("Slack token", r"\bxox[abeoprs]-[0-9A-Za-z-]{20,}"),
    ("Slack webhook", r"hooks\.slack\.com/services/T[0-9A-Z]{6,}/B[0-9A-Z]{6,}/[0-9A-Za-z]{20,}"),
    ("Stripe key", r"\b[rs]k_live_[0-9A-Za-z]{20,}"),
    ("Google API key", r"\bAIza[0-9A-Za-z_-]{35}(?![0-9A-Za-z_-])"),
    ("Google OAuth secret", r"\bGOCSPX-[0-9A-Za-z_-]{28}"),
    ("npm token", r"\bnpm_[0-9A-Za-z]{36}\b"),
    ("PyPI token", r"\bpypi-AgEI[0-9A-Za-z_-]{50,}"),
    ("SendGrid key", r"\bSG\.[0-9A-Za-z_-]{22}\.[0-9A-Za-z_-]{43}\b"),
    ("DigitalOcean token", r"\bdo[opr]_v1_[0-9a-f]{64}\b"),
    ("Hugging Face token", r"\bhf_[0-9A-Za-z]{34,}\b"),
    ("OpenAI key", r"\bsk-(?:proj-|svcacct-)?[0-9A-Za-z_-]{20,}T3BlbkFJ[0-9A-Za-z_-]{20,}"),
    ("Anthropic key", r"\bsk-ant-(?:api|admin)\d\d-[0-9A-Za-z_-]{80,}"),
    ("Docker Hub token", r"\bdckr_pat_[0-9A-Za-z_-]{27}"),
    ("Vault token", r"\bhvs\.[0-9A-Za-z_-]{80,}"),
    ("Databricks token", r"\bdapi[0-9a-f]{32}\b"),
    ("Azure storage key", r"AccountKey=[0-9A-Za-z+/]{86}=="),
    ("RubyGems key", r"\brubygems_[0-9a-f]{48}\b"),
    ("Shopify token", r"\bshp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}\b"),
    ("Atlassian token", r"\bATATT3xFfGF0[0-9A-Za-z_=-]{100,}"),
    ("Telegram bot token", r"\b\d{8,10}:AA[0-9A-Za-z_-]{33}(?![0-9A-Za-z_-])"),
    ("private key", KEY),
    (
        "private key in base64",
        r"LS0tLS1CRUdJTi(?:BSU0Eg|BFQyBQ|BQUklW|BPUEVOU1NI|BFTkNS)[0-9A-Za-z+/=]{200,}",
    ),
    ("PuTTY private key", r"(?m)^PuTTY-User-Key-File-\d: "),
    ("age key", r"\bAGE-SECRET-KEY-1[0-9A-Z]{58}\b"),
]
# A file without any of these words needs no closer look: the host searches for them, which is some fifty times quicker than
# reading every file here.
WORDS = (
    "AKIA ASIA ecret_access ECRET_ACCESS ghp_ gho_ ghu_ ghs_ ghr_ github_pat_ glpat- gldt- glrt- glptt- glcbt- xox hooks.slack.com "
    "_live_ AIza GOCSPX- npm_ pypi-AgEI SG. dop_v1_ doo_v1_ dor_v1_ hf_ T3BlbkFJ sk-ant- dckr_pat_ hvs. dapi AccountKey= "
    "rubygems_ shpat_ shpca_ shppa_ shpss_ ATATT3xFfGF0 :AA AGE-SECRET-KEY-1 -----BEGIN LS0tLS1CRUdJTi PuTTY-User"
)
COMPILED = [(kind, re.compile(pattern)) for kind, pattern in TOKENS]
IN_STRING = [  # connection strings that are no URLs: the groups of host and password, and the pattern
    (1, 2, re.compile(r"(?i)\b(?:server|data source|host|addr(?:ess)?)=([^;\"'\n]{1,200});[^\"'\n]{0,300}?\b(?:password|pwd)=([^;\"'\s]{6,128})")),
    (2, 1, re.compile(r"[\w-]{1,64}:([^\s:@\"']{6,128})@tcp\(([\w.-]+)")),
    (1, 2, re.compile(r"\bcurl\b[^\n]{0,300}?\s(?:-u|--user)[ =]?[\"']?([\w.@-]{1,64}):([^\s:\"'`]{6,128})(?![^\n]*//(?:localhost|127\.|[\w.-]*example\.))")),
]  # fmt: skip
LOGINS = [  # files in which programs keep what they log in with, and how
    (
        re.compile(r"\.?npmrc|\.yarnrc(\.yml)?", re.I),
        re.compile(
            r"(?m)(?:_authToken|_auth|_password|npmAuthToken|npmAuthIdent)[\"']?[ \t]*[=:][ \t]*[\"']?([^\s\"']{8,})"
        ),
    ),
    (
        re.compile(r"\.pypirc|pip\.conf|\.my\.cnf|\.s3cfg|\.boto", re.I),
        re.compile(r"(?mi)^[ \t]*(?:password|secret_key|aws_secret_access_key)[ \t]*[=:][ \t]*([^\s#]{6,})"),
    ),
    (
        re.compile(r"wp-config([.-]\w+)?\.php", re.I),
        re.compile(
            r"(?i)\bdefine\s*\(\s*[\"']\w*(?:PASSWORD|_KEY|_SALT|SECRET|TOKEN)[\"']\s*,\s*[\"'](?!password_here)([^\"'\s]{8,})[\"']"
        ),
    ),
    (re.compile(r"(master|production|staging)\.key", re.I), re.compile(r"\A\s*([0-9a-f]{32})\s*\Z")),
    (re.compile(r"[._]netrc", re.I), re.compile(r"(?m)\bpassword[ \t\n]+([^\s]{6,})")),
    (
        re.compile(r"\.?pgpass(\.conf)?", re.I),
        re.compile(r"(?m)^[^#\s:]*:[^:\n]*:[^:\n]*:[^:\n]*:([^\s:]{6,})$"),
    ),
    (
        re.compile(r"\.dockercfg|config\.json|\.dockerconfigjson", re.I),
        re.compile(r'"auth"\s*:\s*"([A-Za-z0-9+/=]{12,})"'),
    ),
    (
        re.compile(r".*\.tfstate(\.backup)?", re.I),
        re.compile(r'"\w*(?:password|secret|private_key|token|access_key)\w*"\s*:\s*"([^"\s]{8,})"'),
    ),
    (
        re.compile(r".*\.properties", re.I),
        re.compile(
            r"(?mi)^[ \t]*[\w.-]*(?:password|secret|api-?key|token)[ \t]*[=:][ \t]*(?=\S*\d)(?=\S*[a-z])([^\s#]{8,})[ \t\r]*$"
        ),
    ),
]
IN_URL = re.compile(r"://([^\s/:@\"'<>`]{0,64}):([^\s/@\"'<>`]{6,128})@([\w.-]+)")
WORTH_READING = "|".join(
    [
        r"://[^\s/@]*:[^\s/@]+@",
        r";\s*(?i:password|pwd)=",
        r"@tcp\(",
        r"curl\b.*\s(?:-u|--user)",
        r'"auth"\s*:',
        *map(re.escape, WORDS.split()),
    ]
)
ALLOWED = re.compile(r"gitleaks:allow|pragma: allowlist secret")
PLACEHOLDER = re.compile(
    r"example|sample|dummy|fake|placeholder|redacted|x{6}|\*{4}|<|\$[{(]|\{\{|0{8}|1234567|abcdefg|change.?me|your|insert",
    re.I,
)
HARMLESS = re.compile(
    r"(^|/)(tests?|specs?|__tests__|testdata|fixtures?|examples?|samples?|docs?|mocks?|demo)/|_test\.\w+$"
    r"|(^|/)test_[^/]*\.py$|\.(test|spec)\.\w+$",
    re.I,
)
SKIPPED = re.compile(r"(^|/)(node_modules|vendor|third_party|\.git)/|\.(svg|sum)$")
ASIDE = [
    "node_modules/",
    "vendor/",
    "third_party/",
    ".git/",
    "*.svg",
    "*.sum",
]  # the same, as the host is told
ENVIRONMENT = re.compile(
    r"\.env(\.[\w.-]+)?|[\w.-]+\.env|\.envrc(\.[\w.-]+)?|\.flaskenv|env\.(list|prod\w*|stag\w*|live|local|dev\w*)|[\w.-]+\.tfvars(\.json)?",
    re.I,
)
TEMPLATE = re.compile(r"(^|[._-])(example|sample|template|tmpl|tpl|dist|schema)([._-]|$)", re.I)
KEYSTORE = re.compile(r"(?i)\.(jks|jceks|bks|keystore|p12|pfx|kdbx?)$")
# What text is not: bytes that no text has, or one block of base64.
NO_PROSE = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f\ufffd]|\A\s*([0-9A-Za-z+/]{40,}\s*){4,}=*\s*\Z")
PUBLIC_STORE = re.compile(
    r"(^|/)(debug\.keystore|[^/]*(trust|cacerts)[^/]*)$", re.I
)  # a key that all have; certificates
# Words, not secrets.
DEFAULT = re.compile(r"(postgres|password|secret|development|localhost|[a-z]{0,12})\d*", re.IGNORECASE)
# References to a secret, and secrets sealed for another key; not the secret itself.
POINTER_NAME = re.compile(r"_(FILE|URL|PATH)$", re.IGNORECASE)
POINTER = re.compile(r"\$|/[\w.-]+(/|$)|ENC\[|encrypted:|(?!\w+://[^/\s@]*:[^/\s@]+@)\w+://", re.IGNORECASE)
ENV_NAME = re.compile(
    r"^[ \t]*(?:export[ \t]+)?[\"']?(\w*(?:SECRET|TOKEN|PASSWORD|PASSWD|_PASS\b|API_?KEY|APP_KEY|ACCESS_KEY|ENCRYPTION_KEY|PRIVATE_KEY)\w*)"
    r"[\"']?[ \t]*[=:][ \t]*[\"']?([^\s\"'#]{8,})",
    re.M | re.I,
)
HERE = re.compile(r"localhost|127\.|0\.0\.0\.0|host\.docker|example\.|[\w.-]*\.example\b", re.I)


def evaluate(project, params, log):
    found, warned, words, tool = [], [], WORDS.split(), ""
    if params["kingfisher"]:
        found, warned, tool = by_kingfisher(project.fact("kingfisher"), params["allow"])
    near, unread, read = worth_reading(project, params["allow"])
    for path, text in project.read_files(near):
        for line, kind in sorted(set(secrets(path, text, words))):
            if not any((one["path"], one["line"]) == (path, line) for one in found + warned):
                (warned if HARMLESS.search(path) else found).append(finding(path, line, kind))
    for path in keystores(project, unread, params["allow"]):
        (warned if HARMLESS.search(path) else found).append(finding(path, None, "keystore"))
    for one in warned:
        log.warning(f"{place(one)}: looks like a {one['message']}, in a place for tests and examples")
    looked = f"Files read: {read}.{tool}" + left_out(unread, len(project.files) - read - len(unread))
    if not found:
        note = f" Looks like one, in tests and examples: {len(warned)}." if warned else ""
        return result(100, f"No credentials. {looked}{note}", [{**one, "severity": "info"} for one in warned])
    shown = ", ".join(f"{place(one)} ({one['message']})" for one in found[:5])
    more = f" and {len(found) - 5} more" if len(found) > 5 else ""
    score = max(0, 75 - 25 * (len(found) - 1))
    return result(score, f"Found {shown}{more}. Remove and revoke them. {looked}", found)


def by_kingfisher(fact, allow):
    """What it found, the same in places for tests, and a sentence about it."""
    found, warned = [], []
    for one in fact["findings"]:
        if looked_at(one["path"], allow):
            (warned if HARMLESS.search(one["path"]) else found).append(
                finding(one["path"], one["line"], f"{one['rule']} (Kingfisher)")
            )
    not_read = f", not {len(fact['left_out'])}" if fact["left_out"] else ""
    return found, warned, f" Kingfisher {fact['version']} read {fact['files']}{not_read}."


def looked_at(path, allow):
    return not SKIPPED.search(path) and not any(fnmatch(path, pattern) for pattern in allow)


def worth_reading(project, allow):
    """Files that may hold something, those that nobody can read, and how many were read."""
    answer = project.search(WORTH_READING, exclude=[*ASIDE, *allow])
    named = {one["path"] for one in answer["found"]}
    kept = "|".join(
        [ENVIRONMENT.pattern, *(names.pattern for names, _ in LOGINS if not names.pattern.startswith("."))]
    )
    named.update(project.files.matching(rf"(?i)(^|/)({kept}|[^/]*\.(tfstate(\.backup)?|properties))$"))
    near, unread = (
        [path for path in sorted(paths) if looked_at(path, allow)] for paths in (named, answer["unread"])
    )
    return [path for path in near if path not in answer["unread"]], unread, answer["files"]


def keystores(project, unread, allow):
    """By their names, where nobody can read them, or where what can be read is no text of people."""
    named = [path for path in project.files.matching(KEYSTORE.pattern) if looked_at(path, allow)]
    readable = [path for path in named if path not in unread]
    found = {path for path, text in project.read_files(readable) if NO_PROSE.search(text)}
    stores = sorted(found | {path for path in named if path in unread})
    return [path for path in stores if not PUBLIC_STORE.search(path)]


def finding(path, line, kind):
    return {"path": path, "line": line, "message": kind, "severity": "critical", "quote": False}


def place(one):
    return f"{one['path']}:{one['line']}" if one["line"] else one["path"]


def left_out(unread, skipped):
    text = ""
    if unread:
        text = f" Not read, because they are no text or above 1 MB: {len(unread)}, such as {unread[0]}."
    if skipped:
        text += f" Left out as locked, generated, vendored or allowed: {skipped}."
    return text


def secrets(path, text, words):
    """(line, kind) of each."""
    found = [*values(basename(path), text), *passwords(text)]
    if any(word in text for word in words):
        found += tokens(text)
    return [(line_of(text, offset), kind) for offset, kind in found if not allowed(text, offset)]


def values(name, text):
    """Of a file of environment variables, or one in which some program keeps its login."""
    if TEMPLATE.search(name):
        return
    if ENVIRONMENT.fullmatch(name):
        for match in ENV_NAME.finditer(text):
            if is_value(match[1], match[2]):
                yield match.start(1), f"value for {match[1]}"
    for match in logins(name, text):
        if is_value("", match[1]):
            yield match.start(1), "credential that a program logs in with"


def passwords(text):
    for match in IN_URL.finditer(text):
        if is_password(*match.groups()):
            yield match.start(), "password in a URL"
    for host, password, pattern in IN_STRING:
        for match in pattern.finditer(text):
            if is_password("", match[password], match[host]):
                yield match.start(password), "password in a connection string"


def tokens(text):
    for kind, pattern in COMPILED:
        for match in pattern.finditer(text):
            if has_body(text[match.end() : match.end() + 2000]) if kind == "private key" else real(match[0]):
                yield match.start(), kind


def logins(name, text):
    """Where a file in which some program keeps its login holds one."""
    for names, pattern in LOGINS:
        if names.fullmatch(name):
            yield from pattern.finditer(text)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def allowed(text, offset):
    """Whether the line says so; of a very long line, what is near."""
    begin = max(text.rfind("\n", 0, offset) + 1, offset - 500)
    end = text.find("\n", offset)
    return ALLOWED.search(text, begin, min(end if end >= 0 else len(text), offset + 1000))


def is_value(name, value):
    if POINTER_NAME.search(name) or POINTER.match(value) or DEFAULT.fullmatch(value):
        return False
    return not IN_URL.search(value) and real(value)


def is_password(user, password, host):
    if (
        HERE.match(host)
        or password == user
        or DEFAULT.fullmatch(password)
        or re.search(r"\$|%[(s]|\{|\*\*|\.\.\.", password)
    ):
        return False
    return real(password)


def has_body(after):
    """A key's header alone (in code that looks for keys, say) is no key: base64 must follow."""
    lines = re.split(r"\n|\\r|\\n", after)[:14]
    body = re.sub(r"\s|[\"'+,\\]", "", "".join(line for line in lines if ":" not in line))
    block = re.match(r"[0-9A-Za-z+/=]{60,}", body)
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
        "findings": findings[:LISTED],
        "findings_left_out": len(findings[LISTED:]),
    }
