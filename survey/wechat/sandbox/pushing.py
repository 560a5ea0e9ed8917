"""Pushes messages and events to the account's server, as Tencent does.

Facts: protocol file, sections 1 to 3. No answer within 5 s: the connection is cut and the push sent again, 3
tries in all [3P]; each try has its own timestamp, nonce and signature, the body stays [M]. `success` or an
empty body: nothing is said. Anything else that is no XML: the person reads 该公众号暂时无法提供服务.

Faults for a path that begins with "push:" (and the event's name, or "text"): delay, double, drop,
swap_signature.
"""

import secrets
import threading
import time
from typing import Any
from urllib.parse import urlencode, urlsplit

import requests

from survey.wechat.sandbox import faults, wire
from survey.wechat.sandbox.store import Row, Store

TRIES, TRY_SECONDS = 3, 5.0
OUT_OF_SERVICE = "该公众号暂时无法提供服务，请稍后再试"
# Events that may be answered in the chat; the others concern nobody who is looking at it.
ANSWERABLE = frozenset({"text", "subscribe", "SCAN", "CLICK"})


def push(store: Store, app_id: str, resident_id: str, event: str, fields: dict[str, Any]) -> int:
    """Put one push into the outbox; its number. Nothing is queued for an account without a server."""
    setup = store.setup(app_id)
    if not setup["is_on"]:
        return 0
    identity = store.identity(app_id, resident_id)
    kind = {"MsgType": "text"} if event == "text" else {"MsgType": "event", "Event": event}
    head = {
        "ToUserName": setup["gh_id"],
        "FromUserName": identity["openid"],
        "CreateTime": int(store.now()),
    }
    xml = wire.to_xml({**head, **kind, **fields})
    with store.transaction():
        store.run(
            "INSERT INTO outbox (app_id, resident_id, event, xml, due_at) VALUES (?, ?, ?, ?, ?)",
            app_id,
            resident_id,
            event,
            xml,
            time.time(),
        )
        row = store.one("SELECT MAX(id) AS id FROM outbox")
    store.outbox_filled.set()
    return row["id"] if row else 0


def new_message_id() -> int:
    """A 64-bit MsgId."""
    return secrets.randbelow(2**62) + 2**62


def verify(store: Store, app_id: str, url: str, token: str) -> str:
    """What the back office does when the server's address is handed in: "" when the echo came back.

    The GET is never encrypted for a 公众号, whatever the mode [M].
    """
    echo = str(secrets.randbelow(10**18))
    stamp, nonce = str(int(store.now())), str(secrets.randbelow(10**9))
    query = {
        "signature": wire.signature(token, stamp, nonce),
        "timestamp": stamp,
        "nonce": nonce,
        "echostr": echo,
    }
    try:
        answer = _session().get(_with_query(url, query), timeout=TRY_SECONDS, allow_redirects=False)
    except requests.RequestException:
        return "请求URL超时"
    return "" if answer.status_code == 200 and answer.text == echo else "token验证失败"


def _session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    return session


def _with_query(url: str, query: dict[str, str]) -> str:
    return f"{url}{'&' if urlsplit(url).query else '?'}{urlencode(query)}"


