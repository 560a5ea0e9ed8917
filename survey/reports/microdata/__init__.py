"""Data of a run for analysts: answers with weights, strata and PSUs, no name, door or free text."""
