"""The one adapter around wechatpy: everything Minyi says to WeChat's servers goes through `WeChat`.

wechatpy 2.0.0a26 is frozen, so its known faults are kept out here: it retries a refused token without
end, knows no stable_token, has no timeout on tokens and OAuth, answers OAuth surprises with KeyError,
puts `state` into the address as it is, and hard-codes Tencent's hosts. The sandbox differs from the
real thing by base address only.

Nothing here logs or raises an openid, a code, a secret or a token.
"""

import json
import logging
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property, lru_cache
from typing import Any, Protocol
from urllib.parse import urlsplit, urlunsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import NewConnectionError
from wechatpy import WeChatClient, WeChatOAuth
from wechatpy.exceptions import WeChatException

from survey.common import clock
from survey.wechat.errors import ALARM_CODES, STALE_TOKEN_CODES, OwnCode, WeChatError

logger = logging.getLogger(__name__)

TENCENT_API = "https://api.weixin.qq.com"
TENCENT_OPEN = "https://open.weixin.qq.com"
# Seconds to connect and to wait for bytes. A resident is waiting; Tencent itself allows us 5 s (section 2).
TIMEOUT = (3.05, 5.0)
# Below this many seconds a token is asked for again. Tencent renews the stable token in its last 5
# minutes and both stay valid (getStableAccessToken); a little less tolerates a clock that runs ahead.
TOKEN_MARGIN_S = 240
_STATE = re.compile(r"[A-Za-z0-9]{1,128}")  # web authorisation guide
SCOPES = ("snsapi_base", "snsapi_userinfo")
_OPENID = re.compile(r"\bo[A-Za-z0-9_-]{27}(?![A-Za-z0-9_-])")  # an errmsg may repeat whom it is about
_RID = re.compile(r"[,\s]*\brid:\s*([0-9A-Za-z-]+)")


@dataclass(frozen=True)
class AccountSettings:
    """One service account, and where its WeChat lives (Tencent, or the sandbox)."""

    app_id: str
    app_secret: str = field(repr=False)
    api_base: str = TENCENT_API
    open_base: str = TENCENT_OPEN


@dataclass(frozen=True)
class OAuthIdentity:
    """Who came back from authorisation. A snapshot page's openid is virtual: never store its answers."""

    openid: str = field(repr=False)
    unionid: str | None = field(repr=False)
    scope: str
    is_snapshot: bool


class TokenStore(Protocol):
    """Where a credential of the account is kept (token or ticket); one per account, for all processes."""

    def get(self) -> tuple[str, datetime] | None:
        """The stored token and the moment it expires, or None."""

    def set(self, token: str, expires_at: datetime) -> None:
        """Replace it. Tokens may have 512 characters (getStableAccessToken)."""

    def lock(self) -> AbstractContextManager[Any]:
        """Held while a new token is fetched, so that workers do not fetch in parallel."""


class _BaseAddressAdapter(HTTPAdapter):
    """Sends what is meant for `origin` to `base`, and gives every request a timeout."""

    def __init__(self, base: str) -> None:
        self._base = urlsplit(base.rstrip("/"))
        super().__init__(pool_connections=2, pool_maxsize=16)

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        asked = urlsplit(request.url)
        request.url = urlunsplit(
            (self._base.scheme, self._base.netloc, self._base.path + asked.path, asked.query, "")
        )
        if options.get("timeout") is None:
            options["timeout"] = TIMEOUT
        options["proxies"] = requests.utils.get_environ_proxies(request.url)  # for the host really asked
        return super().send(request, **options)


@lru_cache(maxsize=16)
def _adapter_for(base: str) -> _BaseAddressAdapter:
    """One pool of connections per base address: a `WeChat` may be made for every request."""
    return _BaseAddressAdapter(base)


class _OneTokenClient(WeChatClient):
    """wechatpy's client with the token we hand it: it never fetches one and never retries by itself."""

    def __init__(self, account: AccountSettings, adapter: HTTPAdapter) -> None:
        super().__init__(account.app_id, account.app_secret, timeout=TIMEOUT, auto_retry=False)
        self.current = threading.local()
        self._http.mount(TENCENT_API, adapter)

    @property
    def access_token(self) -> str:
        return self.current.token


