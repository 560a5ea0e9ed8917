"""What a person does with an account, and what Tencent tells the account about it.

Facts: protocol file, sections 3 and 10. Each act returns the number of its push (0 without a server).
"""

from typing import Any

from survey.wechat.sandbox.messaging import open_window
from survey.wechat.sandbox.pushing import new_message_id, push
from survey.wechat.sandbox.store import Row, Store


def follow(store: Store, app_id: str, resident_id: str, *, qr: Row | None = None) -> int:
    """The person follows, by search or by a scene code; who follows already only scans."""
    known = store.identity(app_id, resident_id)["subscribed_at"] is not None
    if known and qr is None:
        return 0
    open_window(store, app_id, resident_id, "action")
    if qr is None:
        store.follow(app_id, resident_id)
        return push(store, app_id, resident_id, "subscribe", {"EventKey": ""})
    fields = {"EventKey": qr["scene"], "Ticket": qr["ticket"]}
    if known:
        return push(store, app_id, resident_id, "SCAN", fields)
    store.follow(app_id, resident_id, subscribe_scene="ADD_SCENE_QR_CODE", qr_scene=qr["scene"])
    return push(store, app_id, resident_id, "subscribe", {**fields, "EventKey": f"qrscene_{qr['scene']}"})


def unfollow(store: Store, app_id: str, resident_id: str) -> int:
    """The person leaves: windows and consents end with it [M]."""
    if store.identity(app_id, resident_id)["subscribed_at"] is None:
        return 0
    store.unfollow(app_id, resident_id)
    store.run("DELETE FROM windows WHERE app_id = ? AND resident_id = ?", app_id, resident_id)
    store.run("DELETE FROM grants WHERE app_id = ? AND resident_id = ?", app_id, resident_id)
    return push(store, app_id, resident_id, "unsubscribe", {"EventKey": ""})


def say(store: Store, app_id: str, resident_id: str, text: str) -> int:
    """The person writes to the account."""
    open_window(store, app_id, resident_id, "message")
    store.say(app_id, resident_id, "text", {"Content": text}, from_account=False)
    return push(store, app_id, resident_id, "text", {"Content": text, "MsgId": new_message_id()})


def tap(store: Store, app_id: str, resident_id: str, button: dict[str, Any]) -> int:
    """The person taps the menu. A link opens no window and cannot be answered [3P, M]."""
    if button.get("type") == "view":
        return push(store, app_id, resident_id, "VIEW", {"EventKey": button["url"], "MenuId": 1})
    open_window(store, app_id, resident_id, "action")
    return push(store, app_id, resident_id, "CLICK", {"EventKey": button["key"], "MenuId": 1})


def revoke(store: Store, app_id: str, resident_id: str) -> int:
    """The person takes back the authorisation of web pages. FromUserName is the platform [D]: read OpenID."""
    identity = store.identity(app_id, resident_id)
    store.run(
        "UPDATE identities SET authorised = 0 WHERE app_id = ? AND resident_id = ?", app_id, resident_id
    )
    fields = {"OpenID": identity["openid"], "AppID": app_id, "RevokeInfo": "1"}
    return push(store, app_id, "_platform", "user_authorization_revoke", fields)
