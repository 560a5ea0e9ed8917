"""A short run of `make proof ARGS=field_faults`: a line that cuts, a server that is killed, each once."""

from tests.proof.field_wire import come_home


def test_interviews_over_a_bad_line_to_a_server_that_is_killed_arrive_once_byte_for_byte():
    done = come_home(phones=2, each=10, harm=0.3, seed=7)
    assert done["interviews"] == 20 and done["harmed"] > 0
