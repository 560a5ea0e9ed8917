"""An open round of 天桥区 with twelve drawn households, and a letter for the first of them."""

import pytest

from tests.residents import Phone, make_open_round, write_letter


@pytest.fixture
def open_round(regions):
    return make_open_round(regions["370105000000"])


@pytest.fixture
def case(open_round):
    return open_round.cases.order_by("number").first()


@pytest.fixture
def letter(case):
    """(QR secret, typed code)"""
    return write_letter(case)


@pytest.fixture
def phone(letter):
    """A phone that has come as far as the first question."""
    return Phone().get_ready(letter[0])
