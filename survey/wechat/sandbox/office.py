"""The account's back office (公众平台 in the small): what the team clicks at Tencent, played here.

Names of menus as in mp.weixin.qq.com [M]; they were rearranged in 2025, so that the real ones may differ.
"""

import json
import re
import secrets
from html import escape
from urllib.parse import urlsplit

import requests

from survey.wechat.sandbox import pages, wire
from survey.wechat.sandbox.pushing import TRY_SECONDS, verify
from survey.wechat.sandbox.store import Row, Store, random_text
from survey.wechat.sandbox.web import Reply, Request, Router, is_web_address, redirect

MODE_NAMES = {wire.PLAIN: "明文模式", wire.COMPATIBLE: "兼容模式", wire.SECURE: "安全模式"}
# What the team picks from Tencent's library; field names as typed keys of the library [M].
LIBRARY = {
    "template": ("答卷提醒", "项目：{{thing1.DATA}}\n截止：{{time2.DATA}}\n说明：{{thing3.DATA}}"),
    "subscribe": ("调查进度通知", "项目：{{thing1.DATA}}\n截止：{{time2.DATA}}\n说明：{{thing3.DATA}}"),
}
MAX_JS_DOMAINS, MAX_BUSINESS_DOMAINS, MAX_OAUTH_DOMAINS = 5, 3, 2


