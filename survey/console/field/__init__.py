"""The supervisor's pages of a running field: board, doubts, interviews, back-checks, doors, rules."""
