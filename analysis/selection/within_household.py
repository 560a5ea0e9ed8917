"""Who is asked in a household: a uniform choice, Kish's tables with their true probabilities, birthdays.

The default is the uniform choice from a locked, sorted roster. Kish's eight tables are offered for studies
that must repeat them: they are unequal at five adults, and nobody beyond the sixth can be chosen, which is
undercoverage and no matter of weights. Birthday methods are no probability draw at all.

References
----------
Kish, L. (1949). A procedure for objective respondent selection within the household. J. Amer. Statist.
Assoc. 44, 380-387; Kish (1965), Survey Sampling, section 11.3. The digits in data/kish_tables.json are from
memory (see its `meta`); the probabilities are computed from them, here, exactly.
Gaziano, C. (2005). Comparative analysis of within-household respondent selection techniques. Public Opinion
Quarterly 69, 124-157 (birthday methods are quasi-probability).
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import cache
from importlib.resources import files

from analysis.errors import DesignError
from analysis.selection.stream import Stream

KISH_COLUMNS = 6
BIRTHDAY_METHODS = ("next_birthday", "last_birthday")
BIRTHDAY_LABEL = "quasi-random"


@cache
def _tables() -> dict:
    source = files("analysis.selection").joinpath("data/kish_tables.json")
    return json.loads(source.read_text(encoding="utf-8"))


def kish_rotation() -> tuple[str, ...]:
    """The series of twelve covers in which the eight tables follow one another."""
    return tuple(_tables()["rotation12"])


def assign_kish_tables(n_cases: int, stream: Stream) -> list[str]:
    """A table for each case in order: the series of twelve from a random start, over and over."""
    rotation = kish_rotation()
    start = stream.below(len(rotation))
    return [rotation[(start + i) % len(rotation)] for i in range(n_cases)]


def kish_choice(table: str, n_eligible: int) -> int:
    """Place, from 1, in the sorted roster (men by falling age, then women) of the adult a table names.

    Raises
    ------
    DesignError : there is no such table, or no eligible adult.
    """
    tables = _tables()["tables"]
    if table not in tables:
        raise DesignError(f"there is no Kish table {table!r}; the tables are {', '.join(tables)}")
    _at_least_one(n_eligible)
    return tables[table]["select"][str(n_eligible) if n_eligible < KISH_COLUMNS else "6+"]


def kish_probabilities(n_eligible: int) -> tuple[Fraction, ...]:
    """True probability of each place of the roster over the tables' shares; 0 for places beyond six.

    The weight of a chosen person is the inverse of this, never the number of adults: they differ at five
    adults (1/6 or 1/4) and above six (1/6, and those beyond are not represented by anyone).
    """
    _at_least_one(n_eligible)
    result = [Fraction(0)] * n_eligible
    for name, table in _tables()["tables"].items():
        result[kish_choice(name, n_eligible) - 1] += Fraction(table["proportion"])
    return tuple(result)


def kish_weight(place: int, n_eligible: int) -> Fraction:
    """1/probability of the person at `place` (from 1). Raises DesignError when she can never be chosen."""
    probabilities = kish_probabilities(n_eligible)
    if not 1 <= place <= n_eligible or not probabilities[place - 1]:
        raise DesignError(f"Kish's tables never choose person {place} of {n_eligible}")
    return 1 / probabilities[place - 1]


@dataclass(frozen=True)
class Undercoverage:
    """Persons that Kish's tables can never reach: `persons` of `eligible` in `households` households."""

    persons: int
    eligible: int
    households: int

    @property
    def share(self) -> Fraction:
        """Share of all eligible persons, 0 when there are none."""
        return Fraction(self.persons, self.eligible) if self.eligible else Fraction(0)


def kish_undercoverage(n_eligible: Iterable[int]) -> Undercoverage:
    """Persons beyond the sixth, counted over households given by their numbers of eligible adults."""
    sizes = list(n_eligible)
    beyond = [size - KISH_COLUMNS for size in sizes if size > KISH_COLUMNS]
    return Undercoverage(sum(beyond), sum(sizes), len(beyond))


def uniform_choice(stream: Stream, n_eligible: int) -> int:
    """Place, from 1, in the locked roster: each with probability exactly 1/n_eligible."""
    _at_least_one(n_eligible)
    return stream.below(n_eligible) + 1


@dataclass(frozen=True)
class BirthdayChoice:
    """Result of a birthday method.

    place : from 1, in the roster
    assumed_probability : 1/n_eligible, true only if birthdays had nothing to do with anything
    label : always "quasi-random": nobody drew the birthdays, and the household applies the rule itself
    tied : places that shared the deciding day; one of them was drawn
    """

    place: int
    assumed_probability: Fraction
    method: str
    label: str
    tied: tuple[int, ...]


def choose_by_birthday(
    birthdays: Sequence[tuple[int, int]], on: date, stream: Stream, *, method: str = "next_birthday"
) -> BirthdayChoice:
    """The adult whose birthday comes next, or came last; today's birthday counts as next and as last.

    Parameters
    ----------
    birthdays : (month, day) by place in the roster; 29 February falls on 1 March in a common year.
    stream : decides between adults of the same birthday, with equal chances.

    Raises
    ------
    DesignError : an empty roster, no such day, or an unknown method.
    """
    if method not in BIRTHDAY_METHODS:
        raise DesignError(f"a birthday method is one of {', '.join(BIRTHDAY_METHODS)}; got {method!r}")
    _at_least_one(len(birthdays))
    ahead = method == "next_birthday"
    days = [_days_between(month, day, on, ahead=ahead) for month, day in birthdays]
    tied = tuple(place for place, gap in enumerate(days, start=1) if gap == min(days))
    place = tied[stream.below(len(tied))]
    return BirthdayChoice(place, Fraction(1, len(days)), method, BIRTHDAY_LABEL, tied)


def _days_between(month: int, day: int, on: date, *, ahead: bool) -> int:
    years = (on.year, on.year + 1) if ahead else (on.year - 1, on.year)
    gaps = [(_day_of(year, month, day) - on).days * (1 if ahead else -1) for year in years]
    return min(gap for gap in gaps if gap >= 0)


def _day_of(year: int, month: int, day: int) -> date:
    try:
        date(2000, month, day)  # a leap year: every day that exists
    except ValueError as error:
        raise DesignError(f"there is no birthday on month {month}, day {day}") from error
    try:
        return date(year, month, day)
    except ValueError:
        return date(year, 3, 1)


def _at_least_one(n_eligible: int) -> None:
    if n_eligible < 1:
        raise DesignError(f"a household needs at least one eligible adult; got {n_eligible}")
