"""Runner of reference cases: `python -m tests.reference FOLDER`."""
