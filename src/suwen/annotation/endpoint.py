"""Requests to a chat endpoint with OpenAI's protocol, with retries and limits.

Texts leave this machine only if that is asked for.

The API key is read from the environment alone and goes into one header. It is in no file, log or message.
"""

from __future__ import annotations

import ipaddress
import json
import os
import random
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from threading import Event, Lock
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from suwen.errors import SuwenError
from suwen.requirements import require_packages

if TYPE_CHECKING:
    from httpx2 import Client, Response

__all__ = ["KEY_VARIABLE", "Answer", "Endpoint", "EndpointSession", "Message", "RequestError", "is_loopback"]

KEY_VARIABLE = "SUWEN_API_KEY"

Message = dict[str, str]
"""A ``role`` and its ``content``."""

REPEATED = (408, 409, 425, 429, 500, 502, 503, 504, 529)
"""HTTP statuses that may be gone at the next try."""
FATAL = {
    401: f"set the API key in the environment variable {KEY_VARIABLE}",
    403: f"check the rights of the API key in {KEY_VARIABLE}",
    404: "check the address (it usually ends in /v1) and --model",
    405: "check the address (it usually ends in /v1)",
}
REDIRECTED = "give the address that it leads to: redirects are not followed, the texts could leave this machine"
LARGEST_ANSWER = 4 * 2**20
"""Maximum bytes of a response."""
LONGEST_WAIT = 60.0
"""Maximum seconds between two attempts, even if the endpoint asks for more."""
FAILURES_IN_A_ROW = 5
"""Number of consecutive requests that fail with all their retries before the endpoint counts as down."""


class RequestError(Exception):
    """A request that failed with all its retries, or that the endpoint will not answer; the run can continue."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer of a model.

    Parameters
    ----------
    text
        The content of the message.
    is_cut
        Whether it ended because it reached the limit of tokens.
    prompt_tokens, completion_tokens
        As the endpoint counts them; None where it does not say.
    """

    text: str
    is_cut: bool = False
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The endpoint to use.

    Parameters
    ----------
    url
        The base address, ``http://127.0.0.1:8000/v1``.
    model
        The name of the model, as the endpoint knows it.
    allow_remote
        Whether the address may be on another machine: the texts are sent there.
    timeout
        The maximum number of seconds of a request, from its start to the end of its answer.
    retries
        Retries of a request after a temporary failure.
    first_wait
        Seconds before the first repetition; each further one waits twice as long.

    Raises
    ------
    SuwenError
        S901 for another machine without `allow_remote`, S902 when it is no address, S402 for a number out of range.
    """

    url: str
    model: str
    allow_remote: bool = False
    timeout: float = 120.0
    retries: int = 5
    first_wait: float = 1.0

    def __post_init__(self) -> None:
        try:
            parts = urlsplit(self.url)
            port_is_valid = parts.port is None or parts.port > 0
        except ValueError:
            raise SuwenError("S902", reason="the address is malformed") from None
        if parts.scheme not in ("http", "https") or not parts.hostname or not port_is_valid:
            raise SuwenError("S902", reason="it does not begin with http:// or https:// and a host")
        if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
            reason = f"it holds more than scheme, host, port and path; a key belongs into {KEY_VARIABLE}"
            raise SuwenError("S902", reason=reason)
        for key, value, least in (("timeout", self.timeout, 0.001), ("retries", self.retries, 0)):
            if not value >= least:
                raise SuwenError("S402", key=key, reason=f"{value} is less than {least}")
        if not self.is_local and not self.allow_remote:
            advice = "the texts would leave it: add --allow-remote if they may, or run the model here"
            raise SuwenError("S901", url=self.url, advice=advice)

    @property
    def is_local(self) -> bool:
        """Return whether it is on this machine."""
        return is_loopback(urlsplit(self.url).hostname or "")


def is_loopback(host: str) -> bool:
    """Return whether a host name or address is this machine's own; names other than ``localhost`` are not looked up."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


