"""The door: the only package of `survey` that imports `analysis`.

Columns (numpy arrays or lists) go in, plain results (dataclasses of arrays, dictionaries) come out. Any rung
may call it; it imports only `survey.common`. Errors of `analysis` leave as `Problem`s of the catalogue.
"""
