"""What WeChat refuses, and what the team should do about each: the catalogue of Tencent's codes.

From the protocol file, section 14. Tags as there: [R] WxJava's WxMpErrorMsgEnum, [D] Tencent's page,
[M] remembered, to be checked with the first real account.
"""

import re
from enum import IntEnum
from typing import Any

from django.utils.translation import gettext_lazy as _

# One fresh token, one more try, then an error: never a loop. [R] WxMpErrorMsgEnum; 14.
STALE_TOKEN_CODES = frozenset({40001, 40014, 42001})
# The browser's code is spent, unknown or late: send the resident through authorisation once more. [R]; 5, 14.
RESTART_CODES = frozenset({40029, 40163, 41008, 42003})
# Only a person can put these right: each opens an alarm. Refused tokens join them after the one fresh token.
ALARM_CODES = frozenset({40013, 40125, 40164, 45009, 48001, 48004})
# What new credentials put right.
CREDENTIAL_CODES = STALE_TOKEN_CODES | {40013, 40125}

_ADDRESS = re.compile(r"invalid ip\s+([0-9A-Fa-f.:]+)")  # errmsg of 40164 [M]
_SYSTEM_MODULE_CODES = range(9001000, 9002000)  # [R]

_NETWORK = _("连不上微信服务器。请检查本机能否上网、域名解析和防火墙，稍后再试。")
_GARBLED = _("微信服务器的回答读不懂，可能被网关改动过。请检查出口网络；仍然如此，请把 rid 交给微信客服。")
_SYSTEM = _("微信系统出错。请稍后再试；仍然如此，请把 rid 交给微信客服。")
_WHITE_LIST = _("本机的出口地址 {address} 不在白名单。请到公众平台“基本配置 → IP 白名单”加上它。")
_OTHER = _("微信返回了没见过的错误码。请带上错误码和 rid，到微信开放社区查找或提问。")
_TOKEN = _("access_token 换新以后仍被拒绝。请核对 AppSecret，并确认没有别的系统在强制刷新同一账号的凭据。")
_CREDENTIALS = _("AppID 或 AppSecret 不对。请到公众平台“设置与开发 → 基本配置”核对；重置过的要在这里更新。")
_RESTART = _("这次网页授权的凭证已经用过或过期，要重新授权一次。反复出现的，请检查回调页有没有被重复打开。")
_REAUTHORISE = _("网页授权已经失效。请让居民重新打开链接授权。")
_NOT_FOLLOWER = _("这个人没有关注公众号，发不了。请停止向他发送，改用别的联系方式。")
_WITHDRAWN = _("居民撤回了授权，或账号受限。请停止使用他的授权，并按规定删除资料。")
_PAYLOAD = _("发给微信的内容不合规定。请核对模板字段的名称、长度和格式（每个字段不超过 20 字，不能换行）。")
_FORBIDDEN = _("账号没有这个接口的权限，或接口被封。请到公众平台查看权限和违规记录；恢复以前停用这项功能。")
_WINDOW = _("能主动发消息的时间窗已过，或条数已用完。请改用别的联系方式，等居民下次来访。")

ACTIONS: dict[int, Any] = {
    -1: _("微信系统繁忙。请隔一会儿再试，最多三次。"),  # [R]
    40001: _TOKEN,  # [R]
    40014: _TOKEN,  # [R]
    42001: _TOKEN,  # [R]
    40013: _CREDENTIALS,  # [R]
    40125: _CREDENTIALS,  # [M]
    # [M]
    40164: _("本机的出口地址不在白名单。请到公众平台“基本配置 → IP 白名单”，加上错误信息里的地址。"),
    40003: _("这个 openid 不属于本账号。请核对用的是哪个公众号，不要再向它发送。"),  # [R]
    40029: _RESTART,  # [R]
    40163: _RESTART,  # [R]
    41008: _RESTART,  # [R]
    42003: _RESTART,  # [R]
    42007: _REAUTHORISE,  # [R]
    40030: _REAUTHORISE,  # [R]
    42002: _REAUTHORISE,  # [R]
    40037: _("模板编号不对。请到公众平台核对模板，再更新设置。"),  # [R]
    43004: _NOT_FOLLOWER,  # [R]
    50005: _NOT_FOLLOWER,  # [R]
    43019: _("这个人在公众号的黑名单里，发不了。需要的话，请先在公众平台把他移出。"),  # [R]
    43101: _("这个人没有订阅，或次数已用完。等他下次同意订阅以后再发。"),  # [M]
    45009: _("今天的接口次数用完了。请停到明天；急用时可以清零，每月 10 次。"),  # [R]
    45011: _("一分钟内调用太多。请等一分钟再试。"),  # [R]
    45015: _WINDOW,  # [R]
    45047: _WINDOW,  # [R]
    45065: _("这条群发已经提交过，按已完成处理，不要重发。"),  # [R]
    45072: _("当前状态不支持这个输入提示，可以忽略。"),  # [M]
    46003: _("公众号还没有菜单，不影响使用。"),  # [R]
    47001: _PAYLOAD,  # [M]
    47003: _PAYLOAD,  # [M]
    48001: _FORBIDDEN,  # [R]
    48004: _FORBIDDEN,  # [R]
    50001: _WITHDRAWN,  # [R]
    50002: _WITHDRAWN,  # [R]
    61450: _SYSTEM,  # [R]
    65303: _("要先建默认菜单，才能建个性化菜单。"),  # [R], [D]
    65320: _("个性化菜单只支持标签和客户端两种条件，请去掉别的条件。"),  # [D]
    87014: _("内容可能违规，微信不让发。请修改文字后再试。"),  # [M]
}


class OwnCode(IntEnum):
    """Codes of ours, for calls that never reached Tencent or whose answer could not be read."""

    NETWORK = -1001
    GARBLED = -1002


class WeChatError(Exception):
    """WeChat refused, or could not be understood.

    Attributes
    ----------
    code : Tencent's errcode, or one of `OwnCode`.
    message : Tencent's errmsg without its rid; English, for the log and the team, not for residents.
    rid : Tencent's request id, which their support asks for; empty when there was none.
    action : what the team should do (Chinese, translatable).
    restart : the resident should be sent through authorisation once more (and only once).
    never_sent : the call certainly did not reach Tencent (no connection came about): safe to repeat.
    """

    def __init__(self, code: int, message: str, rid: str = "", *, never_sent: bool = False) -> None:
        self.code = code
        self.message = message
        self.rid = rid
        self.restart = code in RESTART_CODES
        self.never_sent = never_sent
        super().__init__(f"WeChat error {code}: {message}" + (f" (rid {rid})" if rid else ""))

    @property
    def action(self) -> str:
        """What the team should do, in the active language."""
        return str(action_for(self.code, self.message))


def action_for(code: int, message: str = "") -> Any:
    """The catalogue's sentence for a code; a general one for codes that it does not hold.

    `message` is Tencent's errmsg: for 40164 it names the address to add to the white list.
    """
    address = _ADDRESS.search(message) if code == 40164 else None
    if address:
        return str(_WHITE_LIST).format(address=address.group(1))
    if code == OwnCode.NETWORK:
        return _NETWORK
    if code == OwnCode.GARBLED:
        return _GARBLED
    if code in _SYSTEM_MODULE_CODES:
        return _SYSTEM
    return ACTIONS.get(code, _OTHER)
