"""The fault panel: what may go wrong between Tencent and the account, at one click."""

from html import escape

from survey.wechat.sandbox import faults, pages
from survey.wechat.sandbox.store import Row, Store
from survey.wechat.sandbox.web import Reply, Request, Router, redirect

# name → (words, [(path, kind, value, times)]); None: until it is cleared.
OFFERS: dict[str, tuple[str, list[tuple[str, str, float, int | None]]]] = {
    "late": ("消息推送迟到 8 秒（接下来 3 次）", [("push:", faults.DELAY, 8, 3)]),
    "double": ("消息推送送两遍", [("push:", faults.DOUBLE, 0, None)]),
    "drop": ("消息推送丢一次", [("push:", faults.DROP, 0, 1)]),
    "signature": ("消息推送签名不对", [("push:", faults.SWAP_SIGNATURE, 0, 1)]),
    "quota": ("接口次数用完（45009）", [("/cgi-bin/message/", faults.ERROR, 45009, None)]),
    "busy": ("系统繁忙（-1），三次", [("/cgi-bin/", faults.ERROR, -1, 3)]),
    "token": ("access_token 失效（40001），一次", [("/cgi-bin/message/", faults.ERROR, 40001, 1)]),
    "lost_answer": (
        "消息发出去了，回音丢了，一次",
        [("/cgi-bin/message/", faults.DROP_AFTER, 0, 1)],
    ),
    "lost_call": ("消息没有送到微信，一次", [("/cgi-bin/message/", faults.DROP, 0, 1)]),
    "slow": ("接口慢 4 秒", [("/cgi-bin/", faults.DELAY, 4, None)]),
    "garble": ("网关换了回答，一次", [("/cgi-bin/", faults.GARBLE, 0, 1)]),
    "worst": (
        "最坏的一天：推送签名错、送两遍，消息和回音丢在路上，接口繁忙、次数用完、凭据失效",
        [
            ("push:", faults.SWAP_SIGNATURE, 0, 1),
            ("push:", faults.DOUBLE, 0, None),
            ("/cgi-bin/stable_token", faults.GARBLE, 0, 1),
            ("/cgi-bin/message/custom/", faults.GARBLE, 0, 1),
            ("/cgi-bin/message/custom/", faults.DROP_AFTER, 0, 1),
            ("/cgi-bin/message/custom/", faults.ERROR, -1, 1),
            ("/cgi-bin/message/custom/", faults.ERROR, 45009, 1),
            ("/cgi-bin/message/template/", faults.DROP_AFTER, 0, 1),
            ("/cgi-bin/message/template/", faults.DROP, 0, 1),
            ("/cgi-bin/message/template/", faults.ERROR, -1, 2),
            ("/cgi-bin/message/template/", faults.ERROR, 40001, 1),
            ("/cgi-bin/message/", faults.ERROR, -1, 2),
        ],
    ),
}
KIND_WORDS = {
    faults.DELAY: "迟到",
    faults.ERROR: "错误码",
    faults.DROP: "丢失",
    faults.DROP_AFTER: "做了，回音丢失",
    faults.ERROR_AFTER: "做了，却回错误码",
    faults.GARBLE: "回答被换",
    faults.DOUBLE: "两遍",
    faults.SWAP_SIGNATURE: "签名不对",
}


class FaultPanel:
    """Routes and handlers below /faults."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._router = Router()
        self._router.add(["GET", "HEAD"], "/faults", self._page)
        self._router.add(["POST"], "/faults/add", self._add)
        self._router.add(["POST"], "/faults/clear", self._clear)

    def handle(self, request: Request) -> Reply | None:
        """Answer, or None when the path is not the panel's."""
        found = self._router.find(request.method, request.path)
        return found[0](request) if found else None

    def _page(self, request: Request) -> Reply:
        rows = self._store.all("SELECT * FROM faults ORDER BY id")
        on = "".join(f"<li>{_words(row)}</li>" for row in rows)
        offers = "".join(
            f'<p><button class="quiet" name="fault" value="{name}">{escape(words)}</button></p>'
            for name, (words, _) in OFFERS.items()
        )
        pushes = self._store.all("SELECT * FROM outbox ORDER BY id DESC LIMIT 20")
        states = {"waiting": "等待", "sending": "正在送", "done": "已答", "failed": "没有答", "lost": "丢了"}
        sent = "".join(
            f"<li>{row['id']} {escape(row['event'])}：{states.get(row['state'], row['state'])}，"
            f"{row['tries']} 次<small>{escape(row['answer'])}</small></li>"
            for row in pushes
        )
        body = (
            '<main class="lone wide"><h1>故障面板</h1>'
            f'<section class="card"><h2>正在起作用</h2><ul>{on or "<li>没有故障。</li>"}</ul>'
            '<form method="post" action="/faults/clear"><button class="button">全部清除</button></form>'
            '</section><section class="card"><h2>加一个</h2>'
            f'<form method="post" action="/faults/add">{offers}</form></section>'
            '<section class="card"><h2>最近的推送</h2>'
            f'<ol class="plain-list">{sent or "<li>还没有。</li>"}</ol></section>'
            f"{pages.link('/', '手机')}</main>"
        )
        return pages.page("故障面板", body)

    def _add(self, request: Request) -> Reply:
        for path, kind, value, times in OFFERS.get(request.form.get("fault", ""), ("", []))[1]:
            faults.add(self._store, path=path, kind=kind, value=value, times=times)
        return redirect("/faults")

    def _clear(self, request: Request) -> Reply:
        faults.clear(self._store)
        return redirect("/faults")


def _words(row: Row) -> str:
    left = "直到清除" if row["remaining"] is None else f"还有 {row['remaining']} 次"
    value = f" {row['value']:g}" if row["value"] else ""
    return f"{escape(row['path'])}：{KIND_WORDS.get(row['kind'], row['kind'])}{value}，{left}"
