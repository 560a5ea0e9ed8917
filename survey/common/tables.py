"""Reads tables that people bring: CSV in UTF-8 (with or without BOM), GBK or GB18030, and .xlsx.

Rows stream: memory stays flat however long the file is.
"""

import codecs
import csv
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import NoReturn
from zipfile import BadZipFile

from django.utils.translation import gettext as _
from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from survey.common.errors import Problem
from survey.common.refused import RefusedRows

Row = tuple[int, dict[str, str]]
LINES_TRIED = 1000


def _encoding(path: Path) -> str:
    """UTF-8 or GB18030 (a superset of GBK); the file decodes in it from end to end.

    Almost any bytes are GB18030, so a UTF-8 file with one broken byte would be read as rubbish. Hardly a line
    of GBK is UTF-8: what most of the first lines are is the file's encoding, and a break in it is an error.
    """
    with path.open("rb") as file:
        head = file.read(4)
        if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            raise Problem("common.bad_file", reason=_("文字编码是 UTF-16，请另存为“CSV UTF-8（逗号分隔）”"))
        file.seek(0)
        lines = list(islice((line for line in file if not line.isascii()), LINES_TRIED))
    n_utf8 = sum(_reads(line, "utf-8") for line in lines)
    is_utf8 = head.startswith(codecs.BOM_UTF8) or 2 * n_utf8 >= len(lines)
    encoding = "utf-8-sig" if is_utf8 else "gb18030"
    if not _reads_whole(path, encoding):
        _refuse_broken_lines(path, encoding)
    return encoding


def _reads(line: bytes, encoding: str) -> bool:
    try:
        line.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _reads_whole(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        with path.open("rb") as file:
            while chunk := file.read(1 << 16):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _refuse_broken_lines(path: Path, encoding: str) -> NoReturn:
    """Name every line whose bytes are not text. In both encodings a line feed is never half a character."""
    name = "UTF-8" if encoding.startswith("utf-8") else "GB18030（GBK）"
    refused = RefusedRows()
    with path.open("rb") as file:
        for row, line in enumerate(file, start=1):
            try:
                line.decode(encoding)
            except UnicodeDecodeError as error:
                place = len(line[: error.start].decode(encoding)) + 1
                words = _("第 {place} 个字坏了，不是 {name} 编码的字").format(place=place, name=name)
                refused.add(row, words)
    refused.refuse()
    raise Problem("common.bad_file", reason=_("文字编码不是 UTF-8、GBK 或 GB18030"))


def _csv_rows(path: Path) -> Iterator[Sequence[str]]:
    with path.open(encoding=_encoding(path), newline="") as file:
        first = file.readline()
        file.seek(0)
        delimiter = "\t" if first.count("\t") > first.count(",") else ","
        rows = csv.reader(file, delimiter=delimiter)
        try:
            yield from rows
        except csv.Error as error:
            raise Problem(
                "common.bad_file",
                reason=_("第 {row} 行附近的格式有误，多半是引号没有成对（{error}）").format(
                    row=rows.line_num, error=error
                ),
            ) from error


def _xlsx_rows(path: Path) -> Iterator[Sequence[str]]:
    try:
        book = load_workbook(path, read_only=True, data_only=True)
    except (BadZipFile, InvalidFileException, KeyError, OSError) as exc:
        raise Problem("common.bad_file", reason=_("不是有效的 Excel（.xlsx）文件")) from exc
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
        raise Problem("common.bad_file", reason=_("找不到文件 {name}").format(name=path.name))
    if path.suffix.lower() == ".xls":
        raise Problem("common.bad_file", reason=_("旧式 .xls 请另存为 .xlsx 或 CSV"))
    rows = _xlsx_rows(path) if path.suffix.lower() == ".xlsx" else _csv_rows(path)
    try:
        header = next(rows)
    except StopIteration:
        raise Problem("common.bad_file", reason=_("文件是空的")) from None
    places = _find_columns(header, columns)
    missing = [name for name in required if name not in places]
    if missing:
        wanted = "、".join(columns[name][0] for name in missing)
        raise Problem("common.bad_file", reason=_("表头里没有“{wanted}”这一列").format(wanted=wanted))
    for number, row in enumerate(rows, start=2):
        if any(map(str.strip, row)):
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
