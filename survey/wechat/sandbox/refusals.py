"""Tencent's refusals as the sandbox words them.

Texts: [D] developers.weixin.qq.com/doc/store/API/basics/commErrCode.html, [R] the English names in WxJava's
WxMpErrorMsgEnum, [M] remembered. Programs should look at the code only.
"""

import secrets
import time

from survey.wechat.sandbox.web import Reply, json_reply

ERRMSG: dict[int, str] = {
    -1: "system error",  # [D]
    40001: "invalid credential, access_token is invalid or not latest",  # [D]
    40002: "invalid grant_type",  # [R]
    40003: "invalid openid",  # [D]
    40004: "invalid media type",  # [M]
    40005: "invalid file type",  # [M]
    40007: "invalid media_id",  # [M]
    40008: "invalid message type",  # [M]
    40009: "invalid image size",  # [M]
    40013: "invalid appid",  # [D]
    40014: "invalid access_token",  # [R]
    40016: "invalid button size",  # [M]
    40017: "invalid button type",  # [M]
    40018: "invalid button name size",  # [M]
    40019: "invalid button key size",  # [M]
    40020: "invalid button url size",  # [M]
    40023: "invalid sub button size",  # [M]
    40029: "invalid code",  # [R]
    40030: "invalid refresh_token",  # [R]
    40032: "invalid openid list size",  # [M]
    40037: "invalid template_id",  # [R]
    40066: "invalid url",  # [D]
    40097: "invalid args",  # [R]
    40125: "invalid appsecret",  # [R]
    40129: "invalid scene",  # [R]
    40130: "invalid openid list size, at least two openid",  # [M]
    40163: "code been used",  # [R]
    40164: "invalid ip {detail}, not in whitelist",  # [R], the address in the text [M]
    40169: "invalid length for scene, or the data is not json string",  # [R]
    41001: "access_token missing",  # [D]
    41002: "appid missing",  # [D]
    41003: "refresh_token missing",  # [R]
    41004: "appsecret missing",  # [R]
    41005: "media data missing",  # [M]
    41008: "missing code",  # [R]
    41009: "missing openid",  # [R]
    42001: "access_token expired",  # [D]
    42002: "refresh_token expired",  # [R]
    42003: "code expired",  # [R]
    43002: "require POST method",  # [D]
    43004: "require subscribe",  # [R]
    43101: "user refuse to accept the msg",  # [M]
    44002: "empty post data",  # [D]
    45009: "reach max api daily quota limit",  # [D]
    45011: "api minute-quota reach limit must slower retry next minute",  # [D]
    45015: "response out of time limit or subscription is canceled",  # [R]
    45029: "qrcode count out of limit",  # [M]
    45047: "out of response count limit",  # [R]
    45065: "clientmsgid exist",  # [R]
    46003: "menu no exist",  # [R]
    47001: "data format error",  # [D]
    47003: "argument invalid! {detail}",  # [M]
    48001: "api unauthorized",  # [D]
    48006: "forbid to clear quota because of reaching the limit",  # [D]
    53600: "invalid article_id",  # [M]
    76022: "this cgi_path is not supported",  # [D]
}


class Refusal(Exception):
    """An errcode for the caller; `detail` fills the text's gap."""

    def __init__(self, code: int, detail: str = "") -> None:
        self.code = code
        self.detail = detail
        super().__init__(str(code))

    def reply(self) -> Reply:
        """HTTP 200 with errcode, as Tencent answers; the text ends with a rid."""
        text = ERRMSG.get(self.code, "error").format(detail=self.detail)
        rid = f"{int(time.time()):08x}-{secrets.token_hex(4)}-{secrets.token_hex(4)}"
        return json_reply({"errcode": self.code, "errmsg": f"{text} rid: {rid}"})
