"""A long league on a phone: the top, the reader's own unit with its neighbours, and the rest behind a fold.

Works without a script: the fold is a `details`, search and pages are addresses. No database.
"""

from dataclasses import dataclass
from urllib.parse import urlencode

from django.utils.translation import gettext as _

from survey.reports.reading import League, Row

FOLD_OVER = 15  # rows that a phone shows without a fold
TOP, TOP_ALONE, AROUND = 5, 8, 2
PAGE_SIZE = 200


@dataclass(frozen=True)
class Listing:
    """What the address asks of a league."""

    find: str = ""
    everything: bool = False
    page: int = 1

    @classmethod
    def of(cls, query: dict[str, str]) -> "Listing":
        """From `?q=`, `?list=all` and `?page=`; whatever else comes is ignored."""
        page = query.get("page", "")
        number = int(page) if page.isascii() and page.isdigit() and len(page) < 6 else 1
        return cls(query.get("q", "").strip()[:40], query.get("list") == "all", max(number, 1))


UNSEARCHED = Listing()


@dataclass(frozen=True)
class Stretch:
    """Rows that follow each other. `skipped`: how many of the order are left out before them."""

    rows: list[Row]
    skipped: int


@dataclass(frozen=True)
class Shortlist:
    """A league as a page shows it.

    stretches : what is seen at once; everything of a short league
    rows : the page of the whole order behind the fold; empty where nothing is folded
    left : rows after the last stretch; find, matches : what was searched for, and how many were found
    """

    stretches: list[Stretch]
    rows: list[Row]
    left: int
    note: str
    total: int
    is_open: bool
    find: str
    matches: int
    page: int
    pages: int
    places: dict[str, int]  # key → page behind the fold

    @property
    def is_folded(self) -> bool:
        return bool(self.rows)

    @property
    def numbers(self) -> list[Row]:
        """Rows of the table of numbers."""
        return self.rows or [row for stretch in self.stretches for row in stretch.rows]

    @property
    def before(self) -> int:
        """The page before; 0 on the first."""
        return self.page - 1

    @property
    def after(self) -> int:
        """The next page; 0 on the last."""
        return self.page + 1 if self.page < self.pages else 0

    def address(self, key: str, code: str) -> str:
        """Where a unit's row can be seen, even behind the fold."""
        if key not in self.places:
            return f"#row-{key}"
        query = urlencode({"indicator": code, "list": "all", "page": self.places[key]})
        return f"?{query}#row-{key}"


def shorten(league: League, own: str | None, listing: Listing) -> Shortlist:
    """What a page shows of a league at once. Ties keep their tint wherever they stand; nothing is re-ordered.

    own : the reader's unit, if it is in the league
    """
    rows, total = league.rows, len(league.rows)
    if total <= FOLD_OVER:
        return Shortlist([Stretch(rows, 0)], [], 0, "", total, False, "", 0, 1, 1, {})
    pages = -(-total // PAGE_SIZE)
    page = min(listing.page, pages)
    behind = rows[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]
    places = {row.key: at // PAGE_SIZE + 1 for at, row in enumerate(rows)}
    matches = _matching(rows, listing.find)
    if listing.find:
        stretches, left, note = [Stretch(matches[:PAGE_SIZE], 0)], 0, _found(listing.find, len(matches))
    else:
        stretches, left, note = _first_seen(rows, own)
    return Shortlist(
        stretches,
        behind,
        left,
        note,
        total,
        listing.everything,
        listing.find,
        len(matches),
        page,
        pages,
        places,
    )


def _matching(rows: list[Row], find: str) -> list[Row]:
    wanted = find.casefold()
    return [row for row in rows if wanted and wanted in f"{row.within}{row.label}".casefold()]


def _found(find: str, count: int) -> str:
    if not count:
        return _("没有名字带“%s”的。换个说法，或看全部。") % find
    return _("名字带“%(find)s”的有 %(n)d 个：") % {"find": find, "n": count}


def _first_seen(rows: list[Row], own: str | None) -> tuple[list[Stretch], int, str]:
    at = next((place for place, row in enumerate(rows) if row.key == own), None)
    if at is None:
        first = rows[:TOP_ALONE]
        return [Stretch(first, 0)], len(rows) - len(first), _("先列最前的 %d 个。") % len(first)
    seen = {*range(TOP), *range(max(at - AROUND, 0), min(at + AROUND + 1, len(rows)))}
    stretches: list[Stretch] = []
    last = -1
    for place in sorted(seen):
        if place == last + 1 and stretches:
            stretches[-1].rows.append(rows[place])
        else:
            stretches.append(Stretch([rows[place]], place - last - 1))
        last = place
    note = _("先列最前的 %(top)d 个，和%(own)s前后各 %(n)d 个。") % {
        "top": TOP,
        "own": rows[at].label,
        "n": AROUND,
    }
    return stretches, len(rows) - 1 - last, note
