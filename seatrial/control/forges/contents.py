"""The files of a repository, read at its code host by git's own protocol: the same for every kind, and without a checkout.

Nothing is written to a disk, and nothing of it is run. What a host sends is bounded before it is looked at.
"""

import stat
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

import httpx
from django.conf import settings
from dulwich.client import AbstractHttpGitClient
from dulwich.errors import GitProtocolError, HangupException, NotGitRepository, ObjectFormatException
from dulwich.object_store import MemoryObjectStore
from dulwich.objects import Commit, ObjectID, ShaFile, Tree

from seatrial.control import outbound
from seatrial.control.forges.errors import ForgeError
from seatrial.control.forges.http.problems import NoSuchThing, no_answer
from seatrial.control.forges.protocol import FetchCredential

TIMEOUT_SECONDS = 20.0
MOST_BYTES = 32_000_000  # of one answer
MOST_UNPACKED = 128_000_000  # bytes of all that was read of one repository
MOST_HISTORY = 200  # commits that are looked through for an earlier one
HEADS = b"refs/heads/"
UNREADABLE = (
    GitProtocolError, HangupException, NotGitRepository, ObjectFormatException, zlib.error,
    ValueError, KeyError, AssertionError, OSError,
)  # fmt: skip


class GitOverHttp:
    """The contents of the repository at `url`, which is the only address that the credential is sent to."""

    def __init__(
        self, url: str, credential: FetchCredential | None, *, inner: httpx.BaseTransport | None = None
    ) -> None:
        self._host = urlsplit(url).hostname or url
        self._client = _Client(url, credential, inner)
        self._store = _Bounded()

    def tip(self, branch: str) -> str:
        """By the list of branches, of which only those that begin so are asked for."""
        wanted = HEADS + branch.encode()
        with _Said(self._host):
            refs = self._client.get_refs(b"", ref_prefix=[wanted]).refs
        commit = refs.get(wanted)  # type: ignore[call-overload]
        if commit is None:
            raise NoSuchThing(f"the repository at {self._host} has no branch {branch}")
        return str(commit.decode())

    def files(self, commit: str, folder: str) -> dict[str, str]:
        """Of one commit, its folders are fetched and no file."""
        with _Said(self._host):
            self._fetch([commit], depth=1, filtered=b"blob:none")
            tree = self._folder(self._commit(commit).tree, folder)
            return dict(self._below(tree, f"{folder}/" if folder else "")) if tree else {}

    def texts(self, ids: Iterable[str]) -> dict[str, str]:
        """Only those that no earlier answer had."""
        wanted = list(ids)
        with _Said(self._host):
            missing = [one for one in wanted if not self._has(one)]
            if missing:
                self._fetch(missing)
            return {one: self._get(one).as_raw_string().decode(errors="replace") for one in wanted}

    def follows(self, commit: str, earlier: str) -> bool:
        """By the commits alone."""
        if commit == earlier:
            return True
        with _Said(self._host):
            self._fetch([commit], depth=MOST_HISTORY, filtered=b"tree:0")
            return earlier in self._history(commit)

    def _history(self, commit: str) -> set[str]:
        """The ids of its commits, as far as they were fetched, and of the ones before those."""
        seen: set[str] = set()
        ahead = [commit]
        while ahead:
            one = ahead.pop()
            if one not in seen:
                seen.add(one)
                ahead += [parent.decode() for parent in self._commit(one).parents] if self._has(one) else []
        return seen

    def _fetch(self, wanted: list[str], *, depth: int | None = None, filtered: bytes | None = None) -> None:
        file, commit, abort = self._store.add_pack()
        try:
            self._client.fetch_pack(
                b"",
                lambda refs, depth=None: [ObjectID(one.encode()) for one in wanted],
                _Nothing(),
                file.write,
                depth=depth,
                filter_spec=filtered,
            )
        except BaseException:
            abort()
            raise
        commit()

    def _folder(self, tree: bytes, folder: str) -> bytes | None:
        for name in folder.split("/") if folder else []:
            found = self._get(tree.decode())
            entry = (
                {one.path: one for one in found.iteritems()}.get(name.encode())
                if isinstance(found, Tree)
                else None
            )
            if entry is None or not stat.S_ISDIR(entry.mode):
                return None
            tree = entry.sha
        return tree

    def _below(self, tree: bytes, path: str) -> Iterator[tuple[str, str]]:
        found = self._get(tree.decode())
        for entry in found.iteritems() if isinstance(found, Tree) else []:
            name = f"{path}{entry.path.decode(errors='replace')}"
            if stat.S_ISDIR(entry.mode):
                yield from self._below(entry.sha, f"{name}/")
            elif stat.S_ISREG(entry.mode):
                yield name, entry.sha.decode()

    def _commit(self, key: str) -> Commit:
        found = self._get(key)
        if not isinstance(found, Commit):
            raise GitProtocolError(f"{key} is no commit")
        return found

    def _has(self, key: str) -> bool:
        return ObjectID(key.encode()) in self._store

    def _get(self, key: str) -> ShaFile:
        return self._store[ObjectID(key.encode())]


