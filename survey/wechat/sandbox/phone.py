"""Drives the sandbox from Python: a resident's phone, and the sandbox's own API.

For tests and the demo. Both keep their connections open; one `Phone` is one person with one cookie jar.
"""

from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter

from survey.wechat.sandbox.app import RESIDENT_HEADER
from survey.wechat.sandbox.authorisation import AUTHORIZE, CONFIRM, FRAGMENT
from survey.wechat.sandbox.control import PREFIX
from survey.wechat.sandbox.webview import USER_AGENT

TIMEOUT_SECONDS = 30
MAX_REDIRECTS = 20
_REDIRECTS = (301, 302, 303, 307, 308)
# Connections belong to no person: thousands of phones share them.
_SHARED_CONNECTIONS = HTTPAdapter(pool_connections=16, pool_maxsize=64)


class PhoneError(Exception):
    """What WeChat itself would not have opened."""


class Phone:
    """A resident's WeChat browser.

    Parameters
    ----------
    sandbox_url : the sandbox's address.
    resident_id : who holds the phone; must exist in the sandbox.
    allows : whether the person taps 允许 when a page asks for name and picture (snsapi_userinfo).
    """

    def __init__(self, sandbox_url: str, resident_id: str, *, allows: bool = True) -> None:
        self._sandbox = urlsplit(sandbox_url)
        self._resident_id = resident_id
        self._allows = allows
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.mount("http://", _SHARED_CONNECTIONS)
        self.session.mount("https://", _SHARED_CONNECTIONS)
        self.session.headers.update({"User-Agent": USER_AGENT, "Accept-Language": "zh-CN"})

    def open(self, url: str) -> requests.Response:
        """Open an address as WeChat does after a scan: the last page, behind authorisation and redirects."""
        return self.get(url)

    def get(self, url: str, **options: Any) -> requests.Response:
        """GET, following redirects."""
        return self._follow("GET", url, options)

    def post(self, url: str, **options: Any) -> requests.Response:
        """POST; what it redirects to is fetched with GET."""
        return self._follow("POST", url, options)

    def _follow(self, method: str, url: str, options: dict[str, Any]) -> requests.Response:
        options.setdefault("timeout", TIMEOUT_SECONDS)
        for _ in range(MAX_REDIRECTS):
            answer = self._send(method, url, options)
            if answer.status_code not in _REDIRECTS or "Location" not in answer.headers:
                return answer
            url = urljoin(url, answer.headers["Location"])
            if answer.status_code not in (307, 308):
                method, options = "GET", {"timeout": options["timeout"]}
        raise PhoneError(f"more than {MAX_REDIRECTS} redirects")

    def _send(self, method: str, url: str, options: dict[str, Any]) -> requests.Response:
        parts = urlsplit(url)
        if parts.netloc != self._sandbox.netloc or parts.path != AUTHORIZE:
            return self.session.request(method, url, allow_redirects=False, **options)
        if parts.fragment != FRAGMENT:
            raise PhoneError(f"the authorisation address lacks #{FRAGMENT}")
        options = {"timeout": options["timeout"], "headers": {RESIDENT_HEADER: self._resident_id}}
        answer = self.session.get(url, allow_redirects=False, **options)
        if answer.status_code == 200 and CONFIRM in answer.text:
            decision = "allow" if self._allows else "refuse"
            address = f"{parts.scheme}://{parts.netloc}{CONFIRM}?{parts.query}&decision={decision}"
            answer = self.session.get(address, allow_redirects=False, **options)
        return answer


