"""“接下来做这件事”: the one thing that brings a round forward."""

from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _

from survey.accounts.models import User
from survey.accounts.policies import may
from survey.console.steps import Standing, is_set_up
from survey.reports.models import Report, Run
from survey.studies.models import Round


@dataclass(frozen=True)
class NextStep:
    """A plain claim, why, and the button that leads there (no address: nothing to press)."""

    title: str
    text: str
    url: str = ""
    button: str = ""


def _go(round_: Round, name: str) -> str:
    return reverse(f"console:{name}", args=[round_.pk])


def next_step(has: Standing, user: User) -> NextStep:
    """What comes next, and whether this user may do it."""
    step, action = _what(has)
    if step.url and not may(user, action, has.round.study.region):
        return NextStep(step.title, step.text + _("这一步由项目负责人来做。"))
    return step


def _what(has: Standing) -> tuple[NextStep, str]:
    round_ = has.round
    if round_.state == Round.State.DRAFT:
        return _before_the_field(has)
    if round_.state == Round.State.OPEN:
        return _in_the_field(has)
    return _after_the_field(has)


def _before_the_field(has: Standing) -> tuple[NextStep, str]:
    round_ = has.round
    if has.frame is None:
        return NextStep(
            _("导入住户名录"),
            _("一张表，一行一户，写明社区和地址。名录导入后锁定，抽样就从它里面抽。"),
            _go(round_, "frame"),
            _("去导入"),
        ), "sampling.manage"
    if not is_set_up(round_):
        text = (
            _("还没有选定问卷。上传 XLSForm，或选一个已发布的版本。")
            if round_.questionnaire_version_id is None
            else _("问卷已经选好，还差给居民看的说明书和指标。")
        )
        return NextStep(
            _("定下问卷和说明书"), text, _go(round_, "questionnaire"), _("去定问卷")
        ), "studies.manage"
    if has.design is None:
        return NextStep(
            _("设计抽样"),
            _("先说要看多准，再看要抽多少户、花多少钱。抽之前可以反复看方案。"),
            _go(round_, "plan_population"),
            _("去设计"),
        ), "sampling.manage"
    if has.draw is None:
        return _draw(has), "sampling.draw" if has.pending else "sampling.commit"
    if not has.n_batches:
        return NextStep(
            _("给抽中的 %(n)s 户备信") % {"n": f"{has.n_cases:,}"},
            _("每户一页，带自己的二维码和 12 位码。印好装信封，寄出那天开始收卷。"),
            _go(round_, "letters"),
            _("去备信"),
        ), "contacts.manage"
    return NextStep(
        _("开始收卷"),
        _("问卷、说明书、样本和信都齐了。开始以后，这些不能再改。"),
        _go(round_, "open_round"),
        _("去开始"),
    ), "studies.manage"


def _draw(has: Standing) -> NextStep:
    """Commit, or draw what is committed to."""
    if has.pending is None:
        return NextStep(
            _("看一遍方案，然后公布承诺"),
            _("先公布怎么抽，再等谁也不知道的开奖号码来抽。承诺以后谁也改不了。"),
            reverse("console:design", args=[has.round.pk, has.design.pk]),
            _("看方案"),
        )
    return NextStep(
        _("等 %(beacon)s 揭晓，然后抽取") % {"beacon": has.pending.beacon_name},
        _("承诺已经锁定。揭晓以后把号码填进去，就按它抽。"),
        reverse("console:drawn", args=[has.round.pk, has.pending.pk]),
        _("去抽取"),
    )


def _in_the_field(has: Standing) -> tuple[NextStep, str]:
    round_ = has.round
    if not has.n_batches:
        return NextStep(
            _("给抽中的 %(n)s 户备信") % {"n": f"{has.n_cases:,}"},
            _("还没有备信，居民手里没有码。"),
            _go(round_, "letters"),
            _("去备信"),
        ), "contacts.manage"
    left = max(has.n_cases - has.n_responses, 0)
    if left:
        return NextStep(
            _("还有 %(n)s 户没有回音，派人上门") % {"n": f"{left:,}"},
            _("先看哪些街道慢，再把没回音的户分给访员。收够了，就结束收卷。"),
            _go(round_, "fieldwork"),
            _("看进度"),
        ), "console.view"
    return NextStep(
        _("结束收卷"), _("抽中的户都有了结果。结束以后就可以加权。"), _go(round_, "close_round"), _("去结束")
    ), "studies.manage"


def _after_the_field(has: Standing) -> tuple[NextStep, str]:
    round_ = has.round
    if has.run is None or has.run.state == Run.State.FAILED:
        return NextStep(
            _("计算权数和误差"),
            _("收回 %(n)s 份。先算每一份代表多少人，再算每个数和它的区间。") % {"n": f"{has.n_responses:,}"},
            _go(round_, "weighting"),
            _("去计算"),
        ), "reports.compute"
    if has.run.state == Run.State.RUNNING:
        return NextStep(
            _("正在计算"), _("算完会出现在“加权”里，您可以先做别的。"), _go(round_, "weighting"), _("看进度")
        ), "console.view"
    if has.report is None or has.report.state != Report.State.PUBLISHED:
        return NextStep(
            _("看一遍结果，然后发布报告"),
            _("发布以后干部就能看到。发布过的报告不能改，只能撤回再发。"),
            _go(round_, "reports"),
            _("去发布"),
        ), "reports.publish"
    return NextStep(
        _("这一轮做完了"), _("报告已经发布。"), _go(round_, "reports"), _("看报告")
    ), "console.view"
