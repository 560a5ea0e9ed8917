"""A server in Tencent's place that counts what reaches phones, and can be told to hold a call.

It keeps the two promises that sending relies on (protocol file, section 10): a customer-service message is
shown each time it is sent; a template message once for each client message id within ten minutes [M].
"""

import json
import threading
import time
from typing import Any

from survey.wechat.sandbox.server import SandboxServer

SAME_ID_SECONDS = 600
CUSTOM, TEMPLATE = "/cgi-bin/message/custom/send", "/cgi-bin/message/template/send"


class CountingTencent:
    """Answers on a free port until `close`.

    Attributes
    ----------
    shown : (openid, channel) for each message that a phone showed.
    calls : (openid, channel, client message id) for each call that was made.
    hold_s : seconds for which the next calls are held, before they are counted or after.
    arrived : set when a message's call has come in.
    """

    def __init__(self) -> None:
        self.shown: list[tuple[str, str]] = []
        self.calls: list[tuple[str, str, str]] = []
        self.arrived = threading.Event()
        self.hold_before_s = self.hold_after_s = 0.0
        self._ids: dict[str, tuple[float, int]] = {}
        self._lock = threading.Lock()
        self._server = SandboxServer("127.0.0.1", 0, self)
        self._server.start_in_background()
        self.url = f"http://127.0.0.1:{self._server.port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        body, path = environ["wsgi.input"].read(), environ["PATH_INFO"]
        answer: dict[str, Any] = {"access_token": "TOKEN", "expires_in": 7200}
        if path in (CUSTOM, TEMPLATE):
            answer = self._take(path, json.loads(body))
        start_response("200 OK", [("Content-Type", "application/json; charset=utf-8")])
        return [json.dumps(answer).encode()]

    def _take(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        channel, client_id = path.split("/")[3], body.get("client_msg_id", "")
        self.arrived.set()
        time.sleep(self.hold_before_s)
        with self._lock:
            self.calls.append((body["touser"], channel, client_id))
            known = self._ids.get(client_id) if client_id else None
            if known is not None and time.monotonic() - known[0] < SAME_ID_SECONDS:
                number = known[1]
            else:
                number = len(self.calls)
                self.shown.append((body["touser"], channel))
                if client_id:
                    self._ids[client_id] = (time.monotonic(), number)
        time.sleep(self.hold_after_s)
        return {"errcode": 0, "errmsg": "ok", "msgid": number}
