"""The demo's design, which the proof of coverage redraws."""

TAKE = 22  # households in a community, as Chinese assessments do (docs of the design: 20–22)
N_PSUS = 126
SPEC = {
    "algorithm": "two-stage-pps-1",
    "stages": [
        {"unit": "psu", "method": "pps_systematic"},
        {"unit": "household", "method": "srs", "take": TAKE},
    ],
    "n_psus": N_PSUS,
    "min_psus_per_stratum": 3,
    "reserve_replicates": 1,
}
