"""The WeChat channel: accounts, their set-up that checks itself, and what they publish."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from survey.accounts.access import allowed
from survey.accounts.models import User
from survey.accounts.policies import may
from survey.common.errors import Problem
from survey.console.rows import one_of, team_studies
from survey.contacts.letter_page import qr_svg
from survey.studies.models import Study
from survey.wechat import inbox, publishing, setup
from survey.wechat.alarms import open_alarms, settle_alarm
from survey.wechat.chat_answers import TYPED_KEY
from survey.wechat.errors import WeChatError, action_for
from survey.wechat.models import Article, KeywordReply, Menu, Poster, SceneCode, WeChatAccount

PUBLISHED_WORDS: dict[str, Any] = {
    "menu": gettext_lazy("微信收下了菜单。手机上几分钟内更新；重新关注可以马上看到。"),
    "scene": gettext_lazy("二维码做好了。扫了会先进聊天，卡片会发到聊天里。"),
    "keyword": gettext_lazy("存好了。"),
    "remove_keyword": gettext_lazy("删掉了。"),
    "article": gettext_lazy("写好了。下一步送到草稿箱。"),
    "draft": gettext_lazy("已经在公众号的草稿箱里，可以在公众平台上预览。"),
    "submit": gettext_lazy("交给微信发布了，结果出来会显示在这里。发布不等于群发：关注的人不会收到消息。"),
    "refresh": "",
}
MENU_PLACES = range(publishing.MAX_BUTTONS)


def accounts_of(user: User) -> Any:
    """Accounts that the user may set up."""
    return WeChatAccount.objects.visible_to(user).order_by("name", "pk")


def account_of(user: User, pk: int) -> WeChatAccount:
    """One of them, or Problem common.not_found."""
    return one_of(accounts_of(user), pk=pk)


def posted_key(request: HttpRequest, name: str) -> int:
    """The key of a row in a form; 0, which no row has, for anything else."""
    text = request.POST.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0


def own_studies(user: User) -> list[Study]:
    """Studies that the user may give to an account."""
    return [study for study in team_studies(user) if may(user, "wechat.manage", study.region)]


def _chosen(request: HttpRequest) -> list[Study]:
    picked = set(request.POST.getlist("studies"))
    return [study for study in own_studies(request.user) if str(study.pk) in picked]


# --- accounts ---------------------------------------------------------------------------------------
@allowed("wechat.manage")
@require_http_methods(["GET", "POST"])
def channels(request: HttpRequest) -> HttpResponse:
    """All accounts, and the form of a new one."""
    given: dict[str, str] = {}
    error = ""
    if request.method == "POST":
        given = {name: request.POST.get(name, "").strip() for name in ("name", "app_id", "app_secret")}
        try:
            account = setup.begin_account(studies=_chosen(request), acting_user=request.user, **_named(given))
        except Problem as problem:
            error = problem.message
        else:
            messages.success(request, _("账号登记好了。下面一步一步来，每一步都可以当场检查。"))
            return redirect("console:channel", pk=account.pk)
    rows = list(accounts_of(request.user).prefetch_related("checks", "studies"))
    for row in rows:
        row.n_good = sum(check.state == "good" for check in row.checks.all())
    context = {
        "current": "channels",
        "accounts": rows,
        "n_steps": len(setup.STEPS),
        "studies": own_studies(request.user),
        "given": given,
        "error": error,
    }
    return render(request, "console/channels.html", context, status=400 if error else 200)


def _named(given: dict[str, str]) -> dict[str, str]:
    if not given["name"]:
        raise Problem("common.invalid", reason=_("请写公众号的名称"))
    return given


@allowed("wechat.manage")
@require_http_methods(["GET", "POST"])
def channel(request: HttpRequest, pk: int) -> HttpResponse:
    """One account's set-up: each step with what to click, its check and what WeChat answered."""
    account = account_of(request.user, pk)
    if request.method == "POST":
        _change(request, account)
        return redirect("console:channel", pk=pk)
    checks = {check.step: check for check in account.checks.all()}
    steps = [
        {"key": step, "name": setup.NAMES[step], "check": checks.get(step), "number": number}
        for number, step in enumerate(setup.STEPS, start=1)
    ]
    for check in checks.values():
        check.good = check.state == "good"
    token, key = setup.server_secrets(account, acting_user=request.user)
    alarms = list(open_alarms(account))
    for alarm in alarms:
        alarm.action = action_for(alarm.code, alarm.message)
    context = {
        "current": "channels",
        "account": account,
        "setup_steps": steps,
        "n_good": sum(check.good for check in checks.values()),
        "callback_address": setup.callback_address(account),
        "token": token,
        "aes_key": key,
        "host": setup.site_host(),
        "files": account.domain_files.all(),
        "studies": own_studies(request.user),
        "chosen": {study.pk for study in account.studies.all()},
        "alarms": alarms,
        "n_unsettled": inbox.unsettled(account).count(),
    }
    return render(request, "console/channel.html", context)


def _change(request: HttpRequest, account: WeChatAccount) -> None:
    deeds: dict[str, Callable[[], Any]] = {
        "account": lambda: setup.change_account(
            account=account,
            name=request.POST.get("name", ""),
            app_secret=request.POST.get("app_secret", ""),
            studies=[*_chosen(request), *_not_ours(request.user, account)],
            acting_user=request.user,
        ),
        "file": lambda: setup.keep_domain_file(
            account=account,
            name=request.POST.get("file_name", ""),
            content=request.POST.get("content", ""),
            acting_user=request.user,
        ),
        "alarm": lambda: settle_alarm(
            alarm=one_of(open_alarms(account), pk=posted_key(request, "alarm")), acting_user=request.user
        ),
    }
    _do(request, deeds, {"account": _("存好了。"), "file": _("文件放好了，微信现在能读到。"), "alarm": ""})


