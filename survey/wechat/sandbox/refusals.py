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
    40013: "invalid appid",  # [D]
    40014: "invalid access_token",  # [R]
    40029: "invalid code",  # [R]
    40030: "invalid refresh_token",  # [R]
    40066: "invalid url",  # [D]
    40097: "invalid args",  # [R]
    40125: "invalid appsecret",  # [R]
    40129: "invalid scene",  # [R]
    40163: "code been used",  # [R]
    40164: "invalid ip {detail}, not in whitelist",  # [R], the address in the text [M]
    40169: "invalid length for scene, or the data is not json string",  # [R]
    41001: "access_token missing",  # [D]
    41002: "appid missing",  # [D]
    41003: "refresh_token missing",  # [R]
    41004: "appsecret missing",  # [R]
    41008: "missing code",  # [R]
    41009: "missing openid",  # [R]
    42001: "access_token expired",  # [D]
    42002: "refresh_token expired",  # [R]
    42003: "code expired",  # [R]
    43002: "require POST method",  # [D]
    44002: "empty post data",  # [D]
    45009: "reach max api daily quota limit",  # [D]
    45011: "api minute-quota reach limit must slower retry next minute",  # [D]
    45029: "qrcode count out of limit",  # [M]
    47001: "data format error",  # [D]
    48001: "api unauthorized",  # [D]
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
