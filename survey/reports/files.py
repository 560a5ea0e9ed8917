"""A report's figures as a file: CSV with a byte-order mark, which Excel opens rightly."""

import csv
import io

from django.utils.translation import gettext as _

from survey.reports.reading import Reading


def figures_csv(reading: Reading, number: str, document_hash: str) -> bytes:
    """Every published figure, one a line; suppressed ones with their reason and no number."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow([_("报告编号"), number, _("数据指纹"), document_hash])
    head = [
        _("指标代码"),
        _("指标"),
        _("范围代码"),
        _("范围"),
        _("单位"),
        _("估计值"),
        _("区间下限"),
        _("区间上限"),
    ]
    head += [_("答卷"), _("有效样本量"), _("设计效应"), _("自由度"), _("方差"), _("说明")]
    if reading.has_truth:
        head.append(_("模拟真值"))
    writer.writerow(head)
    for code, indicator in reading.indicators.items():
        for key, domain in reading.domains.items():
            figure = reading.figure(code, key)
            row = [code, indicator["name"], key, domain["label"], figure.unit]
            if figure.shown:
                row += [f"{figure.value:.4f}", f"{figure.low:.4f}", f"{figure.high:.4f}", figure.n]
                row += [f"{figure.n_effective:.1f}", "" if figure.deff is None else f"{figure.deff:.3f}"]
                row += [f"{figure.df:.1f}", _("合并") if figure.pooled else _("泰勒"), ""]
            else:
                row += ["", "", "", "", "", "", "", "", figure.reason]
            if reading.has_truth:
                row.append("" if figure.truth is None else f"{figure.truth:.4f}")
            writer.writerow(row)
    return b"\xef\xbb\xbf" + buffer.getvalue().encode()