class SandboxControl:
    """The sandbox's own API; each call raises `requests.HTTPError` when the sandbox refuses it."""

    def __init__(self, sandbox_url: str) -> None:
        self.url = sandbox_url.rstrip("/")
        self._session = requests.Session()
        self._session.trust_env = False

    def _call(self, method: str, path: str, fields: dict[str, Any] | None = None) -> Any:
        answer = self._session.request(method, self.url + PREFIX + path, json=fields, timeout=TIMEOUT_SECONDS)
        if answer.status_code == 400:
            raise requests.HTTPError(answer.json()["error"], response=answer)
        answer.raise_for_status()
        return answer.json()

    def is_up(self) -> bool:
        """Whether the sandbox answers."""
        try:
            return self._call("GET", "health")["ok"]
        except requests.RequestException:
            return False

    def save_account(self, app_id: str, secret: str, name: str, **fields: Any) -> None:
        """Create or replace an account. Fields: oauth_domains, ip_white_list, snapshot, open_platform,
        home_url (where a resident types the letter's code)."""
        self._call("POST", "accounts", {"app_id": app_id, "secret": secret, "name": name, **fields})

    def add_residents(self, residents: dict[str, str]) -> None:
        """Create residents from id to name."""
        people = [{"id": resident_id, "name": name} for resident_id, name in residents.items()]
        self._call("POST", "residents", {"residents": people})

    def openid(self, app_id: str, resident_id: str) -> str:
        """The resident's openid at this account."""
        return self._call("GET", f"accounts/{app_id}/residents/{resident_id}")["openid"]

    def follow(self, app_id: str, resident_id: str, *, follows: bool = True) -> None:
        """Let the resident follow or leave the account."""
        self._call(
            "POST", f"accounts/{app_id}/residents/{resident_id}/{'follow' if follows else 'unfollow'}", {}
        )

    def set_server(self, app_id: str, url: str, token: str, aes_key: str = "", **fields: Any) -> str:
        """Where pushes go; the account's gh_ id. Fields: mode (plain, compatible, secure), js_domains."""
        given = {"url": url, "token": token, "aes_key": aes_key, **fields}
        return self._call("POST", f"accounts/{app_id}/server", given)["gh_id"]

    def add_template(self, app_id: str, kind: str, title: str, content: str) -> str:
        """Choose a template ("template" or "subscribe") in the back office; its id."""
        given = {"kind": kind, "title": title, "content": content}
        return self._call("POST", f"accounts/{app_id}/templates", given)["template_id"]

    def pushes(self, app_id: str) -> list[dict[str, Any]]:
        """Every push so far: id, event, state (waiting, sending, done, failed, lost), tries, answer."""
        return self._call("GET", f"accounts/{app_id}/pushes")

    def chat(self, app_id: str, resident_id: str) -> list[dict[str, Any]]:
        """What was said in a chat: from_account, kind, content, at."""
        return self._call("GET", f"accounts/{app_id}/residents/{resident_id}/chat")

    def say(self, app_id: str, resident_id: str, text: str) -> None:
        """Let the resident write to the account."""
        self._call("POST", f"accounts/{app_id}/residents/{resident_id}/say", {"text": text})

    def subscribe(self, app_id: str, resident_id: str, template_id: str, *, accepts: bool = True) -> None:
        """Let the resident answer the pop-up that asks to subscribe once."""
        given = {"template_id": template_id, "accepts": accepts}
        self._call("POST", f"accounts/{app_id}/residents/{resident_id}/subscription", given)

    def block(self, app_id: str, resident_id: str) -> None:
        """Let the resident refuse the account's messages."""
        self._call("POST", f"accounts/{app_id}/residents/{resident_id}/block", {})

    def revoke(self, app_id: str, resident_id: str) -> None:
        """Let the resident take back the authorisation of web pages."""
        self._call("POST", f"accounts/{app_id}/residents/{resident_id}/revoke", {})

    def kill_tokens(self, app_id: str) -> None:
        """End the account's tokens, as a forced refresh elsewhere does."""
        self._call("POST", f"accounts/{app_id}/kill-tokens", {})

    def calls(self, app_id: str) -> dict[str, int]:
        """How often each API was called with this account's credentials or token."""
        return self._call("GET", f"accounts/{app_id}/calls")

    def add_fault(self, path: str, kind: str, value: float = 0, times: int | None = 1) -> None:
        """Arrange a fault (see `faults`); `times` None lasts until `clear_faults`."""
        self._call("POST", "faults", {"path": path, "kind": kind, "value": value, "times": times})

    def clear_faults(self) -> None:
        """End every fault."""
        self._call("DELETE", "faults")

    def advance(self, seconds: float) -> None:
        """Move the sandbox's time forward."""
        self._call("POST", "clock", {"advance": seconds})
