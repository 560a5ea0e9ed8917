"""The catalogue of errors: one code, one Chinese message, one HTTP status each.

Services raise `Problem`; views and the API render it (RFC 9457 problem details in the API, a sentence
on a page). A message says what is wrong, where, and what to do. Fields in braces are filled in.
"""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

CATALOGUE: dict[str, tuple[int, Any]] = {
    "common.not_found": (404, _("没有找到您要的内容。可能已经移走，或者您没有查看的权限。")),
    "common.forbidden": (403, _("您没有权限做这件事。需要的话，请联系管理员。")),
    "common.bad_file": (400, _("这个文件读不了：{reason}。请改好后再上传。")),
    "common.rows_refused": (
        400,
        _("文件里有 {count} 处问题，整个文件都没有导入。第一处：第 {row} 行，{reason}。"),
    ),
    "regions.boundaries_refused": (
        400,
        _("文件里有 {count} 处问题，整个文件都没有收。第一处：第 {number} 个图形，{reason}。"),
    ),
    "common.locked": (409, _("{what}已经锁定，不能再改。要改的话，请新建一版。")),
    "common.busy": (409, _("{what}正在处理，请等它完成。")),
    "common.invalid": (400, _("{reason}")),
    "common.too_many": (429, _("试得太频繁了。请过 {minutes} 分钟再试。")),
    "questionnaire.invalid": (400, _("问卷有 {count} 处问题，还不能发布。第一处：{where}，{reason}。")),
    "questionnaire.edited_elsewhere": (
        409,
        _("{who} {when} 也改了这份草稿，您的改动还没有存上。您写的还在下面；看过新的样子，再点一次保存。"),
    ),
    "study.not_ready": (409, _("还不能开始：{reason}。")),
    "sampling.impossible": (400, _("这个设计做不到：{reason}。可以改成：{possible}。")),
    "sampling.already_drawn": (409, _("这一轮已经抽过样。抽样不能重来；确需重抽，请写明理由另抽一次。")),
    "sampling.frame_altered": (409, _("名录或设计和当初的不一致，没有抽样：{reason}。请联系管理员核查。")),
    "sampling.replicate_order": (409, _("备用样本只能整批、按顺序放出：下一批是第 {next} 批。")),
    "sampling.commit_pending": (
        409,
        _("这一轮的第 {number} 次承诺还没有抽取。请先用它抽取，或写明理由作废。"),
    ),
    "sampling.beacon_waits": (409, _("公开随机数要到 {at} 才揭晓，现在还不能抽。")),
    "sampling.secret_missing": (409, _("还缺{names}的秘密，收齐才能抽。")),
    "sampling.frame_old": (409, _("这份名录是旧格式，做不出可核验的抽样。请把名单重新导入一次。")),
    "sampling.overdue": (409, _("这次承诺答应在 {date} 前公布，日期已过，算作废。请重新承诺。")),
    "sampling.not_public": (403, _("公开名录要等收卷结束、公开秘密以后才能下载。")),
    "sampling.not_closed": (409, _("这一轮还没有结束收卷。结束以后才能公布秘密和名单。")),
    "operations.no_recipient": (
        400,
        _("备份要有一把公钥（age1 开头）。请先运行 backup_key 生成一对，把公钥写进 MINYI_BACKUP_RECIPIENT。"),
    ),
    "operations.no_program": (
        500,
        _("这台机器上没有 {program}。请安装 postgresql-client，版本不低于数据库的。"),
    ),
    "operations.program_failed": (500, _("{program} 没有做成：{reason}。什么也没有留下。")),
    "operations.not_empty": (409, _("{what}不是空的，没有恢复，什么也没动。请换一个空的数据库和文件夹。")),
    "operations.wrong_identity": (
        400,
        _("打不开：私钥不是这份备份的，或者文件坏了。请换一把私钥，或换一份备份。"),
    ),
    "operations.not_a_backup": (400, _("这不是能恢复到这里的备份：里面是 {found}，要的是 {expected}。")),
    "contacts.code_unknown": (404, _("这个码不对。请看信上的 12 位字母和数字，再输一遍。")),
    "contacts.code_replaced": (410, _("这封信的码已经换成新的了。请用最近收到的那封信。")),
    "contacts.not_open": (409, _("调查还没有开始，码要等开始以后才能用。日期请看信，或拨信上的电话。")),
    "contacts.closed": (410, _("这次调查已经结束，谢谢您的关心。")),
    "responses.other_content": (
        409,
        _("这份答卷已经收到过，这次的内容和上次不一样，没有覆盖。要改答案，请拨信上的电话。"),
    ),
    "responses.already_answered": (409, _("您家已经答过了，谢谢。不是您家答的？请拨信上的电话。")),
    "responses.volunteer_answered": (409, _("您已经答过这一轮了，谢谢。每个微信号每轮只收一份。")),
    "responses.no_consent": (403, _("请先看说明，点“我愿意”以后再答题。")),
    "responses.no_person": (409, _("请先选好由谁来答，再交卷。您已经答的还在手机里。")),
    "responses.session_lost": (
        403,
        _("我们认不出这部手机了。请再扫一次信上的二维码；您已经答的还在手机里。"),
    ),
    "responses.invalid": (422, _("有 {count} 题需要再看一下。第一处：{item}，{reason}。")),
    "responses.attachment_large": (413, _("图片太大了，最多 {limit} MB。请换一张小一些的。")),
    "responses.attachment_no_picture": (400, _("这个文件不是照片。请拍一张，或选一张 JPG、PNG 图片。")),
    "responses.attachment_broken": (400, _("图片在路上坏了，没有收下。请再传一次。")),
    "responses.attachment_many": (409, _("还没有交卷的图片太多了。请先交卷，或去掉几张再传。")),
    "responses.attachment_missing": (409, _("“{item}”的图片还没有传到。请稍等片刻再交，答案都还在手机里。")),
    "responses.quota_full": (409, _("{reason}")),
    "responses.quota_closed": (409, _("和您情况相近的朋友已经答得够多了，这份没有收。谢谢您的热心。")),
    "responses.old_version": (409, _("问卷换了新版本。请重新打开信上的链接，您的答案还在手机里。")),
    "fieldwork.not_assigned": (403, _("这一户没有分配给您。请找督导员核对。")),
    "fieldwork.not_reviewable": (409, _("这份答卷不能再审：{reason}。")),
    "fieldwork.too_few_attempts": (
        409,
        _("还不能结束这一户：至少还要去 {missing} 次，其中 {off_hours} 次在晚上、周末或节假日。"),
    ),
    "fieldwork.priorities_frozen": (409, _("优先名单已经定下，不能再改。收卷开始以前没有定的，这一轮不用。")),
    "fieldwork.roster_locked": (409, _("名单已经锁定，抽中的人不能换。名单有错，请写明原因后改动。")),
    "fieldwork.device_taken": (409, _("这部手机上的应用登记在别人名下。请退出后用自己的账号重新设置。")),
    "fieldwork.device_unknown": (404, _("还没有登记这部手机。请连网打开应用，重新登记一次。")),
    "fieldwork.bad_cursor": (400, _("上次同步的位置读不出来，请从头同步一次。")),
    "fieldwork.too_many_items": (413, _("一次最多传 {limit} 条，请分几次传。")),
    "stats.impossible": (409, _("“{step}”这一步算不出来：{reason}。")),
    "stats.lonely_psu": (409, _("这些层里只有一个抽样单位，算不出误差：{strata}。抽样前应先合并这些层。")),
    "stats.not_converged": (409, _("“{step}”没有收敛，加权后和总体对不上。请合并人数少的格子再算。")),
    "reports.no_margins": (409, _("{region}没有人口普查数据（{what}），不能加权。请先导入普查表。")),
    "reports.not_pinned": (409, _("这一轮还没有定下{what}，不能计算。")),
    "reports.wrong_state": (409, _("这份报告{state}，不能{deed}。")),
    "reports.too_few": (409, _("能用的答卷只有 {count} 份，算不出可靠的数。至少要 {needed} 份。")),
    "reports.snapshot_gone": (409, _("这一轮的数据快照不能用了：{reason}。请重新计算。")),
    "reports.font": (400, _("这些字现有字体画不出来：{characters}。请装上完整的中文字体，或改名字。")),
    "wechat.poster_unknown": (
        404,
        _("这张海报的码已经不用了，或者扫得不完整。请再扫一次，或拨海报上的电话。"),
    ),
    "wechat.failed": (502, _("微信没有回应。请稍后再扫一次；也可以用信上的码在浏览器里打开。")),
    "wechat.push_settled": (409, _("这一条不用再处理：已经处理过，或者内容已经销毁，或者程序还不认识它。")),
    "wechat.refused": (403, _("您没有同意微信授权。也可以用信上的码，在浏览器里答题。")),
}


class Problem(Exception):
    """A refusal that a person can act on.

    Parameters
    ----------
    code : a key of `CATALOGUE`.
    errors : optional list of dictionaries with the details (row, item, reason), shown below the sentence.
    fields : values for the braces of the message.
    """

    def __init__(self, code: str, errors: list[dict[str, Any]] | None = None, **fields: Any) -> None:
        if code not in CATALOGUE:
            raise KeyError(f"no such error in the catalogue: {code}")
        self.code = code
        self.fields: Mapping[str, Any] = fields
        self.errors = errors or []
        super().__init__(code)

    @property
    def status(self) -> int:
        """HTTP status."""
        return CATALOGUE[self.code][0]

    @property
    def message(self) -> str:
        """The sentence, in the active language."""
        # A reason that is a sentence of its own must not end twice.
        words = {k: v.rstrip("。") if isinstance(v, str) else v for k, v in self.fields.items()}
        text = str(CATALOGUE[self.code][1])
        return text.format(**(self.fields if text == "{reason}" else words))

    def __str__(self) -> str:
        return self.message
