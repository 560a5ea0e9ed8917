"""A field of 40 interviewers with known truth: honest ones, and four who cheat, each in one way.

Written, and committed, before any flag that looks for them. Nothing here knows how a flag decides.

Honest work: two interviewers share each community (interpenetrated: k works in communities k and k + 1).
Answers are of five steps, from a person, a block of items, the community and the interviewer; some people
say 不了解 often, some give one answer down a whole block. Interviewers differ in pace. Places carry the error
of a phone between buildings.

Four ways to cheat, after the kinds in AAPOR, Interviewer Falsification in Survey Research (2003), and Blasius
& Thiessen (2012), Assessing the Quality of Survey Data, ch. 4:

- makes up: nobody was asked. Sits somewhere near, types what "people here" would say: too close to the item's
  mean, hardly a 不了解, one interview after the other.
- neighbour: asks whoever opens at an easier door. Answers are real, of the wrong person.
- speeds: right person, questions not read out: short, whole blocks with one answer.
- copies: an earlier interview of his own with a few answers changed.

Intensity is the share of his interviews that are falsified: light 10 %, medium 30 %, heavy 60 %.
"""

from dataclasses import dataclass

import numpy as np

N_INTERVIEWERS, PER_COMMUNITY, N_ITEMS, BLOCK = 40, 15, 32, 8
HONEST, MAKES_UP, NEIGHBOUR, SPEEDS, COPIES = range(5)
KINDS = {MAKES_UP: "makes up", NEIGHBOUR: "neighbour", SPEEDS: "speeds", COPIES: "copies"}
INTENSITIES = {"light": 0.1, "medium": 0.3, "heavy": 0.6}
DONT_KNOW = -1
ITEM_SECONDS, FRAME_SECONDS = 14, 90  # to read and answer an item; greeting, list, consent
SIDE_M = 400  # a community's edge


@dataclass
class Field:
    """Columns of shape (n,), a row per interview; `answers` (n, N_ITEMS) holds 1–5 or −1 for 不了解.

    place, home : metres (n, 2); start_s : seconds since the field began; phone : −1 where none was given
    photo : 64-bit fingerprint of the door's picture, 0 for none; genuine : the chosen person was really asked
    cheated : which way, HONEST where not; kind_of : (N_INTERVIEWERS,) the way of each interviewer
    """

    interviewer: np.ndarray
    community: np.ndarray
    answers: np.ndarray
    duration_s: np.ndarray
    start_s: np.ndarray
    home: np.ndarray
    place: np.ndarray
    n_adults: np.ndarray
    roster_age: np.ndarray
    roster_sex: np.ndarray
    age: np.ndarray
    sex: np.ndarray
    attempts: np.ndarray
    phone: np.ndarray
    photo: np.ndarray
    genuine: np.ndarray
    cheated: np.ndarray
    kind_of: np.ndarray


@dataclass
class People:
    """What makes answers, kept so that cheaters draw from the same world."""

    location: np.ndarray  # (N_ITEMS,) mean of each item's latent answer
    community: np.ndarray
    interviewer: np.ndarray
    dont_know: np.ndarray  # (N_ITEMS,) log odds


def simulate_field(rng: np.random.Generator, intensity: float = 0.0) -> Field:
    """One field; `intensity`: the share of their interviews that its four cheaters falsify (0: honest)."""
    world = People(
        location=rng.normal(0.5, 0.5, N_ITEMS),
        community=rng.normal(0, 0.25, N_INTERVIEWERS),
        interviewer=rng.normal(0, 0.12, N_INTERVIEWERS),
        dont_know=rng.normal(-3.2, 0.6, N_ITEMS),
    )
    field = _honest(rng, world)
    if intensity > 0:
        chosen = rng.choice(N_INTERVIEWERS, len(KINDS), replace=False)
        for who, kind in zip(chosen, KINDS, strict=True):
            field.kind_of[who] = kind
            rows = np.flatnonzero(field.interviewer == who)
            n = max(1, round(intensity * len(rows)))
            _CHEATS[kind](rng, world, field, np.sort(rng.choice(rows, n, replace=False)))
    _keep_time(rng, field)
    return field


