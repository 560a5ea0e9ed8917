"""The table in the files that programs of analysts read."""

import io
import tempfile
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyreadstat

from survey.reports.microdata.table import Microdata
from survey.reports.microdata.variables import Variable

SPSS_LABEL, SPSS_VALUE, STATA_LABEL = 84, 39, 80  # characters: 255 and 120 bytes of SPSS in UTF-8; Stata 14+
MOST_DISCRETE = 3  # missing values that SPSS lists one by one; more must be a range


def csv(data: Microdata) -> bytes:
    """UTF-8 with a mark that Excel knows; codes as whole numbers."""
    return _whole(data.frame).to_csv(index=False, lineterminator="\n").encode("utf-8-sig")


def parquet(data: Microdata) -> bytes:
    """Typed columns, with labels in the schema's metadata."""
    table = pa.Table.from_pandas(_whole(data.frame), preserve_index=False)
    fields = [
        table.schema.field(v.name).with_metadata(
            {"label": v.label, **{f"code:{k}": t for k, t in v.labels.items()}}
        )
        for v in data.variables
    ]
    written = io.BytesIO()
    pq.write_table(table.cast(pa.schema(fields)), written, compression="zstd")
    return written.getvalue()


def sav(data: Microdata, title: str) -> bytes:
    """SPSS, with labels and what counts as missing."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data.sav"
        pyreadstat.write_sav(
            data.frame,
            path,
            file_label=title[:20],
            column_labels={v.name: v.label[:SPSS_LABEL] for v in data.variables},
            variable_value_labels=_value_labels(data.variables, SPSS_VALUE),
            missing_ranges={v.name: _missing(v) for v in data.variables if v.missing},
            row_compress=True,
        )
        return path.read_bytes()


def dta(data: Microdata, title: str) -> bytes:
    """Stata 14 and later; the codes below 0 keep their labels, `mvdecode` turns them into missing."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data.dta"
        pyreadstat.write_dta(
            data.frame,
            path,
            file_label=title[:20],
            column_labels={v.name: v.label[:STATA_LABEL] for v in data.variables},
            variable_value_labels=_value_labels([v for v in data.variables if not v.is_text], STATA_LABEL),
        )
        return path.read_bytes()


def _value_labels(variables: list[Variable], longest: int) -> dict[str, dict[float | str, str]]:
    return {v.name: {code: text[:longest] for code, text in v.labels.items()} for v in variables if v.labels}


def _missing(variable: Variable) -> list[float | dict[str, float]]:
    if len(variable.missing) <= MOST_DISCRETE:
        return list(variable.missing)
    return [{"lo": min(variable.missing), "hi": max(variable.missing)}]


def _whole(frame: pd.DataFrame) -> pd.DataFrame:
    """Columns of whole numbers without a gap as integers."""
    found = frame.copy()
    for name in found.select_dtypes("float").columns:
        values = found[name]
        if values.notna().all() and (values == values.round()).all():
            found[name] = values.astype("int64")
    return found
