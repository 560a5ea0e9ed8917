"""The demo's field: letters answered on phones, then doors, all through the site's own addresses."""

import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from survey.common.clock import now
from survey.demo.city import adults_of
from survey.demo.residents import BrowserPhone, NotAnswered, Visit, answer_letter
from survey.demo.setup import APP_ID, APP_SECRET, Built, Letter
from survey.demo.site import Site
from survey.wechat.sandbox.phone import Phone, SandboxControl

THREADS = 4
SHARE_IN_WECHAT = 0.75
FIELD_SEED = 7
GUEST_ID = "guest"


@dataclass
class Tally:
    """Who answered how; `silent` are the letters that went to nobody's hand."""

    answered: dict[str, int] = field(default_factory=dict)
    silent: list[Letter] = field(default_factory=list)
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


def answering_seconds(age: int, rng: np.random.Generator) -> int:
    """About four minutes, longer for the old."""
    return int(rng.lognormal(np.log(210 + 2 * max(age - 40, 0)), 0.3))


def prepare_wechat(site: Site, plans: Iterable[Plan], guests: Sequence[Letter]) -> None:
    """Tell the simulated WeChat who has a phone."""
    control = SandboxControl(site.wechat_address)
    host = site.address.removeprefix("http://")
    control.save_account(
        APP_ID, APP_SECRET, "济南民意（模拟）", oauth_domains=[host], home_url=f"{site.address}/s/"
    )
    names = {f"{GUEST_ID}{i}": f"新来的居民 {i}" for i, _ in enumerate(guests, start=1)}
    control.add_residents(names)
    people = {f"r{p.adult}": f"居民 {p.adult}" for p in plans if p.in_wechat}
    control.add_residents(people)


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
