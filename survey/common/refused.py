"""Bad rows of a file that people bring: counted, the first ones kept, all of them listed in a file."""

import csv
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from django.utils.translation import gettext as _

from survey.common.errors import Problem

LISTED = 500


class RefusedRows:
    """Collects what is wrong with a file, with flat memory.

    Parameters
    ----------
    path : where every bad row is listed (CSV that Excel opens); the file is made with the first of them.

    Attributes
    ----------
    n : how many there are; `listed` : the first 500, {"row", "reason"} each.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self.n = 0
        self.listed: list[dict[str, Any]] = []
        self._file: TextIO | None = None

    def __enter__(self) -> "RefusedRows":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file:
            self._file.close()

    def add(self, row: int, reason: str) -> None:
        """One more bad row, by its number in the file."""
        self.n += 1
        if len(self.listed) < LISTED:
            self.listed.append({"row": row, "reason": reason})
        if self.path is None:
            return
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # A byte-order mark tells Excel that it is UTF-8.
            self._file = self.path.open("w", encoding="utf-8-sig", newline="")
            csv.writer(self._file).writerow([_("行"), _("原因")])
        csv.writer(self._file).writerow([row, reason])

    def refuse(self) -> None:
        """Raise Problem common.rows_refused with what was collected; nothing when all rows are good."""
        if not self.n:
            return
        errors = sorted(self.listed, key=lambda error: error["row"])
        raise Problem(
            "common.rows_refused",
            errors=errors,
            count=self.n,
            row=errors[0]["row"],
            reason=errors[0]["reason"],
        )
