"""The demo's field: letters answered on phones, then doors, all through the site's own addresses."""

import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from survey.common.clock import now
from survey.demo.behaviour import NOBODY_HOME, answering_seconds, refusal
from survey.demo.city import adults_of
from survey.demo.interviewers import Adult, Interviewer
from survey.demo.people import N_INTERVIEWERS, PASSWORD
from survey.demo.residents import BrowserPhone, NotAnswered, Visit, answer_letter
from survey.demo.setup import AES_KEY, APP_ID, APP_SECRET, CALLBACK_TOKEN, Built, Letter
from survey.demo.site import Site
from survey.demo.superpopulation import MALE
from survey.fieldwork.services import assign_cases
from survey.sampling.models import Case
from survey.wechat.sandbox.phone import Phone, SandboxControl

THREADS = 4
SHARE_IN_WECHAT = 0.75
FIELD_SEED = 7
GUEST_ID = "guest"


@dataclass
class Tally:
    """How many answered in which way, and what went wrong."""

    answered: dict[str, int] = field(default_factory=dict)

    failures: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, how: str) -> None:
        """One more answer."""
        with self.lock:
            self.answered[how] = self.answered.get(how, 0) + 1

    @property
    def total(self) -> int:
        return sum(self.answered.values())


@dataclass(frozen=True)
class Plan:
    """One letter, who holds it, and whether she answers in WeChat or in another browser."""

    letter: Letter
    adult: int
    in_wechat: bool
    visit: Visit


def plan_web(built: Built, rng: np.random.Generator) -> tuple[list[Plan], list[Letter]]:
    """Who answers her letter, and the letters that stay silent. Who has the next birthday is chance."""
    city = built.city
    plans, silent = [], []
    for letter in built.letters.values():
        adults = adults_of(city, letter.household)
        adult = int(rng.choice(adults))
        if rng.random() >= city.web_propensity[adult]:
            silent.append(letter)
            continue
        visit = Visit(
            letter=letter.path,
            n_adults=len(adults),
            answers=built.answers.of_adult(adult, rng),
            seconds=answering_seconds(city.age[adult], rng),
        )
        plans.append(Plan(letter, adult, rng.random() < SHARE_IN_WECHAT, visit))
    return plans, silent


def prepare_wechat(site: Site, plans: Iterable[Plan], guests: Sequence[Letter]) -> None:
    """Tell the simulated WeChat who has a phone."""
    control = SandboxControl(site.wechat_address)
    host = site.address.removeprefix("http://")
    control.save_account(
        APP_ID, APP_SECRET, "济南民意（模拟）", oauth_domains=[host], home_url=f"{site.address}/s/"
    )
    control.set_server(APP_ID, f"{site.address}/wechat/demo/", CALLBACK_TOKEN, AES_KEY, js_domains=[host])
    names = {f"{GUEST_ID}{i}": f"新来的居民 {i}" for i, _ in enumerate(guests, start=1)}
    people = {f"r{p.adult}": f"居民 {p.adult}" for p in plans if p.in_wechat}
    control.add_residents(names | people)


def answer_web(
    built: Built, site: Site, plans: Sequence[Plan], tally: Tally, say: Callable[[int, int], None]
) -> None:
    """Send every planned answer over HTTP."""
    version = built.round.questionnaire_version

    def one(plan: Plan) -> None:
        phone: Any = Phone(site.wechat_address, f"r{plan.adult}") if plan.in_wechat else BrowserPhone()
        try:
            answer_letter(phone, site.address, plan.visit, version.document_hash, now)
        except (NotAnswered, OSError) as failure:
            with tally.lock:
                tally.failures.append(f"{plan.letter.case}: {failure}")
        else:
            tally.count("wechat" if plan.in_wechat else "browser")

    with ThreadPoolExecutor(max_workers=THREADS) as pool:
        for done, _ in enumerate(pool.map(one, plans), start=1):
            if done % 250 == 0 or done == len(plans):
                say(done, len(plans))


@dataclass(frozen=True)
class Door:
    """A household that did not answer its letter, and the chance that decides how its visit ends."""

    case: Case
    adults: Sequence[int]
    chance: float
    seed: int


def plan_doors(built: Built, silent: Sequence[Letter], rng: np.random.Generator) -> dict[str, list[Door]]:
    """Hand the silent households to interviewers by community, so that each walks a few of them."""
    cases = {
        c.pk: c for c in Case.objects.filter(pk__in=[s.case for s in silent]).select_related("community")
    }
    by_community: dict[str, list[Door]] = {}
    for letter in silent:
        door = Door(
            cases[letter.case],
            adults_of(built.city, letter.household),
            float(rng.random()),
            int(rng.integers(2**32)),
        )
        by_community.setdefault(door.case.community.path, []).append(door)
    plans: dict[str, list[Door]] = {f"zhao{i}": [] for i in range(1, N_INTERVIEWERS + 1)}
    for path in sorted(by_community):
        # Odd names work in 天桥区 (370105), even ones in 槐荫区: see people.CAST.
        mine = [name for i, name in enumerate(plans, start=1) if (i % 2 == 1) == path.startswith("370105")]
        least = min(mine, key=lambda name: len(plans[name]))
        plans[least] += by_community[path]
    for name, doors in plans.items():
        assign_cases(
            cases=[d.case for d in doors], interviewer=built.people[name], acting_user=built.people["sun"]
        )
    return plans


def answer_doors(
    built: Built, site: Site, plans: dict[str, list[Door]], tally: Tally, say: Callable[[int, int], None]
) -> None:
    """Every interviewer walks his doors over HTTP, all at the same time."""
    total = sum(map(len, plans.values()))
    done = 0

    def walk(name: str) -> None:
        nonlocal done
        interviewer = Interviewer(site.address, name, PASSWORD)
        for door in plans[name]:
            try:
                _knock(built, interviewer, door, tally)
            except (NotAnswered, OSError) as failure:
                with tally.lock:
                    tally.failures.append(f"{door.case}: {failure}")
            with tally.lock:
                done += 1
                if done % 250 == 0 or done == total:
                    say(done, total)

    with ThreadPoolExecutor(max_workers=THREADS) as pool:
        list(pool.map(walk, plans))


def _knock(built: Built, interviewer: Interviewer, door: Door, tally: Tally) -> None:
    """One visit: nobody home, or the list, the choice by the case's seed, and an answer or a refusal."""
    rng = np.random.default_rng(door.seed)
    case = str(door.case.opaque_id)
    if rng.random() < NOBODY_HOME:
        interviewer.visit(case, "no_answer", now())
        return
    city = built.city
    listed = [
        Adult(int(a), "male" if city.sex[a] == MALE else "female", int(city.age[a])) for a in door.adults
    ]
    chosen = interviewer.list_household(case, listed)
    if door.chance >= city.door_propensity[chosen]:
        interviewer.visit(case, refusal(rng), now())
        return
    answers = built.answers.of_adult(chosen, rng) | {"M01": 1, "M02": 1}
    interviewer.interview(case, answers, answering_seconds(city.age[chosen], rng), now())
    tally.count("door")