class Office:
    """Routes and handlers below /mp."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._router = Router()
        add = self._router.add
        add(["GET", "HEAD"], "/mp", self._accounts)
        add(["POST"], "/mp/new", self._new)
        add(["GET", "HEAD"], "/mp/{app_id}", self._account)
        add(["POST"], "/mp/{app_id}/server", self._server)
        add(["POST"], "/mp/{app_id}/white-list", self._white_list)
        add(["POST"], "/mp/{app_id}/domains", self._domains)
        add(["POST"], "/mp/{app_id}/template", self._template)
        add(["POST"], "/mp/{app_id}/reset-secret", self._reset_secret)

    def handle(self, request: Request) -> Reply | None:
        """Answer, or None when the path is not the office's."""
        found = self._router.find(request.method, request.path)
        if found is None:
            return None
        handler, segments = found
        if segments and self._store.account(segments["app_id"]) is None:
            return pages.message(
                "没有这个账号", "请回到后台首页。", status=404, links=pages.link("/mp", "后台首页")
            )
        return handler(request, **segments)

    # --- pages --------------------------------------------------------------------------------------
    def _accounts(self, request: Request) -> Reply:
        rows = self._store.all("SELECT app_id, name FROM accounts ORDER BY name")
        items = "".join(
            f'<p class="row"><span>{escape(row["name"])}<small>{escape(row["app_id"])}</small></span>'
            f"{pages.link('/mp/' + row['app_id'], '进入', 'button quiet')}</p>"
            for row in rows
        )
        body = (
            '<main class="lone"><h1>公众平台（模拟）</h1>'
            f'<section class="card"><h2>我的服务号</h2>{items or "<p>还没有账号。</p>"}</section>'
            '<section class="card"><h2>注册服务号</h2><form class="row" method="post" action="/mp/new">'
            '<label for="name">账号名称</label><input id="name" name="name" required maxlength="30" '
            'autocomplete="off"><button class="quiet">注册</button></form></section>'
            f"{pages.link('/', '手机')}</main>"
        )
        return pages.page("公众平台", body)

    def _account(self, request: Request, app_id: str) -> Reply:
        account, setup = self._store.account(app_id), self._store.setup(app_id)
        if account is None:
            return redirect("/mp")
        note = request.query.get("note", "")
        said = f'<p class="note" role="status">{escape(note)}</p>' if note else ""
        body = (
            f'<main class="lone wide"><h1>{escape(account["name"])}</h1>{said}'
            f"{_keys(account, setup)}{_server_form(app_id, setup)}{_white_list_form(account)}"
            f"{_domain_form(account, setup)}{self._templates(app_id)}{pages.link('/mp', '后台首页')}</main>"
        )
        return pages.page(account["name"], body)

    def _templates(self, app_id: str) -> str:
        rows = self._store.all("SELECT * FROM templates WHERE app_id = ? ORDER BY rowid", app_id)
        items = "".join(
            f"<li>{escape(row['title'])}（{'模板消息' if row['kind'] == 'template' else '订阅通知'}）"
            f"<small>{escape(row['template_id'])}</small></li>"
            for row in rows
        )
        buttons = "".join(
            f'<button class="quiet" name="kind" value="{kind}">添加“{title}”'
            f"（{'模板消息' if kind == 'template' else '订阅通知'}）</button> "
            for kind, (title, _) in LIBRARY.items()
        )
        return (
            '<section class="card"><h2>模板消息和订阅通知</h2>'
            f"<ul>{items or '<li>还没有选用模板。</li>'}</ul>"
            f'<form method="post" action="/mp/{escape(app_id)}/template">{buttons}</form></section>'
        )

    # --- acts ---------------------------------------------------------------------------------------
    def _new(self, request: Request) -> Reply:
        name = request.form.get("name", "").strip()[:30]
        if not name:
            return redirect("/mp")
        app_id = "wx" + secrets.token_hex(8)
        self._store.save_account(
            {
                "app_id": app_id,
                "secret": secrets.token_hex(16),
                "name": name,
                "oauth_domains": [],
                "ip_white_list": [],
                "snapshot": "off",
                "open_platform": False,
                "home_url": "",
            }
        )
        return redirect(f"/mp/{app_id}")

    def _server(self, request: Request, app_id: str) -> Reply:
        """The address is asked for its echo first: a wrong one is not saved."""
        form = request.form
        url, token, key = (form.get(name, "").strip() for name in ("url", "token", "key"))
        mode = form.get("mode", wire.SECURE)
        if not is_web_address(url):
            return self._back(app_id, "URL 不合法")
        if not wire.is_token(token):
            return self._back(app_id, "Token 必须为英文或数字，长度为3-32字符")
        if not wire.is_aes_key(key) or mode not in MODE_NAMES:
            return self._back(app_id, "EncodingAESKey 必须为43位的英文或数字")
        refused = verify(self._store, app_id, url, token)
        if refused:
            return self._back(app_id, refused)
        self._store.setup(app_id)
        self._store.run(
            "UPDATE account_setup SET server_url = ?, token = ?, aes_key = ?, mode = ?, is_on = 1 "
            "WHERE app_id = ?",
            url,
            token,
            key,
            mode,
            app_id,
        )
        return self._back(app_id, "服务器配置：提交成功，已启用")

    def _white_list(self, request: Request, app_id: str) -> Reply:
        addresses = [
            line.strip() for line in re.split(r"[\s,，]+", request.form.get("addresses", "")) if line
        ]
        self._store.run(
            "UPDATE accounts SET ip_white_list = ? WHERE app_id = ?", json.dumps(addresses), app_id
        )
        return self._back(app_id, "IP 白名单：保存成功")

    def _domains(self, request: Request, app_id: str) -> Reply:
        """Each host must serve the check file first."""
        hosts = {
            name: [h.lower() for h in re.split(r"[\s,，]+", request.form.get(name, "")) if h]
            for name in ("oauth", "js", "business")
        }
        limits = {"oauth": MAX_OAUTH_DOMAINS, "js": MAX_JS_DOMAINS, "business": MAX_BUSINESS_DOMAINS}
        if any(len(hosts[name]) > limit for name, limit in limits.items()):
            return self._back(app_id, "域名个数超出限制")
        if any("/" in host for listed in hosts.values() for host in listed):
            return self._back(app_id, "请填域名，不要带 http:// 和路径")
        for host in sorted({host for listed in hosts.values() for host in listed}):
            if not self._proves(app_id, host):
                return self._back(
                    app_id, f"无法访问 {host} 指向的 web 服务器（或虚拟主机）的 {check_file(app_id)}"
                )
        self._store.setup(app_id)
        with self._store.transaction():
            self._store.run(
                "UPDATE accounts SET oauth_domains = ? WHERE app_id = ?", json.dumps(hosts["oauth"]), app_id
            )
            self._store.run(
                "UPDATE account_setup SET js_domains = ?, business_domains = ? WHERE app_id = ?",
                json.dumps(hosts["js"]),
                json.dumps(hosts["business"]),
                app_id,
            )
        return self._back(app_id, "域名：保存成功")

    def _proves(self, app_id: str, host: str) -> bool:
        session = requests.Session()
        session.trust_env = False
        name = check_file(app_id)
        try:
            answer = session.get(f"http://{host}/{name}", timeout=TRY_SECONDS, allow_redirects=False)
        except requests.RequestException:
            return False
        return answer.status_code == 200 and answer.text.strip() == check_content(app_id)

    def _template(self, request: Request, app_id: str) -> Reply:
        kind = request.form.get("kind", "")
        if kind in LIBRARY:
            title, content = LIBRARY[kind]
            self._store.run(
                "INSERT INTO templates VALUES (?, ?, ?, ?, ?)", random_text(43), app_id, kind, title, content
            )
        return self._back(app_id, "模板：添加成功")

    def _reset_secret(self, request: Request, app_id: str) -> Reply:
        self._store.run("UPDATE accounts SET secret = ? WHERE app_id = ?", secrets.token_hex(16), app_id)
        return self._back(app_id, "AppSecret 已重置")

    def _back(self, app_id: str, note: str) -> Reply:
        return redirect(f"/mp/{app_id}?note={requests.utils.quote(note)}")