def _honest(rng: np.random.Generator, world: People) -> Field:
    pairs = np.array([(k, (k + shift) % N_INTERVIEWERS) for k in range(N_INTERVIEWERS) for shift in (0, 1)])
    sizes = rng.integers(PER_COMMUNITY - 5, PER_COMMUNITY + 6, len(pairs))
    interviewer, community = np.repeat(pairs[:, 0], sizes), np.repeat(pairs[:, 1], sizes)
    n = len(interviewer)
    age, sex = _adults(rng, n)
    home = rng.uniform(0, SIDE_M, (n, 2)) + np.column_stack([community * 1500.0, np.zeros(n)])
    pace = rng.normal(0, 0.13, N_INTERVIEWERS)[interviewer]
    typical = np.log(ITEM_SECONDS * N_ITEMS + FRAME_SECONDS)
    told_age = age + np.where(rng.random(n) < 0.1, rng.integers(-2, 3, n), 0)
    told_sex = np.where(rng.random(n) < 0.005, 3 - sex, sex)
    return Field(
        interviewer=interviewer,
        community=community,
        answers=_answers(rng, world, community, interviewer, straight=0.04),
        duration_s=np.exp(typical + pace + 0.15 * (age > 65) + rng.normal(0, 0.22, n)),
        start_s=np.zeros(n),
        home=home,
        place=home + _phone_error(rng, n),
        n_adults=rng.choice([1, 2, 3, 4, 5], n, p=[0.18, 0.48, 0.2, 0.1, 0.04]),
        roster_age=age,
        roster_sex=sex,
        age=told_age,
        sex=told_sex,
        attempts=np.minimum(rng.geometric(0.45, n), 6),
        phone=np.where(rng.random(n) < 0.7, _phones(rng, n), -1),
        photo=np.where(rng.random(n) < 0.95, rng.integers(1, 2**63, n, dtype=np.int64), 0),
        genuine=np.ones(n, dtype=bool),
        cheated=np.full(n, HONEST),
        kind_of=np.full(N_INTERVIEWERS, HONEST),
    )