class Pusher:
    """Delivers what is in the outbox from threads of its own.

    Parameters
    ----------
    try_seconds : how long one try may take, and how far apart tries are.
    """

    def __init__(self, store: Store, *, threads: int = 4, try_seconds: float = TRY_SECONDS) -> None:
        self._store = store
        self._seconds = try_seconds
        self._stopping = threading.Event()
        store.run("UPDATE outbox SET state = 'waiting' WHERE state = 'sending'")  # a sandbox that was killed
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(threads)]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Stop after what is being delivered now."""
        self._stopping.set()
        self._store.outbox_filled.set()
        for thread in self._threads:
            thread.join(timeout=self._seconds * 2)

    def _run(self) -> None:
        while not self._stopping.is_set():
            row = self._take()
            if row is None:
                self._store.outbox_filled.wait(0.05)
                self._store.outbox_filled.clear()
                continue
            self._deliver(row)

    def _take(self) -> Row | None:
        with self._store.transaction():
            row = self._store.one(
                "SELECT * FROM outbox WHERE state = 'waiting' AND due_at <= ? ORDER BY id LIMIT 1",
                time.time(),
            )
            if row is not None:
                self._store.run(
                    "UPDATE outbox SET state = 'sending', tries = tries + 1 WHERE id = ?", row["id"]
                )
        return row

    def _deliver(self, row: Row) -> None:
        """One try, with the fault that strikes it."""
        fault = faults.take(self._store, f"push:{row['event']}")
        kind = fault["kind"] if fault is not None else ""
        started = time.time()
        if kind == faults.DROP:
            return self._settle(row["id"], "lost", "故障：没有送出")
        if kind == faults.DELAY:
            self._stopping.wait(fault["value"])
        answer = self._post(row, wrong_signature=kind == faults.SWAP_SIGNATURE)
        if kind == faults.DOUBLE:
            self._post(row)
        if answer is None and row["tries"] + 1 < TRIES:
            self._store.run(
                "UPDATE outbox SET state = 'waiting', due_at = ? WHERE id = ?",
                started + self._seconds,
                row["id"],
            )
            return None
        return self._heard(row, answer)

    def _post(self, row: Row, *, wrong_signature: bool = False) -> requests.Response | None:
        """Send it once; None when nobody answered with 200 in time."""
        setup = self._store.setup(row["app_id"])
        body, query = self._signed(row, setup, wrong_signature=wrong_signature)
        try:
            answer = _session().post(
                _with_query(setup["server_url"], query),
                data=body.encode(),
                headers={"Content-Type": "text/xml"},
                timeout=self._seconds,
                allow_redirects=False,
            )
        except requests.RequestException:
            return None
        return answer if answer.status_code == 200 else None

    def _signed(self, row: Row, setup: Row, *, wrong_signature: bool) -> tuple[str, dict[str, str]]:
        stamp, nonce = str(int(self._store.now())), str(secrets.randbelow(10**9))
        token = "wrong" if wrong_signature else setup["token"]
        identity = self._store.identity(row["app_id"], row["resident_id"])
        query = {
            "signature": wire.signature(token, stamp, nonce),
            "timestamp": stamp,
            "nonce": nonce,
            "openid": identity["openid"],
        }
        if setup["mode"] == wire.PLAIN:
            return row["xml"], query
        sealed = wire.encrypt(row["xml"], setup["aes_key"], row["app_id"])
        query |= {"encrypt_type": "aes", "msg_signature": wire.signature(token, stamp, nonce, sealed)}
        if setup["mode"] == wire.COMPATIBLE:
            return row["xml"].replace("</xml>", f"<Encrypt><![CDATA[{sealed}]]></Encrypt></xml>"), query
        return wire.to_xml({"ToUserName": setup["gh_id"], "Encrypt": sealed}), query

    # --- what comes back ----------------------------------------------------------------------------
    def _heard(self, row: Row, answer: requests.Response | None) -> None:
        """Show the passive reply in the chat."""
        if answer is None:
            if row["event"] in ANSWERABLE:
                self._say(row, "text", {"Content": OUT_OF_SERVICE})
            return self._settle(row["id"], "failed", "三次都没有回音")
        body = answer.content.strip()
        if body in (b"", b"success"):
            return self._settle(row["id"], "done", body.decode())
        try:
            fields = self._opened(row, wire.from_xml(body))
            self._reply(row, fields)
        except wire.Unreadable as reason:
            if row["event"] in ANSWERABLE:
                self._say(row, "text", {"Content": OUT_OF_SERVICE})
            return self._settle(row["id"], "failed", str(reason))
        return self._settle(row["id"], "done", str(fields.get("MsgType", "")))

    def _opened(self, row: Row, fields: dict[str, Any]) -> dict[str, Any]:
        setup = self._store.setup(row["app_id"])
        if "Encrypt" not in fields:
            if setup["mode"] == wire.SECURE:
                raise wire.Unreadable("not encrypted in secure mode")
            return fields
        expected = wire.signature(
            setup["token"],
            str(fields.get("TimeStamp", "")),
            str(fields.get("Nonce", "")),
            fields["Encrypt"],
        )
        if fields.get("MsgSignature") != expected:
            raise wire.Unreadable("wrong MsgSignature")
        return wire.from_xml(wire.decrypt(fields["Encrypt"], setup["aes_key"], row["app_id"]).encode())

    def _reply(self, row: Row, fields: dict[str, Any]) -> None:
        identity = self._store.identity(row["app_id"], row["resident_id"])
        if fields.get("ToUserName") != identity["openid"]:
            raise wire.Unreadable("ToUserName is not the sender")
        kind = fields.get("MsgType")
        if kind == "text" and fields.get("Content"):
            return self._say(row, "text", {"Content": fields["Content"]})
        if kind == "news" and isinstance(fields.get("Articles"), list):
            return self._say(row, "news", {"articles": fields["Articles"][:1]})  # one since 2018 [M]
        raise wire.Unreadable(f"a reply of type {kind!r}")

    def _say(self, row: Row, kind: str, content: dict[str, Any]) -> None:
        self._store.say(row["app_id"], row["resident_id"], kind, content)

    def _settle(self, number: int, state: str, words: str) -> None:
        self._store.run("UPDATE outbox SET state = ?, answer = ? WHERE id = ?", state, words[:80], number)


def settled(store: Store, number: int, seconds: float) -> bool:
    """Wait until a push has been answered (or given up); False when that takes longer."""
    end = time.time() + seconds
    while time.time() < end:
        row = store.one("SELECT state FROM outbox WHERE id = ?", number)
        if row is None or row["state"] not in ("waiting", "sending"):
            return True
        time.sleep(0.02)
    return False