@dataclass
class EndpointSession:
    """Asks an endpoint from several threads at once, and counts.

    Raises
    ------
    SuwenError
        S405 when httpx2 is not installed, S902 when the API key cannot be sent.
    """

    endpoint: Endpoint
    counts: Counter[str] = field(default_factory=Counter)
    """``requests``, and what was repeated, by reason."""
    has_accepted: bool = False
    """True once the endpoint has answered such a request, in this run or an earlier one."""

    def __post_init__(self) -> None:
        require_packages("httpx2")
        import httpx2

        self._errors = httpx2.HTTPError
        self._connect_error = httpx2.ConnectError
        headers = {}
        if key := os.environ.get(KEY_VARIABLE, "").strip():
            if not (key.isascii() and key.isprintable()):
                raise SuwenError("S902", reason=f"the value of {KEY_VARIABLE} cannot be sent in a header")
            headers["Authorization"] = f"Bearer {key}"
        self._client: Client = httpx2.Client(
            headers=headers,
            timeout=self.endpoint.timeout,
            follow_redirects=False,
            # Texts for an endpoint on this machine must not pass through a proxy.
            trust_env=not self.endpoint.is_local,
        )
        self._lock = Lock()
        self._stopped = Event()
        self._failures = 0
        self._refusals: list[int] = []
        self._has_answered = False

    def require_acceptance(self) -> None:
        """Check that the endpoint has answered at least one request, if there was any.

        Raises
        ------
        SuwenError
            S904.
        """
        if self._refusals and not self.has_accepted:
            raise self._refusal(self._refusals[-1])

    def stop(self) -> None:
        """Stop threads that wait for a retry."""
        self._stopped.set()

    def close(self) -> None:
        """Close the connections."""
        self.stop()
        self._client.close()

    def ask(self, messages: Sequence[Message], parameters: Mapping[str, Any]) -> Answer:
        """Send one request, repeated as often as needed and allowed.

        Raises
        ------
        RequestError
            When this request gets no answer.
        SuwenError
            S903 when the endpoint is down, S904 when it refuses all requests.
        """
        body = {"model": self.endpoint.model, "messages": list(messages), **parameters, "stream": False}
        try:
            return self._repeated(body)
        except SuwenError:
            # The other requests would fail too.
            self.stop()
            raise

    def _repeated(self, body: dict[str, Any]) -> Answer:
        reason = ""
        for attempt in range(self.endpoint.retries + 1):
            if self._stopped.is_set():
                raise RequestError("stopped")
            self._count("requests")
            try:
                answer = self._once(body)
            except _PassingError as failure:
                reason = failure.reason
                self._count(reason)
                if attempt < self.endpoint.retries:
                    self._stopped.wait(self._wait(attempt, failure.after))
                continue
            with self._lock:
                self._failures, self._has_answered, self.has_accepted = 0, True, True
            return answer
        with self._lock:
            self._failures += 1
            is_down = self._failures >= FAILURES_IN_A_ROW
        if is_down:
            raise SuwenError("S903", url=self.endpoint.url, reason=f"{FAILURES_IN_A_ROW} requests failed: {reason}")
        raise RequestError(reason)

    def _once(self, body: dict[str, Any]) -> Answer:
        started = time.monotonic()
        content = bytearray()
        url = f"{self.endpoint.url.rstrip('/')}/chat/completions"
        try:
            with self._client.stream("POST", url, json=body) as response:
                self._check(response)
                for chunk in response.iter_bytes():
                    content += chunk
                    if len(content) > LARGEST_ANSWER:
                        raise _PassingError("answer too large")
                    # The client's own limit is for each piece: one byte a minute would never end.
                    if time.monotonic() - started > self.endpoint.timeout:
                        raise _PassingError("timeout")
        except self._connect_error as error:
            if not self._has_answered:
                # No connection from the start: most likely a wrong address, not an overload.
                reason = " ".join(f"no connection: {error}".split())
                raise SuwenError("S903", url=self.endpoint.url, reason=reason) from None
            raise _PassingError("no connection") from error
        except self._errors as error:
            raise _PassingError("timeout" if "Timeout" in type(error).__name__ else "broken connection") from error
        return _answer(bytes(content))

    def _check(self, response: Response) -> None:
        status = response.status_code
        if status < 300:
            return
        if status in REPEATED:
            raise _PassingError(f"HTTP {status}", _seconds(response.headers.get("retry-after")))
        if status in FATAL or status < 400:
            raise self._refusal(status)
        # Only this text fails (too long for the model, for example), or all fail: the next requests will show it.
        self._count(f"HTTP {status}")
        with self._lock:
            self._refusals.append(status)
        if len(self._refusals) >= FAILURES_IN_A_ROW:
            self.require_acceptance()
        raise RequestError(f"HTTP {status}")

    def _refusal(self, status: int) -> SuwenError:
        advice = REDIRECTED if status < 400 else FATAL.get(status, "check --model and the log of the endpoint")
        return SuwenError("S904", url=self.endpoint.url, status=status, advice=advice)

    def _wait(self, attempt: int, after: float | None) -> float:
        """Return the seconds until the next try: what the endpoint asks for, else twice as long each time."""
        own = self.endpoint.first_wait * 2**attempt * random.uniform(0.75, 1.25)  # noqa: S311
        return min(own if after is None else after, LONGEST_WAIT)

    def _count(self, what: str) -> None:
        with self._lock:
            self.counts[what] += 1


class _PassingError(Exception):
    """A failure that may be gone at the next try, and after how many seconds the endpoint wants it."""

    def __init__(self, reason: str, after: float | None = None) -> None:
        super().__init__(reason)
        self.reason, self.after = reason, after


def _answer(content: bytes) -> Answer:
    """Read a response.

    Raises
    ------
    _PassingError
        When it is no answer.
    """
    try:
        values = json.loads(content)
        choice = values["choices"][0]
        text = choice["message"]["content"]
    except (ValueError, RecursionError, KeyError, IndexError, TypeError):
        raise _PassingError("answer in another form") from None
    if not isinstance(text, str) or not text.strip():
        raise _PassingError("empty answer")
    usage = values.get("usage") if isinstance(values.get("usage"), dict) else {}
    tokens = [usage.get(key) for key in ("prompt_tokens", "completion_tokens")]
    known = [count if type(count) is int and count >= 0 else None for count in tokens]
    # A lone surrogate could not be kept.
    text = text.encode("utf-8", "replace").decode()
    return Answer(text, choice.get("finish_reason") == "length", *known)


def _seconds(value: str | None) -> float | None:
    """Return the seconds of a ``Retry-After`` header; None for a date or none."""
    return float(value) if value is not None and value.isascii() and value.isdigit() and len(value) < 9 else None
