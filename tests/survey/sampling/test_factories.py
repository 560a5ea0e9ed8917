"""The drawn round that other tests stand on is itself a consistent sample."""

import pytest

from survey.common.crypto import decrypt
from survey.sampling.models import DrawnPSU
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.database]


def test_the_made_round_has_two_strata_with_two_communities_each(regions):
    round_ = factories.make_drawn_round(regions["370105000000"])
    assert round_.cases.count() == 12
    assert {psu.probability_exact for psu in DrawnPSU.objects.all()} == {"2/3"}
    strata = {}
    for case in round_.cases.all():
        strata.setdefault(case.variance_stratum, set()).add(case.variance_psu)
    assert [len(psus) for psus in strata.values()] == [2, 2]
    # Weights add up to the frame: 4 PSUs of 30 households at 3/2 each stand for 6 of 30.
    assert sum(case.base_weight for case in round_.cases.all()) == pytest.approx(180)


def test_a_street_of_two_communities_enters_with_certainty(regions):
    round_ = factories.make_drawn_round(regions["370104000000"])
    assert round_.cases.count() == 6
    assert len({case.variance_psu for case in round_.cases.all()}) == 6
    assert sum(case.base_weight for case in round_.cases.all()) == pytest.approx(60)


def test_addresses_of_the_made_frame_open_again(regions):
    frame = factories.make_frame(regions["370105000000"], households=2)
    unit = frame.units.first()
    assert decrypt(unit.address_cipher, "sampling.address") == "济洛路社区居委会 1 号楼 101 室"