def _not_ours(user: User, account: WeChatAccount) -> list[Study]:
    """Studies of other leads stay with the account whatever this user ticks."""
    ours = {study.pk for study in own_studies(user)}
    return [study for study in account.studies.all() if study.pk not in ours]


def _do(request: HttpRequest, deeds: dict[str, Callable[[], Any]], said: dict[str, str]) -> None:
    """Run the deed that was asked for; refusals become words on the page."""
    name = request.POST.get("do", "")
    if name not in deeds:
        raise Problem("common.not_found")
    try:
        deeds[name]()
    except Problem as problem:
        messages.error(request, problem.message)
    except WeChatError as refusal:
        messages.error(request, _("微信没有答应：%(action)s") % {"action": refusal.action})
    else:
        if said.get(name):
            messages.success(request, said[name])


@allowed("wechat.manage")
@require_POST
def check_channel(request: HttpRequest, pk: int) -> HttpResponse:
    """Check one step, or all of them."""
    account = account_of(request.user, pk)
    step = request.POST.get("step", "")
    if step == "all":
        setup.check_all(account=account, acting_user=request.user)
        return redirect("console:channel", pk=pk)
    setup.check_step(account=account, step=step, acting_user=request.user)
    return redirect(f"{request.path.removesuffix('check/')}#{step}")


# --- publishing -------------------------------------------------------------------------------------
@allowed("wechat.manage")
@require_http_methods(["GET", "POST"])
def publish_channel(request: HttpRequest, pk: int) -> HttpResponse:
    """Menu, scene codes, keyword replies, articles."""
    account = account_of(request.user, pk)
    if request.method == "POST":
        _publish(request, account)
        return redirect("console:publish_channel", pk=pk)
    menu = Menu.objects.filter(account=account).first()
    buttons = menu.buttons if menu else []
    rows = [buttons[n] if n < len(buttons) else {} for n in MENU_PLACES]
    codes = list(SceneCode.objects.filter(account=account).select_related("poster__region"))
    for code in codes:
        code.picture = qr_svg(code.url)
    context = {
        "current": "channels",
        "account": account,
        "menu": menu,
        "buttons": [{"place": n, **_shown_button(row)} for n, row in enumerate(rows)],
        "typed_key": TYPED_KEY,
        "codes": codes,
        "posters": _open_posters(account),
        "keywords": KeywordReply.objects.filter(account=account),
        "matches": KeywordReply.Match.choices,
        "articles": Article.objects.filter(account=account)[:20],
        "default_address": setup.settings.PUBLIC_URL + "/s/",
    }
    return render(request, "console/channel_publish.html", context)


def _shown_button(row: dict[str, Any]) -> dict[str, str]:
    """One button as the form shows it: a link's address, or the word that is answered."""
    return {
        "name": row.get("name", ""),
        "type": row.get("type", "view"),
        "target": row.get("url") or row.get("key", ""),
    }


def _open_posters(account: WeChatAccount) -> Any:
    return Poster.objects.filter(
        round__study__in=account.studies.all(), closed_at__isnull=True
    ).select_related("region", "round")


def _publish(request: HttpRequest, account: WeChatAccount) -> None:
    post, user = request.POST, request.user
    deeds: dict[str, Callable[[], Any]] = {
        "menu": lambda: publishing.publish_menu(account=account, buttons=_buttons(request), acting_user=user),
        "scene": lambda: publishing.make_scene_code(
            account=account,
            scene=post.get("scene", "").strip(),
            name=post.get("name", ""),
            card_title=post.get("card_title", ""),
            card_text=post.get("card_text", ""),
            poster=_open_posters(account).filter(pk=posted_key(request, "poster")).first(),
            is_permanent=bool(post.get("permanent")),
            acting_user=user,
        ),
        "keyword": lambda: publishing.save_keyword(
            account=account,
            keyword=post.get("keyword", ""),
            match=post.get("match", ""),
            text=post.get("text", ""),
            acting_user=user,
        ),
        "remove_keyword": lambda: publishing.remove_keyword(
            rule=one_of(KeywordReply.objects.filter(account=account), pk=posted_key(request, "rule")),
            acting_user=user,
        ),
        **_article_deeds(request, account),
    }
    _do(request, deeds, PUBLISHED_WORDS)


def _article_deeds(request: HttpRequest, account: WeChatAccount) -> dict[str, Callable[[], Any]]:
    post, user = request.POST, request.user
    return {
        "article": lambda: publishing.write_article(
            account=account,
            title=post.get("title", ""),
            digest=post.get("digest", ""),
            body=post.get("body", ""),
            link=post.get("link", ""),
            acting_user=user,
        ),
        "draft": lambda: publishing.draft_article(article=_article(request, account), acting_user=user),
        "submit": lambda: publishing.publish_article(article=_article(request, account), acting_user=user),
        "refresh": lambda: publishing.refresh_article(article=_article(request, account), acting_user=user),
    }


def _article(request: HttpRequest, account: WeChatAccount) -> Article:
    return one_of(Article.objects.filter(account=account), pk=posted_key(request, "article"))


def _buttons(request: HttpRequest) -> list[dict[str, Any]]:
    """The menu's form: up to three rows of name, kind and address or word; empty rows are left out."""
    found = []
    for n in MENU_PLACES:
        name, target = (request.POST.get(f"{part}{n}", "").strip() for part in ("name", "target"))
        if not name and not target:
            continue
        kind = "click" if request.POST.get(f"type{n}") == "click" else "view"
        found.append({"type": kind, "name": name, "key" if kind == "click" else "url": target})
    return found
