"""The preview's pages come with the headers that protect their visitors.

Visits `path`. Wanted: `content-security-policy`, `x-content-type-options: nosniff`, `referrer-policy`, and no framing by strangers
(`frame-ancestors` or `x-frame-options`). Cookies are `HttpOnly` and `SameSite`, and `Secure` where the preview has https.
"""

NAME = "Security headers"
LIVE = True
PARAMS = {"path": "/"}
TESTS = [
    {"name": "all there", "input": {"visit": {"/": {"headers": {"content-security-policy": "frame-ancestors 'none'", "x-content-type-options": "nosniff", "referrer-policy": "same-origin"}}}}, "expected": {"passed": True, "score": 100}},
    {"name": "none there", "input": {"visit": {"/": {"headers": {}}}}, "expected": {"passed": False, "score": 20, "findings": 4}},
    {"name": "framing is forbidden the old way", "input": {"visit": {"/": {"headers": {"content-security-policy": "default-src 'self'", "x-frame-options": "DENY", "x-content-type-options": "nosniff", "referrer-policy": "same-origin"}}}}, "expected": {"passed": True}},
    {"name": "an open cookie", "input": {"visit": {"/": {"headers": {"content-security-policy": "frame-ancestors 'none'", "x-content-type-options": "nosniff", "referrer-policy": "same-origin", "set-cookie": "a=1; HttpOnly; SameSite=Lax\nb=2; Path=/"}}}}, "expected": {"passed": False, "score": 80, "findings": [{"message": "the cookie b has no HttpOnly, SameSite"}]}},
    {"name": "https wants secure cookies", "input": {"preview": {"urls": {"web": "https://a.example"}}, "visit": {"/": {"headers": {"content-security-policy": "frame-ancestors 'none'", "x-content-type-options": "nosniff", "referrer-policy": "same-origin", "set-cookie": "a=1; HttpOnly; SameSite=Lax"}}}}, "expected": {"passed": False, "message": {"contains": "no Secure"}}},
    {"name": "no page", "input": {"visit": {"/": {"status": None, "why": "refused"}}}, "expected": {"state": "errored"}},
]  # fmt: skip


def evaluate(project, params):
    answer = project.visit(params["path"])
    if answer["status"] is None:
        raise RuntimeError(f"{params['path']} does not answer: {answer['why']}")
    headers = answer["headers"]
    policy = headers.get("content-security-policy", "")
    wrong = [f"no {name}" for name in ("content-security-policy", "referrer-policy") if not headers.get(name)]
    if headers.get("x-content-type-options", "").strip().lower() != "nosniff":
        wrong.append("no x-content-type-options: nosniff")
    if "frame-ancestors" not in policy and not headers.get("x-frame-options"):
        wrong.append("strangers may frame it: no frame-ancestors and no x-frame-options")
    secure = any(url.startswith("https:") for url in project.preview["urls"].values())
    wrong += open_cookies(headers.get("set-cookie", ""), secure)
    where = f"{params['path']} (status {answer['status']})"
    return {
        "passed": not wrong,
        "score": max(0, 100 - 20 * len(wrong)),
        "message": f"{where}: {'; '.join(wrong)}." if wrong else f"{where} has all of them.",
        "findings": [{"message": one, "severity": "medium", "fingerprint": one} for one in wrong],
    }


def open_cookies(lines, secure):
    wanted = ("HttpOnly", "SameSite", *(("Secure",) if secure else ()))
    for line in filter(None, lines.split("\n")):
        given = {part.split("=")[0].strip().lower() for part in line.split(";")[1:]}
        missing = [name for name in wanted if name.lower() not in given]
        if missing:
            yield f"the cookie {line.split('=')[0]} has no {', '.join(missing)}"
