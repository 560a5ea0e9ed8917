"""The interviewer's pages under /field/ and the supervisor's hand-out of cases."""
