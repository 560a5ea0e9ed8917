"""Everything that a page of a report shows, from its document. No database.

`allowed` are the regions inside the reader's grant: only these are linked, and only these show figures below
the level that everybody may see.
"""

from collections.abc import Callable, Collection
from typing import Any

from survey.reports.answering import three_answers
from survey.reports.beside import covers_words, mode_sentence, modelled_tables, target_words, theme_tables
from survey.reports.changing import change_of, trend_of
from survey.reports.distribution import item_charts
from survey.reports.domains import ALL
from survey.reports.method import indicator_rule, method_rows
from survey.reports.notices import all_notices
from survey.reports.plots import rank_strip
from survey.reports.priorities import priorities_of
from survey.reports.reading import League, Link, Reading, group_rows, hero, indicator_rows, is_tested, league
from survey.reports.shortlist import UNSEARCHED, Listing, Shortlist, shorten
from survey.reports.story import page_story
from survey.reports.tiles import tile_tree


def page_context(
    reading: Reading,
    code: str,
    key: str,
    *,
    own: str | None,
    allowed: Collection[str],
    link: Link,
    listing: Listing = UNSEARCHED,
) -> dict[str, Any]:
    """One indicator in one place.

    own : the reader's own street, tinted in leagues; link : address of a place's page, None where the reader
    may not open it; listing : how the reader looks through long leagues.
    """
    leagues = _leagues(reading, code, key, own, link, listing)
    top = hero(reading, code, key)
    change = change_of(reading, code, key, _to_indicator)
    priorities = priorities_of(reading, key)
    rank = reading.rank(code, key)
    target, verdict = target_words(reading, code, key)
    return {
        "key": key,
        "kind": reading.domains[key]["kind"],
        "hero": top,
        "target": target,
        "target_verdict": verdict,
        "covers": covers_words(reading, code, key, top["figure"]),
        "answers": three_answers(reading, key, top["figure"], change, priorities),
        "story": page_story(reading, code, key),
        "notices": all_notices(reading.document),
        "indicator": reading.indicators[code],
        "indicators": _indicators(reading, key),
        "change": change,
        "trend": trend_of(reading, code, key),
        "priorities": priorities,
        "rank": rank,
        "rank_chart": rank_strip(*rank) if rank else "",
        "tiles": tile_tree(reading, code, key, link, _row_address(leagues, code)),
        "tested": any(is_tested(reading.comparison(code, kind)) for kind in ("district", "street")),
        "leagues": leagues,
        "groups": _groups(reading, code) if key == ALL else None,
        "item_charts": item_charts(reading, code, key, allowed=allowed),
        "modelled": modelled_tables(reading, code, key, allowed),
        "themes": theme_tables(reading, key),
        "mode_sentence": mode_sentence(reading, key),
        "method": method_rows(reading),
        "rule": indicator_rule(reading, code),
        "asked": _asked(reading, code),
        "wording": reading.document["items"],
        "document": reading.document,
        "reading": reading,
    }


def _to_indicator(code: str) -> str:
    return f"?indicator={code}#headline"


def _indicators(reading: Reading, key: str) -> list[dict[str, Any]]:
    return [
        row
        | dict(zip(("target", "verdict"), target_words(reading, row["indicator"]["code"], key), strict=True))
        for row in indicator_rows(reading, key, _to_indicator)
    ]


def _leagues(
    reading: Reading, code: str, key: str, own: str | None, link: Link, listing: Listing
) -> list[tuple[League, Shortlist]]:
    kind = reading.domains[key]["kind"]
    found = []
    if kind != "street" and len(reading.of_kind("district")) > 1:
        mine = key if kind == "district" else None
        districts = league(reading, code, "district", own=mine, link=link)
        found.append((districts, shorten(districts, mine, UNSEARCHED)))
    parent = key if kind == "district" else None
    streets = league(reading, code, "street", own=own, parent=parent, link=link)
    return [*found, (streets, shorten(streets, own, listing))]


def _groups(reading: Reading, code: str) -> tuple[League, Shortlist]:
    groups = group_rows(reading, code)
    return groups, shorten(groups, None, UNSEARCHED)


def _row_address(leagues: list[tuple[League, Shortlist]], code: str) -> Callable[[str], str]:
    """Where the row of a unit stands on the page."""

    def address(key: str) -> str:
        holding = next((short for _league, short in leagues if key in short.places), None)
        return holding.address(key, code) if holding else f"#row-{key}"

    return address


def _asked(reading: Reading, code: str) -> dict[str, Any]:
    """Wording of the indicator's own items."""
    items = reading.document["items"]
    names = [item["name"] for item in reading.indicators[code]["definition"].get("items", [])]
    return {name: items[name] for name in names if name in items}
