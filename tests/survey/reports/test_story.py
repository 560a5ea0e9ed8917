"""The story tells a difference only where the family of claims holds it, whatever the document says."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.reports.reading import Reading
from survey.reports.story import place_story, report_story

# Words that say of two figures that one is higher; allowed only in sentences that carry a claim.
DIFFERENCE = re.compile(
    "高了|低了|平均高|平均低|高于|低于|上升的|下降的|超过了目标|(?<!有)没有达到目标|"
    "超过的：|没有达到的：|先办 "
)
STREETS = [f"37010500{n}000" for n in range(1, 5)]
KEYS = ["all", *STREETS]
APART = {key: [] for key in STREETS}
ITEM = {"label": {"zh-hans": "您对垃圾清运满意吗？"}, "choices": []}


def cell(value):
    return {
        "estimate": value, "se": 1.0, "low": value - 2, "high": value + 2, "df": 40.0, "n": 812,
        "n_effective": 500.0, "deff": 1.6, "variance": "taylor",
    }  # fmt: skip


def row(difference, claimed, *, alone=False):
    """A test row. `alone`: its own interval leaves out 0, though the family of tests claims nothing."""
    verdict = "unsure" if not claimed else "above" if difference > 0 else "below"
    half = abs(difference) * (0.5 if claimed or alone else 2)
    low, high = difference - half, difference + half
    return {
        "difference": difference, "low": low, "high": high, "p": 0.01, "p_adjusted": 0.02,
        "claimed": claimed, "differs": claimed, "margin": 1.0, "verdict": verdict,
    }  # fmt: skip


def document(against=(), change=(), target=(), drivers=(), status="tested", mode_mix=False):
    """A document of one score; each argument maps keys to test rows."""
    against, change, target = dict(against), dict(change), dict(target)
    listed = [
        {"kind": kind, "indicator": "score", "domain": key, **found}
        for kind, rows in (("against_all", against), ("change", change), ("target", target))
        for key, found in rows.items()
        if found["claimed"]
    ]
    places = [
        {"key": key, "kind": "street", "label": f"{n} 号街道", "parent": "all"}
        for n, key in enumerate(STREETS)
    ]
    return {
        "floor": 30,
        "truth": None,
        "domains": [{"key": "all", "kind": "all", "label": "全市", "parent": None}, *places],
        "indicators": [{"code": "score", "name": "满意度", "kind": "mean_score", "target": 80}],
        "items": {"Q6": ITEM},
        "estimates": {"score": {key: cell(70.0) for key in KEYS}},
        "comparisons": {
            "score": {"street": {"against_all": against, "apart": APART, "median_margin": 3}}
        },
        "targets": {"score": {key: {**found, "target": 80.0} for key, found in target.items()}},
        "claims": {"family": 0.05, "list": listed},
        "change": {
            "previous": {"round": "上半年"},
            "mode_mix_changed": mode_mix,
            "indicators": {"score": {"status": status, "items": ["Q6"], "domains": change}},
        },
        "ranks": {"score": {"street": {"low": dict.fromkeys(STREETS, 1), "high": dict.fromkeys(STREETS, 4)}}},
        "drivers": {"domains": {"all": {"drivers": list(drivers)}}} if drivers else None,
    }  # fmt: skip


def text(sentences):
    return "".join(s.text for s in sentences)


rows = st.builds(row, st.floats(-20, 20).filter(lambda d: abs(d) > 1e-3), st.booleans(), alone=st.booleans())
by_place = st.dictionaries(st.sampled_from(KEYS), rows)
driver = st.builds(
    lambda sure, quadrant: {"name": "Q6", "sure": sure, "quadrant": quadrant},
    st.booleans(),
    st.sampled_from(["fix_first", "keep_up", "low_priority"]),
)


@given(by_place, by_place, by_place, st.lists(driver, max_size=3), st.booleans())
def test_no_sentence_claims_what_the_tests_do_not(against, change, target, drivers, mode_mix):
    against.pop("all", None)
    made = document(against, change, target, drivers, mode_mix=mode_mix)
    reading = Reading(made)
    claimed = {(c["kind"], c["domain"]) for c in made["claims"]["list"]}
    for key in KEYS:
        for sentence in place_story(reading, "score", key):
            assert bool(DIFFERENCE.search(sentence.text)) <= sentence.claims, sentence
            if sentence.claims and sentence.kind in ("target", "against_all", "change"):
                assert (sentence.kind, key) in claimed
    for sentence in report_story(reading):
        assert bool(DIFFERENCE.search(sentence.text)) <= sentence.claims, sentence


def test_a_null_report_says_that_nothing_can_be_said():
    made = document(
        against={STREETS[0]: row(1.5, claimed=False)},
        change={"all": row(0.1, claimed=False)},
        target={"all": row(-1.0, claimed=False)},
    )
    story = text(place_story(Reading(made), "score", "all"))
    assert "全市的满意度是 70.0 分，误差 ±2.0（95% 的把握，812 份答卷）。" in story
    assert "0.1 分的变化没有超过误差，不能说变了" in story
    assert "有没有达到目标（80 分），还说不准" in story
    assert "排第几，分不出来" in text(place_story(Reading(made), "score", STREETS[0]))
    whole = text(report_story(Reading(made)))
    assert "1 项指标，变化都没有超过误差" in whole
    assert "没有一个街道（镇）和全市的平均有说得准的差别" in whole


UNSTEADY = "单看这一项超过了误差，但全报告 236 项比较一起判断时还不够稳，先不下结论"


def test_a_difference_beyond_its_own_error_but_not_claimed_is_never_said_to_be_within_it():
    made = document(
        against={STREETS[0]: row(-3.1, claimed=False, alone=True)},
        change={"all": row(3.1, claimed=False, alone=True), STREETS[0]: row(0.2, claimed=False)},
        target={"all": row(-2.0, claimed=False, alone=True)},
    )
    made["claims"]["tests"] = 236
    reading = Reading(made)
    story = text(place_story(reading, "score", "all"))
    assert f"和上半年相比，变化 3.1 分：{UNSTEADY}。" in story
    assert f"和目标（80 分）比：{UNSTEADY}。" in story
    assert "没有超过误差" not in story
    street = text(place_story(reading, "score", STREETS[0]))
    assert f"和全市的平均相比：{UNSTEADY}。" in street
    assert "0.2 分的变化没有超过误差，不能说变了" in street  # whose own interval holds 0
    whole = text(report_story(reading))
    assert "有 1 项单看超过了误差，一起判断还不够稳，先不下结论" in whole
    assert "没有超过误差" not in whole


def test_a_real_change_is_told_with_its_interval_and_the_mode_mix():
    made = document(change={"all": row(4.0, claimed=True)}, mode_mix=True)
    story = text(place_story(Reading(made), "score", "all"))
    assert "比上半年高了 4.0 分（2.0 到 6.0）" in story and "网页和上门的比例不同" in story
    fallen = document(change={"all": row(-4.0, claimed=True)})
    assert "比上半年低了 4.0 分（2.0 到 6.0）" in text(place_story(Reading(fallen), "score", "all"))


@pytest.mark.parametrize(("status", "words"), [("wording_changed", "问法变了"), ("rule_changed", "算法变了")])
def test_another_wording_or_rule_is_not_compared(status, words):
    made = document(change={"all": row(9.0, claimed=True)}, status=status)
    assert words in text(place_story(Reading(made), "score", "all"))
    assert "9.0" not in text(place_story(Reading(made), "score", "all"))


def test_only_what_surely_lies_in_that_quarter_comes_first():
    sure = {"name": "Q6", "sure": True, "quadrant": "fix_first"}
    assert "先办 “您对垃圾清运满意吗？”" in text(report_story(Reading(document(drivers=[sure]))))
    unsure = document(drivers=[sure | {"sure": False}])
    assert "还分不清" in text(report_story(Reading(unsure)))


def test_documents_of_the_first_release_have_a_short_story():
    made = document()
    for later in ("targets", "claims", "change", "ranks", "drivers"):
        del made[later]
    assert len(place_story(Reading(made), "score", "all")) == 1
    assert report_story(Reading(made)) == []


def test_a_suppressed_figure_has_its_reason_and_no_number():
    made = document()
    made["estimates"]["score"][STREETS[0]] = {"suppressed": "no_error"}
    (only,) = place_story(Reading(made), "score", STREETS[0])
    assert "算不出误差" in only.text and "70" not in only.text
