"""The JS-SDK inside a phone: the script that a page loads, and the check of what it was configured with.

Facts: protocol file, section 7: the signature is over the page's whole address without its fragment, the
host must be a JS 接口安全域名. A page loads the script from `/sandbox/static/jweixin.js` of its own origin
(the phone answers there) where it would load res.wx.qq.com/open/js/jweixin-1.6.0.js.
"""

from survey.wechat.sandbox.office import allows_js, host_of
from survey.wechat.sandbox.store import Store
from survey.wechat.sandbox.web import Reply, Request, json_reply
from survey.wechat.sandbox.wire import sha1

CHECK = "/sandbox/jssdk/check"


def check(store: Store, request: Request, origin: str) -> Reply:
    """wx.config's answer: "config:ok", or why not. `origin` is the site's, as the phone sees it."""
    fields = request.json_object() or {}
    app_id = fields.get("appId", "")
    ticket = store.one("SELECT * FROM tickets WHERE app_id = ? AND kind = 'jsapi'", app_id)
    if ticket is None or ticket["expires_at"] <= store.now():
        return json_reply({"errMsg": "config:invalid signature"})
    address = origin + str(fields.get("path", "")).split("#")[0]
    if not allows_js(store, app_id, host_of(address)):
        return json_reply({"errMsg": "config:invalid url domain"})
    text = (
        f"jsapi_ticket={ticket['ticket']}&noncestr={fields.get('nonceStr', '')}"
        f"&timestamp={fields.get('timestamp', '')}&url={address}"
    )
    good = sha1(text) == fields.get("signature")
    return json_reply({"errMsg": "config:ok" if good else "config:invalid signature"})