def check_file(app_id: str) -> str:
    """The name of the file that proves a host: MP_verify_<16>.txt [3P]; its content are the 16 [M]."""
    return f"MP_verify_{check_content(app_id)}.txt"


def check_content(app_id: str) -> str:
    """The sixteen characters of an account."""
    return wire.signature("check", app_id)[:16]


def allows_js(store: Store, app_id: str, host: str) -> bool:
    """Whether a page's host is a JS 接口安全域名: a parent covers its sub-domains [D]."""
    listed = json.loads(store.setup(app_id)["js_domains"])
    return any(host == domain or host.endswith(f".{domain}") for domain in listed)


def host_of(address: str) -> str:
    """Host and port of an address."""
    return urlsplit(address).netloc.lower()


# --- forms ------------------------------------------------------------------------------------------
def _keys(account: Row, setup: Row) -> str:
    app_id = escape(account["app_id"])
    return (
        '<section class="card"><h2>基本配置</h2><dl class="facts">'
        f'<dt>开发者ID（AppID）</dt><dd data-value="app-id">{app_id}</dd>'
        f'<dt>开发者密码（AppSecret）</dt><dd data-value="secret">{escape(account["secret"])}</dd>'
        f'<dt>原始ID</dt><dd data-value="gh-id">{escape(setup["gh_id"])}</dd></dl>'
        f'<form method="post" action="/mp/{app_id}/reset-secret">'
        '<button class="quiet">重置 AppSecret</button></form></section>'
    )


def _field(name: str, label: str, value: str) -> str:
    return (
        f'<p><label for="{name}">{label}</label><input id="{name}" name="{name}" value="{escape(value)}" '
        'autocomplete="off" spellcheck="false"></p>'
    )


def _server_form(app_id: str, setup: Row) -> str:
    modes = "".join(
        f'<label><input type="radio" name="mode" value="{mode}"{" checked" if mode == setup["mode"] else ""}>'
        f"{words}</label> "
        for mode, words in MODE_NAMES.items()
    )
    state = "已启用" if setup["is_on"] else "未启用"
    return (
        f'<section class="card"><h2>服务器配置（{state}）</h2>'
        f'<form method="post" action="/mp/{escape(app_id)}/server">'
        + _field("url", "服务器地址(URL)", setup["server_url"])
        + _field("token", "令牌(Token)", setup["token"])
        + _field("key", "消息加解密密钥(EncodingAESKey)", setup["aes_key"])
        + f'<fieldset class="modes"><legend>消息加解密方式</legend>{modes}</fieldset>'
        '<button class="button">提交</button></form></section>'
    )


def _white_list_form(account: Row) -> str:
    listed = account["ip_white_list"]
    addresses = "\n".join(json.loads(listed)) if listed is not None else ""
    words = "没有设白名单，任何地址都能用。" if listed is None else ""
    return (
        f'<section class="card"><h2>IP 白名单</h2>{words}'
        f'<form method="post" action="/mp/{escape(account["app_id"])}/white-list">'
        f'<p><label for="addresses">每行一个地址</label><textarea id="addresses" name="addresses" rows="2">'
        f'{escape(addresses)}</textarea></p><button class="button">保存白名单</button></form></section>'
    )


def _domain_form(account: Row, setup: Row) -> str:
    app_id = account["app_id"]
    return (
        '<section class="card"><h2>功能设置：域名</h2>'
        f'<p>先把文件 <strong data-value="check-file">{check_file(app_id)}</strong>'
        f'（内容 <strong data-value="check-content">{check_content(app_id)}</strong>）放到域名的根目录。</p>'
        f'<form method="post" action="/mp/{escape(app_id)}/domains">'
        + _field("business", "业务域名（最多 3 个）", " ".join(json.loads(setup["business_domains"])))
        + _field("js", "JS接口安全域名（最多 5 个）", " ".join(json.loads(setup["js_domains"])))
        + _field("oauth", "网页授权域名（最多 2 个）", " ".join(json.loads(account["oauth_domains"])))
        + '<button class="button">保存域名</button></form></section>'
    )