class _Client(AbstractHttpGitClient):
    """Dulwich's client, whose requests are ours: bounded, without redirects, through the guard of `outbound`."""

    def __init__(
        self, url: str, credential: FetchCredential | None, inner: httpx.BaseTransport | None
    ) -> None:
        super().__init__(url, quiet=True, thin_packs=False)
        self._auth = (credential.username, credential.password) if credential is not None else None
        self._http = outbound.client(
            settings.CONFIGURATION, to=[url], timeout=TIMEOUT_SECONDS, transport=inner
        )

    def _http_request(
        self,
        url: str,
        headers: Mapping[str, str] | None = None,
        data: Any = None,
        raise_for_status: bool = True,
    ) -> Any:
        if not url.startswith(self._base_url):
            raise GitProtocolError("it names another address, which is not asked")
        method = "GET" if data is None else "POST"
        content = data if data is None or isinstance(data, bytes) else b"".join(data)
        with self._http.stream(
            method, url, headers=dict(headers or {}), content=content, auth=self._auth, follow_redirects=False
        ) as answer:
            if answer.status_code != httpx.codes.OK:
                raise _refused(answer)
            body = BytesIO(_bounded(answer))
        return _Answer(answer.headers.get("Content-Type")), body.read


@dataclass(frozen=True)
class _Answer:
    """What dulwich looks at beside the body."""

    content_type: str | None
    redirect_location: str = ""

    def close(self) -> None:
        """Nothing is open."""


class _Bounded(MemoryObjectStore):
    """Objects in memory, of which there may be MOST_UNPACKED bytes."""

    def __init__(self) -> None:
        super().__init__()
        self._left = MOST_UNPACKED

    def add_object(self, obj: ShaFile) -> None:
        """Raises ForgeError when there are too many."""
        self._left -= obj.raw_length()
        if self._left < 0:
            raise _too_big()
        super().add_object(obj)


class _Nothing:
    """That we have no commit yet."""

    shallow: set[bytes] = set()
    unshallow: set[bytes] = set()

    def __next__(self) -> None:
        return None

    def next(self) -> None:
        """None follows."""
        return

    def ack(self, sha: bytes) -> None:
        """None is known."""

    def nak(self) -> None:
        """None is known."""


class _Said:
    """Turns whatever goes wrong inside into a ForgeError."""

    def __init__(self, host: str) -> None:
        self._host = host

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, ForgeError):
            return
        if isinstance(error, httpx.HTTPError):
            raise no_answer(self._host, error) from error
        if isinstance(error, UNREADABLE):
            raise ForgeError(f"what {self._host} sends cannot be read as git: {error}") from error


def _bounded(answer: httpx.Response) -> bytes:
    parts, length = [], 0
    for part in answer.iter_bytes():
        length += len(part)
        if length > MOST_BYTES:
            raise _too_big()
        parts.append(part)
    return b"".join(parts)


def _too_big() -> ForgeError:
    return ForgeError(
        f"the repository has more folders and files than the {MOST_BYTES // 1_000_000} MB that are read of one. "
        "Keep policies in a repository of their own",
        permanent=True,
    )


def _refused(answer: httpx.Response) -> ForgeError:
    if answer.status_code in {httpx.codes.NOT_FOUND, httpx.codes.GONE}:
        return NoSuchThing(f"{answer.url.host} has no repository at {answer.url.path}, or hides it")
    return ForgeError(
        f"{answer.url.host} answers {answer.status_code} {answer.reason_phrase} when its repository is read"
    )
