"""Reads tables that people bring: CSV in UTF-8 (with or without BOM), GBK or GB18030, and .xlsx.

Rows stream: memory stays flat however long the file is.
"""

import codecs
import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from zipfile import BadZipFile

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from survey.common.errors import Problem

Row = tuple[int, dict[str, str]]


def _encoding(path: Path) -> str:
    """The first of UTF-8 and GB18030 (a superset of GBK) that decodes the whole file."""
    for name in ("utf-8-sig", "gb18030"):
        decoder = codecs.getincrementaldecoder(name)()
        try:
            with path.open("rb") as file:
                while chunk := file.read(1 << 16):
                    decoder.decode(chunk)
                decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            continue
        return name
    raise Problem("common.bad_file", reason="文字编码不是 UTF-8、GBK 或 GB18030")


def _csv_rows(path: Path) -> Iterator[Sequence[str]]:
    with path.open(encoding=_encoding(path), newline="") as file:
        first = file.readline()
        file.seek(0)
        delimiter = "\t" if first.count("\t") > first.count(",") else ","
        yield from csv.reader(file, delimiter=delimiter)


def _xlsx_rows(path: Path) -> Iterator[Sequence[str]]:
    try:
        book = load_workbook(path, read_only=True, data_only=True)
    except (BadZipFile, InvalidFileException, KeyError, OSError) as exc:
        raise Problem("common.bad_file", reason="不是有效的 Excel（.xlsx）文件") from exc
    try:
        for row in book.worksheets[0].iter_rows(values_only=True):
            yield [_cell(value) for value in row]
    finally:
        book.close()


def _cell(value: object) -> str:
    """Excel keeps codes as numbers: 370105000000.0 means 370105000000."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def read_table(
    path: str | Path, columns: Mapping[str, Sequence[str]], required: Sequence[str]
) -> Iterator[Row]:
    """Yield (row number as Excel shows it, {column: text}) for each row that is not empty.

    Parameters
    ----------
    columns : our column name → the headers (Chinese or English, any case) that people use for it.
    required : columns that must be found in the header.

    Raises
    ------
    Problem common.bad_file : unreadable file, no header, or a required column is missing.
    """
    path = Path(path)
    if not path.is_file():
        raise Problem("common.bad_file", reason=f"找不到文件 {path.name}")
    if path.suffix.lower() == ".xls":
        raise Problem("common.bad_file", reason="旧式 .xls 请另存为 .xlsx 或 CSV")
    rows = _xlsx_rows(path) if path.suffix.lower() == ".xlsx" else _csv_rows(path)
    try:
        header = next(rows)
    except StopIteration:
        raise Problem("common.bad_file", reason="文件是空的") from None
    except csv.Error as exc:
        raise Problem("common.bad_file", reason=f"CSV 格式有误（{exc}）") from exc
    places = _find_columns(header, columns)
    missing = [name for name in required if name not in places]
    if missing:
        wanted = "、".join(columns[name][0] for name in missing)
        raise Problem("common.bad_file", reason=f"表头里没有“{wanted}”这一列")
    for number, row in enumerate(rows, start=2):
        if any(cell.strip() for cell in row):
            yield number, {n: row[i].strip() if i < len(row) else "" for n, i in places.items()}


def _find_columns(header: Sequence[str], columns: Mapping[str, Sequence[str]]) -> dict[str, int]:
    seen = {text.strip().lower().lstrip("\ufeff"): i for i, text in reversed(list(enumerate(header)))}
    places = {}
    for name, aliases in columns.items():
        for alias in (name, *aliases):
            if alias.lower() in seen:
                places[name] = seen[alias.lower()]
                break
    return places
