"""The form for a boundary file."""

from django import forms
from django.utils.translation import gettext_lazy as _

from survey.regions.models import BoundaryFile


class BoundaryForm(forms.Form):
    """A file, its 审图号 and its coordinates."""

    file = forms.FileField(
        label=_("边界文件"),
        help_text=_("GeoJSON，一个区县、街道或社区一个面，属性里有统计用区划代码；最多 20 MB。"),
        widget=forms.FileInput(attrs={"accept": ".geojson,.json"}),
    )
    approval_number = forms.CharField(
        label=_("审图号"),
        max_length=60,
        help_text=_("照原图抄全，例如“鲁S(2024)001号”。它会印在每张图下面。"),
    )
    datum = forms.ChoiceField(
        label=_("坐标"),
        choices=[("", _("请选一项")), *BoundaryFile.Datum.choices],
        help_text=_(
            "问给您文件的人。偏移坐标（GCJ-02）比实际偏几百米，整张图一起偏，只涂颜色没有妨碍，不能拿来定位。"
        ),
    )
