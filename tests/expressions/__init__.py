"""Run files of expression cases through the Python and the JavaScript evaluator (see `__main__`)."""
