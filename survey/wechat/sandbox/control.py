"""The sandbox's own API, /sandbox/api/…: what tests and the demo arrange, in JSON."""

import json
from typing import Any

from survey.wechat.sandbox import acts, credentials, faults, messaging, wire
from survey.wechat.sandbox.authorisation import SNAPSHOT_ALL, SNAPSHOT_OFF, SNAPSHOT_USERINFO
from survey.wechat.sandbox.store import Store, random_text
from survey.wechat.sandbox.web import BadRequest, Reply, Request, Router, is_web_address, json_reply

PREFIX = "/sandbox/api/"
MAX_REDIRECT_DOMAINS = 2  # [M]
MAX_ADVANCE_SECONDS = 400 * 86400


class Control:
    """Routes and handlers over one store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._router = Router()
        add = self._router.add
        add(["GET"], PREFIX + "health", self._health)
        add(["GET"], PREFIX + "accounts", self._accounts)
        add(["POST"], PREFIX + "accounts", self._save_account)
        add(["POST"], PREFIX + "accounts/{app_id}/kill-tokens", self._kill_tokens)
        add(["GET"], PREFIX + "accounts/{app_id}/calls", self._calls)
        add(["GET"], PREFIX + "residents", self._residents)
        add(["POST"], PREFIX + "residents", self._add_residents)
        add(["GET"], PREFIX + "accounts/{app_id}/residents/{resident_id}", self._identity)
        add(["POST"], PREFIX + "accounts/{app_id}/residents/{resident_id}/follow", self._follow)
        add(["POST"], PREFIX + "accounts/{app_id}/residents/{resident_id}/unfollow", self._unfollow)
        own = PREFIX + "accounts/{app_id}/"
        add(["POST"], own + "server", self._server)
        add(["POST"], own + "templates", self._add_template)
        add(["GET"], own + "pushes", self._pushes)
        add(["GET"], own + "residents/{resident_id}/chat", self._chat)
        add(["POST"], own + "residents/{resident_id}/say", self._say)
        add(["POST"], own + "residents/{resident_id}/subscription", self._subscription)
        add(["POST"], own + "residents/{resident_id}/block", self._block)
        add(["POST"], own + "residents/{resident_id}/revoke", self._revoke)
        add(["GET"], PREFIX + "faults", self._faults)
        add(["POST"], PREFIX + "faults", self._add_fault)
        add(["DELETE"], PREFIX + "faults", self._clear_faults)
        add(["POST"], PREFIX + "clock", self._advance)

    def handle(self, request: Request) -> Reply:
        """Answer; wrong calls get 400 with what is wrong."""
        found = self._router.find(request.method, request.path)
        if found is None:
            return json_reply({"error": "no such call"}, 404)
        handler, segments = found
        try:
            # A page of another site cannot send this type without asking first (CORS).
            if request.method == "POST" and not _is_json(request):
                raise BadRequest("send application/json")
            return handler(request, **segments)
        except BadRequest as reason:
            return json_reply({"error": str(reason)}, 400)

    # --- accounts -----------------------------------------------------------------------------------
    def _health(self, request: Request) -> Reply:
        return json_reply({"ok": True, "time": int(self._store.now())})

    def _accounts(self, request: Request) -> Reply:
        rows = self._store.all("SELECT app_id, name, snapshot FROM accounts ORDER BY name")
        return json_reply([dict(row) for row in rows])

    def _save_account(self, request: Request) -> Reply:
        fields = account_fields(_fields(request))
        self._store.save_account(fields)
        return json_reply({"app_id": fields["app_id"]})

    def _kill_tokens(self, request: Request, app_id: str) -> Reply:
        """As if another program had refreshed the token by force."""
        self._known_account(app_id)
        for kind in ("token", "stable"):
            credentials.kill_tokens(self._store, app_id, kind)
        return json_reply({"ok": True})

    def _calls(self, request: Request, app_id: str) -> Reply:
        """How often each API was called, in all."""
        query = "SELECT api, SUM(count) AS n FROM calls WHERE app_id = ? AND length(period) = 10 GROUP BY api"
        rows = self._store.all(query, app_id)
        return json_reply({row["api"]: row["n"] for row in rows})

    def _known_account(self, app_id: str) -> None:
        if self._store.account(app_id) is None:
            raise BadRequest("no such account")

    # --- residents ----------------------------------------------------------------------------------
    def _residents(self, request: Request) -> Reply:
        rows = self._store.all("SELECT id, name FROM residents ORDER BY rowid")
        return json_reply([dict(row) for row in rows])

    def _add_residents(self, request: Request) -> Reply:
        people = _fields(request).get("residents")
        if not isinstance(people, list) or not people:
            raise BadRequest("residents: a list of {id, name}")
        pairs = [(_text(person, "id"), _text(person, "name")) for person in people]
        self._store.add_residents(pairs)
        return json_reply({"count": len(pairs)})

    def _known_resident(self, app_id: str, resident_id: str) -> None:
        self._known_account(app_id)
        if self._store.resident(resident_id) is None:
            raise BadRequest("no such resident")

    def _identity(self, request: Request, app_id: str, resident_id: str) -> Reply:
        self._known_resident(app_id, resident_id)
        row = self._store.identity(app_id, resident_id)
        return json_reply({"openid": row["openid"], "follows": row["subscribed_at"] is not None})

    def _follow(self, request: Request, app_id: str, resident_id: str) -> Reply:
        self._known_resident(app_id, resident_id)
        return json_reply({"ok": True, "push": acts.follow(self._store, app_id, resident_id)})

    def _unfollow(self, request: Request, app_id: str, resident_id: str) -> Reply:
        self._known_resident(app_id, resident_id)
        return json_reply({"ok": True, "push": acts.unfollow(self._store, app_id, resident_id)})

    # --- the channel --------------------------------------------------------------------------------
    def _server(self, request: Request, app_id: str) -> Reply:
        """Set the server that pushes go to, without asking it for an echo first."""
        self._known_account(app_id)
        fields = _fields(request)
        url, token, key = (fields.get(name, "") for name in ("url", "token", "aes_key"))
        mode = fields.get("mode", wire.SECURE)
        if not is_web_address(url) or not wire.is_token(token) or mode not in wire.MODES:
            raise BadRequest("url, token and mode (plain, compatible, secure) are needed")
        if mode != wire.PLAIN and not wire.is_aes_key(key):
            raise BadRequest("aes_key: 43 letters and digits")
        self._store.setup(app_id)
        self._store.run(
            "UPDATE account_setup SET server_url = ?, token = ?, aes_key = ?, mode = ?, is_on = 1, "
            "js_domains = ? WHERE app_id = ?",
            url,
            token,
            key,
            mode,
            json.dumps(fields.get("js_domains", [])),
            app_id,
        )
        return json_reply({"gh_id": self._store.setup(app_id)["gh_id"]})

    def _add_template(self, request: Request, app_id: str) -> Reply:
        self._known_account(app_id)
        fields = _fields(request)
        kind, template_id = _text(fields, "kind"), random_text(43)
        if kind not in ("template", "subscribe"):
            raise BadRequest("kind: template or subscribe")
        title, content = _text(fields, "title"), str(fields.get("content", ""))
        self._store.run(
            "INSERT INTO templates VALUES (?, ?, ?, ?, ?)", template_id, app_id, kind, title, content
        )
        return json_reply({"template_id": template_id})

    def _pushes(self, request: Request, app_id: str) -> Reply:
        rows = self._store.all(
            "SELECT id, event, state, tries, answer FROM outbox WHERE app_id = ? ORDER BY id", app_id
        )
        return json_reply([dict(row) for row in rows])

    def _chat(self, request: Request, app_id: str, resident_id: str) -> Reply:
        self._known_resident(app_id, resident_id)
        return json_reply(messaging.chat_of(self._store, app_id, resident_id, limit=1000))

    def _say(self, request: Request, app_id: str, resident_id: str) -> Reply:
        self._known_resident(app_id, resident_id)
        text = _fields(request).get("text")
        if not isinstance(text, str) or not text:
            raise BadRequest("text: text is needed")
        return json_reply({"push": acts.say(self._store, app_id, resident_id, text)})

    def _subscription(self, request: Request, app_id: str, resident_id: str) -> Reply:
        self._known_resident(app_id, resident_id)
        fields = _fields(request)
        messaging.decide_subscription(
            self._store,
            app_id,
            resident_id,
            _text(fields, "template_id"),
            accepts=fields.get("accepts") is not False,
        )
        return json_reply({"ok": True})

    def _block(self, request: Request, app_id: str, resident_id: str) -> Reply:
        self._known_resident(app_id, resident_id)
        self._store.run("INSERT OR IGNORE INTO blocks VALUES (?, ?)", app_id, resident_id)
        return json_reply({"ok": True})

    def _revoke(self, request: Request, app_id: str, resident_id: str) -> Reply:
        self._known_resident(app_id, resident_id)
        return json_reply({"push": acts.revoke(self._store, app_id, resident_id)})

    # --- faults and time ----------------------------------------------------------------------------
    def _faults(self, request: Request) -> Reply:
        return json_reply([dict(row) for row in self._store.all("SELECT * FROM faults ORDER BY id")])

    def _add_fault(self, request: Request) -> Reply:
        fields = _fields(request)
        path, kind = _text(fields, "path"), _text(fields, "kind")
        value, times = fields.get("value", 0), fields.get("times", 1)
        if kind not in faults.KINDS:
            raise BadRequest(f"kind: one of {', '.join(faults.KINDS)}")
        if not isinstance(value, int | float) or (kind == faults.ERROR and not isinstance(value, int)):
            raise BadRequest("value: seconds of a delay, errcode of an error")
        if kind == faults.DELAY and not 0 <= value <= faults.MAX_DELAY_SECONDS:
            raise BadRequest(f"value: a delay has 0 to {faults.MAX_DELAY_SECONDS} seconds")
        if times is not None and (not isinstance(times, int) or times < 1):
            raise BadRequest("times: a positive number, or null for always")
        faults.add(self._store, path=path, kind=kind, value=value, times=times)
        return json_reply({"ok": True})

    def _clear_faults(self, request: Request) -> Reply:
        faults.clear(self._store)
        return json_reply({"ok": True})

    def _advance(self, request: Request) -> Reply:
        seconds = _fields(request).get("advance")
        if not isinstance(seconds, int | float) or not 0 <= seconds <= MAX_ADVANCE_SECONDS:
            raise BadRequest("advance: seconds, forward only")
        return json_reply({"time": int(self._store.advance(seconds))})


def account_fields(given: dict[str, Any]) -> dict[str, Any]:
    """Check an account's fields and fill in what was left out.

    Raises
    ------
    BadRequest : says which field is wrong.
    """
    domains = given.get("oauth_domains", [])
    if not _is_text_list(domains) or len(domains) > MAX_REDIRECT_DOMAINS:
        raise BadRequest(f"oauth_domains: up to {MAX_REDIRECT_DOMAINS} hosts, without http://")
    if any("/" in domain or domain != domain.lower() for domain in domains):
        raise BadRequest("oauth_domains: lower-case hosts, without http:// and path")
    white_list = given.get("ip_white_list")
    if white_list is not None and not _is_text_list(white_list):
        raise BadRequest("ip_white_list: a list of addresses, or null for none")
    snapshot = given.get("snapshot", SNAPSHOT_OFF)
    if snapshot not in (SNAPSHOT_OFF, SNAPSHOT_USERINFO, SNAPSHOT_ALL):
        raise BadRequest("snapshot: off, userinfo or all")
    home_url = given.get("home_url", "")
    if not isinstance(home_url, str) or (home_url and not is_web_address(home_url)):
        raise BadRequest("home_url: an http(s) address")
    return {
        "app_id": _text(given, "app_id"),
        "secret": _text(given, "secret"),
        "name": _text(given, "name"),
        "oauth_domains": domains,
        "ip_white_list": white_list,
        "snapshot": snapshot,
        "open_platform": bool(given.get("open_platform", False)),
        "home_url": home_url,
    }


def _is_json(request: Request) -> bool:
    return request.environ.get("CONTENT_TYPE", "").split(";")[0].strip() == "application/json"


def _is_text_list(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) and item for item in value)


def _fields(request: Request) -> dict[str, Any]:
    fields = request.json_object()
    if fields is None:
        raise BadRequest("the body is not a JSON object")
    return fields


def _text(fields: Any, name: str) -> str:
    value = fields.get(name) if isinstance(fields, dict) else None
    if not isinstance(value, str) or not value or ("/" in value and name != "path"):
        raise BadRequest(f"{name}: text is needed")
    return value
