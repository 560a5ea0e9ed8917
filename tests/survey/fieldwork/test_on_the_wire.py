"""A short run of `make proof ARGS=field_faults`: a line that cuts, a server that is killed, each once."""

from tests.proof.field_faults import protocol_part


def test_interviews_over_a_bad_line_to_a_server_that_is_killed_arrive_once_byte_for_byte():
    told, _connections = protocol_part(20, seed=7)
    assert told.startswith("- 20 interviews of 1 scripted phones")