class WeChat:
    """What Minyi asks of WeChat for one account.

    Parameters
    ----------
    account : credentials and base addresses.
    token_store : see `TokenStore`.
    now : the present, time-zone aware; tests hold it still.
    ticket_store : the same for the JS-SDK's ticket; needed for `jsapi_ticket` only.
    alarm : told of refusals that only a person can put right, outside every lock and transaction of ours.

    Each method raises `WeChatError` when WeChat refuses, cannot be reached or cannot be understood.
    """

    def __init__(
        self,
        account: AccountSettings,
        token_store: TokenStore,
        now: Callable[[], datetime] = clock.now,
        *,
        ticket_store: TokenStore | None = None,
        alarm: Callable[[WeChatError], object] | None = None,
    ) -> None:
        self._account = account
        self._tokens = token_store
        self._tickets = ticket_store
        self._alarm = alarm
        self._calls = threading.local()
        self._now = now
        self._adapter = _adapter_for(account.api_base)

    @cached_property
    def _client(self) -> _OneTokenClient:
        """Made only when needed: wechatpy looks through all its groups for each client."""
        return _OneTokenClient(self._account, self._adapter)

    # --- authorisation in the browser ---------------------------------------------------------------
    def authorize_url(self, redirect_uri: str, scope: str, state: str) -> str:
        """Where to send the resident's browser; parameter order and fragment as Tencent demands.

        Raises
        ------
        ValueError : unknown scope, or a state that is not 1 to 128 letters and digits. wechatpy puts the
            state into the address unescaped, and Tencent takes no other characters.
        """
        if scope not in SCOPES:
            raise ValueError(f"scope must be one of {', '.join(SCOPES)}")
        if not _STATE.fullmatch(state):
            raise ValueError("state has 1 to 128 letters and digits")
        return self._oauth(redirect_uri, scope, state).authorize_url

    def exchange_code(self, code: str) -> OAuthIdentity:
        """Exchange the code of one authorisation, once. An error with `restart` means: authorise again."""
        if not code:
            raise WeChatError(41008, "missing code")
        oauth = self._oauth("", "snsapi_base", "")
        seen: list[requests.Response] = []
        oauth._http.hooks["response"].append(lambda response, **_: seen.append(response))
        with self._alarming():
            reply = self._guard("sns/oauth2/access_token", lambda: oauth.fetch_access_token(code), seen)
        openid, unionid = reply["openid"], reply.get("unionid") or None
        if not isinstance(openid, str) or not openid or not isinstance(unionid, str | None):
            raise self._refused("sns/oauth2/access_token", OwnCode.GARBLED, "no usable openid in the answer")
        return OAuthIdentity(
            openid=openid,
            unionid=unionid,
            scope=str(reply.get("scope", "")),
            is_snapshot=str(reply.get("is_snapshotuser", "0")) == "1",
        )

    def _oauth(self, redirect_uri: str, scope: str, state: str) -> WeChatOAuth:
        """A fresh object each time: wechatpy's keeps the user's tokens on itself."""
        oauth = WeChatOAuth(self._account.app_id, self._account.app_secret, redirect_uri, scope, state)
        oauth.OAUTH_BASE_URL = f"{self._account.open_base.rstrip('/')}/connect/"
        oauth._http.mount(TENCENT_API, self._adapter)
        return oauth

    # --- server to server ---------------------------------------------------------------------------
    def request(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        """Call an API below /cgi-bin/ ("get", "user/info") with the account's token; the decoded answer.

        `options` are `params` and `data` (a dictionary becomes the JSON body).
        """
        params = options.pop("params", {})
        # A copy each time: wechatpy writes the token into it, and a second try must not send the first one.
        reply = self.call(path, lambda client: getattr(client, method)(path, params=dict(params), **options))
        if not isinstance(reply, dict):
            raise self._refused(path, OwnCode.GARBLED, "the answer is not a JSON object")
        return reply

    def call(self, label: str, action: Callable[[WeChatClient], Any]) -> Any:
        """Run `action` on wechatpy's client, whose groups know most of Tencent's calls.

        A refused token is replaced once and `action` run once more; the second refusal is the error.
        `label` names the call in the log.
        """
        with self._alarming(stale_too=True):
            token = self.access_token()
            try:
                return self._call_with(token, label, action)
            except WeChatError as refusal:
                if refusal.code not in STALE_TOKEN_CODES:
                    raise
            return self._call_with(self._renew_token(refused=token), label, action)

    def _call_with(self, token: str, label: str, action: Callable[[WeChatClient], Any]) -> Any:
        self._client.current.token = token
        return self._guard(label, lambda: action(self._client), [])

    def access_token(self) -> str:
        """The account's token: the stored one while it is good, otherwise a new one."""
        with self._alarming(stale_too=True):
            return self._stored(self._tokens) or self._renew_token()

    def jsapi_ticket(self) -> str:
        """The JS-SDK's ticket: the stored one while it is good, otherwise a new one (calls are few)."""
        if self._tickets is None:
            raise ValueError("this WeChat was made without a ticket store")
        held = self._stored(self._tickets)
        if held is not None:
            return held
        with self._alarming(stale_too=True), self._tickets.lock():
            held = self._stored(self._tickets)
            if held is not None:
                return held
            asked_at = self._now()
            reply = self.request("get", "ticket/getticket", params={"type": "jsapi"})
            ticket, lifetime = reply.get("ticket"), reply.get("expires_in")
            if not isinstance(ticket, str) or not ticket or not isinstance(lifetime, int):
                raise self._refused("ticket/getticket", OwnCode.GARBLED, "no ticket in the answer")
            self._tickets.set(ticket, asked_at + timedelta(seconds=lifetime))
            return ticket

    def _stored(self, store: TokenStore) -> str | None:
        held = store.get()
        if held is None or held[1] - self._now() < timedelta(seconds=TOKEN_MARGIN_S):
            return None
        return held[0]

    def _renew_token(self, refused: str | None = None) -> str:
        """Fetch a token under the lock, unless another worker has just done so.

        Never with force_refresh: that kills the token of everybody else and is allowed 20 times a day.
        """
        with self._tokens.lock():
            held = self._stored(self._tokens)
            if held is not None and held != refused:
                return held
            asked_at = self._now()
            reply = self._call_with("", "stable_token", self._ask_for_token)
            token = reply.get("access_token") if isinstance(reply, dict) else None
            lifetime = reply.get("expires_in") if isinstance(reply, dict) else None
            if not isinstance(token, str) or not token or not isinstance(lifetime, int):
                raise self._refused("stable_token", OwnCode.GARBLED, "no token in the answer")
            self._tokens.set(token, asked_at + timedelta(seconds=lifetime))
            return token

    def _ask_for_token(self, client: WeChatClient) -> Any:
        return client.post(
            "stable_token",
            data={
                "grant_type": "client_credential",
                "appid": self._account.app_id,
                "secret": self._account.app_secret,
                "force_refresh": False,
            },
        )

    # --- errors -------------------------------------------------------------------------------------
    @contextmanager
    def _alarming(self, *, stale_too: bool = False) -> Iterator[None]:
        """Around a whole call: the outermost tells `alarm` of a refusal, after the locks are given back."""
        depth = getattr(self._calls, "depth", 0)
        self._calls.depth = depth + 1
        try:
            yield
        except WeChatError as refusal:
            lasting = refusal.code in ALARM_CODES or (stale_too and refusal.code in STALE_TOKEN_CODES)
            if self._alarm is not None and lasting and depth == 0:
                self._alarm(refusal)
            raise
        finally:
            self._calls.depth = depth

    def _guard(self, path: str, call: Callable[[], Any], seen: list[requests.Response]) -> Any:
        """Run a wechatpy call; whatever it raises becomes a WeChatError without addresses or bodies.

        `from None`: the texts of requests' exceptions hold the whole address, with secret and code.
        """
        try:
            return call()
        except WeChatException as refusal:
            response = getattr(refusal, "response", None)
            if refusal.errcode is not None:
                raise self._refused(path, int(refusal.errcode), str(refusal.errmsg), response) from None
            status = response.status_code if response is not None else "none"
            raise self._refused(path, OwnCode.NETWORK, f"HTTP status {status}") from None
        except requests.RequestException as failure:
            refusal = self._refused(path, OwnCode.NETWORK, type(failure).__name__)
            refusal.never_sent = _never_sent(failure)
            raise refusal from None
        except (KeyError, TypeError, ValueError, AttributeError):
            # wechatpy read a field that is not there; look into the answer ourselves.
            raise self._unexpected(path, seen) from None

    def _unexpected(self, path: str, seen: list[requests.Response]) -> WeChatError:
        try:
            reply = seen[-1].json()
            code = int(reply["errcode"])
        except (IndexError, ValueError, KeyError, TypeError):
            return self._refused(path, OwnCode.GARBLED, "the answer lacks a field")
        return self._refused(path, code or OwnCode.GARBLED, str(reply.get("errmsg", "")), seen[-1])

    def _refused(
        self, path: str, code: int, message: str, response: requests.Response | None = None
    ) -> WeChatError:
        text, rid = _split_rid(_OPENID.sub("***", message), response)
        logger.warning("WeChat %s refused: %s %s rid=%s", path, int(code), text, rid or "-")
        return WeChatError(int(code), text, rid)


def _never_sent(failure: requests.RequestException) -> bool:
    """Whether no connection came about. A connection that broke may have carried the call."""
    if isinstance(failure, requests.exceptions.ConnectTimeout):
        return True
    reason = getattr(failure.args[0], "reason", None) if failure.args else None
    return isinstance(reason, NewConnectionError)  # name resolution fails with one of these, too


def _split_rid(message: str, response: requests.Response | None) -> tuple[str, str]:
    """Tencent appends "rid: …" to errmsg; some answers have it as a field of its own (section 14)."""
    found = _RID.search(message)
    if found:
        return _RID.sub("", message).strip(), found.group(1)
    if response is None:
        return message, ""
    try:
        reply = json.loads(response.content)
    except ValueError:
        return message, ""
    return message, str(reply.get("rid", "")) if isinstance(reply, dict) else ""
