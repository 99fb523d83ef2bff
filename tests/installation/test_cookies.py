import os
import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("site", "shown"),
    [
        ("https://sea.example.test", "__Host-sessionid __Host-csrftoken True True 31536000"),
        ("http://localhost:3000", "sessionid csrftoken False False 0"),
    ],
)
def test_behind_https_no_preview_can_set_our_cookies(site: str, shown: str) -> None:
    code = (
        "from django.conf import global_settings as g; import seatrial.control.settings as s\n"
        "for n in ('SESSION_COOKIE_NAME', 'CSRF_COOKIE_NAME', 'SESSION_COOKIE_SECURE', 'CSRF_COOKIE_SECURE', 'SECURE_HSTS_SECONDS'): print(getattr(s, n, getattr(g, n)), end=' ')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "SITE_URL": site},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == shown
