"""HTTP as the downloader needs it: verified TLS, safe redirects, errors that say what to do.

HTTPS only, plain HTTP to this machine itself excepted. Credentials in an address are sent to its
host alone, and never shown. Proxies and certificates come from the environment.
"""

from __future__ import annotations

import base64
import http.client
import ipaddress
import os
import ssl
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import IO, Protocol

from assistant.errors import ModelError

PIECE_BYTES = 1 << 17
SYSTEM_CERTIFICATES = Path("/etc/ssl/cert.pem")
"""Where macOS keeps its certificates; its Python installers bring none."""


class Interrupted(ModelError):
    """The connection failed in a way that may pass: worth another try."""


class Refused(ModelError):
    """This address will not give the file, however often it is asked."""


class Answer(Protocol):
    """What a server said."""

    @property
    def status(self) -> int:
        """The HTTP status, errors among them."""

    @property
    def url(self) -> str:
        """The address after all redirects."""

    def header(self, name: str) -> str:
        """Return the header of that name, "" where there is none."""

    def read(self) -> bytes:
        """Return the next bytes, b"" at the end. Raises Interrupted."""


class Network(Protocol):
    """Where files come from."""

    def get(self, url: str, headers: Mapping[str, str]) -> AbstractContextManager[Answer]:
        """Ask for the address. Raises Interrupted or Refused."""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """An answer that is being read."""

    status: int
    url: str
    headers: Message
    response: http.client.HTTPResponse | None
    """None for an answer that is an error: its body is of no use."""

    def header(self, name: str) -> str:
        """Return the header, compared without case."""
        return str(self.headers.get(name, ""))

    def read(self) -> bytes:
        """Return what has arrived, at most PIECE_BYTES."""
        if self.response is None:
            return b""
        try:
            return self.response.read1(PIECE_BYTES)
        except (OSError, http.client.HTTPException) as error:
            raise Interrupted(f"{host(self.url)}: {_reason(error)}") from error


@dataclass(frozen=True, slots=True)
class Http:
    """The network of this machine."""

    stall_s: float = 30.0
    """A connection that brings nothing for so long is given up."""

    offline: bool = False
    """No socket is opened at all."""

    @contextmanager
    def get(self, url: str, headers: Mapping[str, str]) -> Iterator[HttpAnswer]:
        """Ask for the address and follow its redirects."""
        if self.offline:
            raise Refused(f"{host(url)} is not asked: working offline")
        if not allowed(url):
            raise Refused(f"{shown(url)}: only https is trusted")
        plain, login = split_login(url)
        request = urllib.request.Request(plain, headers={"User-Agent": "lares", **headers, **login})
        try:
            response = _opener(plain).open(request, timeout=self.stall_s)
        except urllib.error.HTTPError as error:
            with error:
                yield HttpAnswer(error.code, error.url, error.headers, None)
            return
        except urllib.error.URLError as error:
            raise Interrupted(unreachable(url, error.reason)) from error
        except (OSError, http.client.HTTPException) as error:
            raise Interrupted(unreachable(url, error)) from error
        except ValueError as error:
            raise Refused(f"{shown(url)}: {error}") from error
        with response:
            yield HttpAnswer(response.status, response.url, response.headers, response)


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects to trusted addresses; takes credentials to no other host."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        if not allowed(newurl) or (loopback(newurl) and not loopback(req.full_url)):
            raise Refused(f"{host(req.full_url)} sends on to {shown(newurl)}: not trusted")
        following = super().redirect_request(req, fp, code, msg, headers, newurl)
        if following is not None and host(newurl) != host(req.full_url):
            following.headers.pop("Authorization", None)
        return following


def _opener(url: str) -> urllib.request.OpenerDirector:
    opener = urllib.request.OpenerDirector()
    proxies = urllib.request.ProxyHandler({} if loopback(url) else None)
    for handler in (
        proxies,
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(context=_certificates()),
        _Redirects(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.HTTPDefaultErrorHandler(),
    ):
        opener.add_handler(handler)
    return opener


def _certificates() -> ssl.SSLContext:
    """Trust the system's certificates and those named by SSL_CERT_FILE or PIP_CERT."""
    context = ssl.create_default_context()
    extra = os.environ.get("PIP_CERT") or os.environ.get("REQUESTS_CA_BUNDLE")
    if extra and Path(extra).is_file():
        context.load_verify_locations(extra)
    elif not context.cert_store_stats()["x509_ca"] and SYSTEM_CERTIFICATES.is_file():
        context.load_verify_locations(SYSTEM_CERTIFICATES)
    return context


def allowed(url: str) -> bool:
    """Whether an address is asked at all: https, or http to this machine."""
    scheme = urllib.parse.urlsplit(url).scheme
    return scheme == "https" or (scheme == "http" and loopback(url))


def loopback(url: str) -> bool:
    """Whether the address is of this machine itself."""
    name = urllib.parse.urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"


def host(url: str) -> str:
    """Return the host, with its port where one is given."""
    return urllib.parse.urlsplit(url).netloc.rpartition("@")[2]


def shown(url: str) -> str:
    """Return the address without credentials and query."""
    parts = urllib.parse.urlsplit(url)
    return urllib.parse.urlunsplit((parts.scheme, host(url), parts.path, "", ""))


def split_login(url: str) -> tuple[str, dict[str, str]]:
    """Take user and password out of an address; return it and the header that carries them."""
    parts = urllib.parse.urlsplit(url)
    if parts.username is None:
        return url, {}
    login = f"{parts.username}:{parts.password or ''}"
    token = base64.b64encode(urllib.parse.unquote(login).encode()).decode()
    return parts._replace(netloc=host(url)).geturl(), {"Authorization": f"Basic {token}"}


def unreachable(url: str, reason: object) -> str:
    """Say that a host cannot be reached, and what may help."""
    if isinstance(reason, ssl.SSLCertVerificationError):
        return (
            f"{host(url)}: its certificate is not trusted ({reason.verify_message}); "
            "name your certificates in SSL_CERT_FILE"
        )
    return (
        f"{host(url)} cannot be reached ({_reason(reason)}); check the network, or name a proxy "
        "in HTTPS_PROXY or a mirror in HF_ENDPOINT or PIP_INDEX_URL"
    )


def _reason(error: object) -> str:
    if isinstance(error, TimeoutError):
        return "it is silent"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
