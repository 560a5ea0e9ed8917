"""What each kind of job is called on a page."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

NAMES = {
    "sampling.import_households": gettext_lazy("导入住户名录"),
    "sampling.forecast": gettext_lazy("模拟各街道会有多准"),
    "sampling.draw": gettext_lazy("抽样"),
    "sampling.check_frame": gettext_lazy("核对住户名录"),
    "contacts.prepare_letters": gettext_lazy("备信"),
    "sampling.verify": gettext_lazy("公开核验抽样"),
    "reports.run": gettext_lazy("计算权数和误差"),
}


def job_name(kind: str) -> str:
    """A job's name in words; a kind that has none keeps its own."""
    return str(NAMES.get(kind, _("任务 %s") % kind))
