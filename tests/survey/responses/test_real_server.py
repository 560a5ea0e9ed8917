"""What only a real server process with a database on disk can show."""

import threading

import pytest

from tests.proof.kill_submit import kill_rounds
from tests.real_site import RealSite, WirePhone


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    site = RealSite(tmp_path_factory.mktemp("site"), letters=12)
    site.start()
    yield site
    site.close()


def test_a_server_killed_while_a_phone_hands_in_keeps_exactly_one_response(site):
    """Three kills here; `make proof` does more (tests/proof/kill_submit.py)."""
    assert sum(kill_rounds(site, rounds=3).values()) == 3


def test_two_phones_of_one_household_at_the_same_moment_give_one_response(site):
    for qr, case_id in site.letters[3:7]:
        phones = [WirePhone(site, qr), WirePhone(site, qr)]
        start, replies = threading.Barrier(2), []

        def hand_in(phone, start=start, replies=replies):
            start.wait()
            replies.append(phone.submit())

        threads = [threading.Thread(target=hand_in, args=[phone]) for phone in phones]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(reply.status_code for reply in replies) == [201, 409]
        refused = next(reply for reply in replies if reply.status_code == 409)
        assert refused.json()["code"] == "responses.already_answered"
        assert site.count("SELECT COUNT(*) FROM responses_response WHERE case_opaque_id = ?", case_id) == 1


def test_one_phone_sending_twice_at_the_same_moment_gives_one_response(site):
    qr, case_id = site.letters[7]
    phone = WirePhone(site, qr)
    start, statuses = threading.Barrier(3), []

    def hand_in():
        start.wait()
        statuses.append(phone.submit().status_code)

    threads = [threading.Thread(target=hand_in) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200, 200, 201]
    assert site.count("SELECT COUNT(*) FROM responses_response WHERE case_opaque_id = ?", case_id) == 1
