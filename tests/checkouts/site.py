"""A code host over HTTPS: git's own server program, behind passwords that are valid for a limited number of requests."""

import base64
import datetime
import gzip
import ipaddress
import itertools
import os
import ssl
import subprocess
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

USERNAME = "toy"


class Site:
    """Serves the repositories below `root` at `url`. `authority` is the file that makes git trust it."""

    def __init__(self, directory: Path, root: Path) -> None:
        self.root = root
        self.left: dict[str, int] = {}  # requests for which each password is still valid
        self.asked: list[str] = []  # "<status> <method> <path>"
        self.seen: set[str] = set()  # secrets that some process has in its command line, while git asks
        self.moved_to = ""  # where everybody is sent
        self.says = ""  # what it says to whom it refuses; `{}` is what they said
        self.looking: Callable[[], None] = lambda: (
            None
        )  # called in the middle of every request that is let in
        self._numbers = itertools.count(1)
        self.authority = directory / "authority.pem"
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate(self.authority, directory / "key.pem"))
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"site": self}))
        self.server.daemon_threads = True
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def password(self, *, requests: int = 1_000) -> str:
        """A new one."""
        password = f"p4ssw0rd-{next(self._numbers)}-{os.urandom(6).hex()}"
        self.left[password] = requests
        return password

    def lets_in(self, header: str) -> bool:
        """Whether this request may pass; it costs the password one."""
        if not header.startswith("Basic "):
            return False
        username, _, password = base64.b64decode(header.removeprefix("Basic ")).decode().partition(":")
        self.left[password] = self.left.get(password, 0) - 1
        return username == USERNAME and self.left[password] >= 0

    def look_at_processes(self) -> None:
        """Which secrets stand in the command line of a process of this machine now."""
        for file in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                line = file.read_bytes().decode(errors="replace")
            except OSError:
                continue
            self.seen |= {password for password in self.left if password in line}


class Handler(BaseHTTPRequestHandler):
    site: Site
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._serve(b"")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        self._serve(body)

    def _serve(self, body: bytes) -> None:
        given = self.headers.get("Authorization", "")
        if self.site.moved_to:
            self._say(302, b"", Location=self.site.moved_to + self.path)
        elif not self.site.lets_in(given):
            said = self.site.says.format(given).encode()
            self._say(401, said, **{"WWW-Authenticate": 'Basic realm="git"'})
        else:
            self.site.look_at_processes()
            self.site.looking()
            self._git(body)

    def _git(self, body: bytes) -> None:
        asked = urlsplit(self.path)
        environment = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.site.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "REQUEST_METHOD": self.command,
            "PATH_INFO": asked.path,
            "QUERY_STRING": asked.query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "REMOTE_USER": USERNAME,
        }
        done = subprocess.run(
            ["git", "http-backend"], env=environment, input=body, capture_output=True, check=True
        )
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        status = int(headers.pop("Status", "200").split()[0])
        self._say(status, content, **headers)

    def _say(self, status: int, content: bytes, **headers: str) -> None:
        self.site.asked.append(f"{status} {self.command} {urlsplit(self.path).path}")
        self.send_response(status)
        if status == 401:
            self.send_header("Content-Type", "text/plain")
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


def certificate(authority: Path, key_file: Path) -> Path:
    """A certificate for 127.0.0.1, which is its own authority, with its key in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a code host")])
    at = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - datetime.timedelta(days=1))
        .not_valid_after(at + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public = made.public_bytes(serialization.Encoding.PEM)
    authority.write_bytes(public)
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + public
    )
    return key_file