def _adults(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    return np.clip(rng.normal(47, 17, n), 18, 92).astype(int), rng.integers(1, 3, n)


def _phones(rng: np.random.Generator, n: int) -> np.ndarray:
    """Numbers; one household in a hundred gives a relative's that somebody else gave too."""
    numbers = rng.integers(10**9, 2 * 10**9, n)
    shared = rng.random(n) < 0.01
    numbers[shared] = rng.choice(numbers, int(shared.sum()))
    return numbers


def _phone_error(rng: np.random.Generator, n: int) -> np.ndarray:
    """Metres off: 25 m in each direction, one in twenty thrown off by buildings."""
    return rng.normal(0, np.where(rng.random(n) < 0.05, 120, 25)[:, None], (n, 2))


def _answers(
    rng: np.random.Generator,
    world: People,
    community: np.ndarray,
    interviewer: np.ndarray,
    *,
    straight: float,
) -> np.ndarray:
    """Real people's answers. `straight`: share of (person, block) answered with one number."""
    n = len(community)
    person = (
        0.6 * rng.normal(size=(n, 1)) + (world.community[community] + world.interviewer[interviewer])[:, None]
    )
    blocks = np.repeat(0.35 * rng.normal(size=(n, N_ITEMS // BLOCK)), BLOCK, axis=1)
    latent = world.location + person + blocks + rng.normal(0, 0.75, (n, N_ITEMS))
    values = _steps(latent)
    _flatten(rng, values, straight)
    unsure = world.dont_know + rng.normal(0, 0.8, (n, 1))
    values[rng.random((n, N_ITEMS)) < 1 / (1 + np.exp(-unsure))] = DONT_KNOW
    return values


def _steps(latent: np.ndarray) -> np.ndarray:
    return (np.digitize(latent, [-1.3, -0.5, 0.3, 1.2]) + 1).astype(np.int8)


def _flatten(rng: np.random.Generator, values: np.ndarray, share: float) -> None:
    """Give whole blocks the answer of their first item."""
    n = len(values)
    for first in range(0, N_ITEMS, BLOCK):
        rows = np.flatnonzero(rng.random(n) < share)
        values[rows, first : first + BLOCK] = values[rows, first : first + 1]


def _make_up(rng: np.random.Generator, world: People, field: Field, rows: np.ndarray) -> None:
    n, where = len(rows), field.community[rows]
    typical = world.location + world.community[where][:, None]
    values = _steps(typical + rng.normal(0, 0.2, (n, 1)) + rng.normal(0, 0.6, (n, N_ITEMS)))
    values[rng.random(values.shape) < 0.01] = DONT_KNOW
    field.answers[rows] = values
    field.duration_s[rows] *= rng.uniform(0.5, 0.9, n)
    _sit(rng, field, rows, share=0.6)
    field.n_adults[rows] = rng.choice([1, 2, 3], n, p=[0.25, 0.65, 0.1])
    field.age[rows], field.sex[rows] = field.roster_age[rows], field.roster_sex[rows]
    field.attempts[rows] = rng.choice([1, 2], n, p=[0.7, 0.3])
    _invent_phones(rng, field, rows)
    _reuse_photos(rng, field, rows, share=0.25)
    _mark(field, rows, MAKES_UP, genuine=False)


def _ask_neighbour(rng: np.random.Generator, world: People, field: Field, rows: np.ndarray) -> None:
    n, who = len(rows), field.interviewer[rows]
    age = np.clip(rng.normal(58, 15, n), 18, 92).astype(int)  # who is at home by day
    sex = np.where(rng.random(n) < 0.62, 2, 1)
    field.answers[rows] = _answers(rng, world, field.community[rows], who, straight=0.04)
    field.place[rows] = field.home[rows] + rng.normal(0, 20, (n, 2)) + _phone_error(rng, n)
    listed = rng.random(n) < 0.25  # the list had been taken at the right door before
    field.roster_age[rows] = np.where(listed, field.roster_age[rows], age)
    field.roster_sex[rows] = np.where(listed, field.roster_sex[rows], sex)
    alone = ~listed & (rng.random(n) < 0.7)  # the quickest list: one adult
    field.n_adults[rows] = np.where(alone, 1, field.n_adults[rows])
    field.age[rows], field.sex[rows] = age, sex
    field.attempts[rows] = rng.choice([1, 2, 3], n, p=[0.75, 0.15, 0.1])
    field.phone[rows] = np.where(rng.random(n) < 0.4, _phones(rng, n), -1)
    _mark(field, rows, NEIGHBOUR, genuine=False)


def _speed(rng: np.random.Generator, world: People, field: Field, rows: np.ndarray) -> None:
    field.duration_s[rows] *= rng.uniform(0.35, 0.6, len(rows))
    values = field.answers[rows]
    _flatten(rng, values, 0.3)
    field.answers[rows] = values
    _mark(field, rows, SPEEDS, genuine=True)


def _copy(rng: np.random.Generator, world: People, field: Field, rows: np.ndarray) -> None:
    own = np.flatnonzero(field.interviewer == field.interviewer[rows[0]])
    sources = np.setdiff1d(own, rows)
    values = field.answers[rng.choice(sources, len(rows))].copy()
    for row in values:
        places = rng.choice(N_ITEMS, rng.integers(0, 5), replace=False)
        row[places] = rng.integers(1, 6, len(places))
    field.answers[rows] = values
    field.duration_s[rows] *= rng.uniform(0.6, 1.0, len(rows))
    _sit(rng, field, rows, share=0.5)
    field.age[rows], field.sex[rows] = field.roster_age[rows], field.roster_sex[rows]
    field.attempts[rows] = 1
    _invent_phones(rng, field, rows)
    _reuse_photos(rng, field, rows, share=0.25)
    _mark(field, rows, COPIES, genuine=False)


_CHEATS = {MAKES_UP: _make_up, NEIGHBOUR: _ask_neighbour, SPEEDS: _speed, COPIES: _copy}


def _sit(rng: np.random.Generator, field: Field, rows: np.ndarray, *, share: float) -> None:
    """A part of them typed on one bench of the community; the rest while walking past the door."""
    for community in np.unique(field.community[rows]):
        here = rows[(field.community[rows] == community) & (rng.random(len(rows)) < share)]
        bench = rng.uniform(-SIDE_M / 2, SIDE_M * 1.5, 2) + np.array([community * 1500.0, 0.0])
        field.place[here] = bench + rng.normal(0, 15, (len(here), 2))


def _invent_phones(rng: np.random.Generator, field: Field, rows: np.ndarray) -> None:
    """None, a number out of the air, or one of two friends'."""
    friends = rng.integers(10**9, 2 * 10**9, 2)
    choice = rng.choice(3, len(rows), p=[0.6, 0.25, 0.15])
    made = np.choose(
        choice, [np.full(len(rows), -1), _phones(rng, len(rows)), rng.choice(friends, len(rows))]
    )
    field.phone[rows] = made


def _reuse_photos(rng: np.random.Generator, field: Field, rows: np.ndarray, *, share: float) -> None:
    own = field.photo[(field.interviewer == field.interviewer[rows[0]]) & (field.photo != 0)]
    again = rows[rng.random(len(rows)) < share]
    if len(own):
        flips = np.int64(1) << rng.integers(
            0, 62, len(again)
        )  # the picture was taken of a screen: a bit differs
        field.photo[again] = rng.choice(own, len(again)) ^ flips


def _mark(field: Field, rows: np.ndarray, kind: int, *, genuine: bool) -> None:
    field.cheated[rows], field.genuine[rows] = kind, genuine


def _keep_time(rng: np.random.Generator, field: Field) -> None:
    """When each interview began: about four a day, in the order of the rows, with the way between doors.

    Who made up or copied an answer had no way to go and nobody to wait for: the next begins minutes later.
    """
    for who in range(N_INTERVIEWERS):
        rows = np.flatnonzero(field.interviewer == who)
        for day, some in enumerate(np.array_split(rows, max(1, len(rows) // 4))):
            clock = day * 86_400 + rng.uniform(9, 14) * 3600
            before = None
            for row in some:
                if before is not None:
                    typed = field.cheated[row] in (MAKES_UP, COPIES)
                    walk = np.hypot(*(field.home[row] - field.home[before])) / 1.2
                    clock += rng.uniform(60, 240) if typed else walk + 120 + rng.exponential(1200)
                field.start_s[row] = clock
                clock += field.duration_s[row]
                before = row
