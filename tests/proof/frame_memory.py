"""Importing 100,000 households takes the memory of 5,000, each in a process of its own."""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

TITLE = "A household list streams in with flat memory"
SIZES = (5_000, 100_000)
ALLOWED_MB = 25.0
CLAIM = (
    f"`manage.py import_households` of {SIZES[1]:,} households may need at most {ALLOWED_MB:.0f} MB more, at "
    f"its peak, than of {SIZES[0]:,}. Keeping the rows would take over 100 MB. Resident memory of the whole "
    "process."
)
ROOT = Path(__file__).resolve().parents[2]
REGIONS = ROOT / "survey" / "demo" / "data" / "jinan_regions.csv"
DISTRICT = "370105"

# Runs the real command in this process and prints its own peak of resident memory (Linux: kilobytes).
CHILD = """
import resource, sys, time
from django.core.management import execute_from_command_line
begun = time.monotonic()
command = ["manage.py", "import_households", sys.argv[1], "--region", "370105000000", "--name", "x"]
execute_from_command_line(command)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print("peak", peak, "seconds", round(time.monotonic() - begun, 1))
"""


def run() -> tuple[bool, list[str]]:
    """Import both lists and compare the peaks."""
    codes = re.findall(rf"^({DISTRICT}\d{{6}}),[^,]*,community", REGIONS.read_text(encoding="utf-8"), re.M)
    peaks, lines = [], ["| households | peak, MB | seconds |", "|---:|---:|---:|"]
    for n in SIZES:
        peak_mb, seconds = _measure(n, codes)
        peaks.append(peak_mb)
        lines.append(f"| {n:,} | {peak_mb:.1f} | {seconds:.1f} |")
    more = peaks[-1] - peaks[0]
    lines += ["", f"Difference: {more:.1f} MB (at most {ALLOWED_MB:.0f} MB allowed)."]
    return more <= ALLOWED_MB, lines


def _measure(n: int, codes: list[str]) -> tuple[float, float]:
    """(peak in MB, seconds) of an import of n households into an empty database."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "households.csv"
        with path.open("w", encoding="utf-8") as file:
            file.write("社区代码,地址,电话\n")
            file.writelines(
                f"{codes[i * len(codes) // n]},天桥区样例路 {i} 号楼 {i % 7} 单元,1380000{i:07d}\n"
                for i in range(n)
            )
        env = {
            **os.environ,
            "MINYI_ENV": "test",
            "MINYI_VAR_DIR": folder,
            "MINYI_DATABASE_URL": f"sqlite:///{folder}/proof.sqlite3",
            "DJANGO_SETTINGS_MODULE": "survey.settings",
        }
        for command in (["migrate", "--verbosity", "0"], ["import_regions", str(REGIONS)]):
            subprocess.run(
                [sys.executable, "manage.py", *command], cwd=ROOT, env=env, check=True, capture_output=True
            )
        said = subprocess.run(
            [sys.executable, "-c", CHILD, str(path)],
            cwd=ROOT,
            env=env,
            check=True,
            capture_output=True,
            text=True,
        ).stdout
    found = re.search(r"peak (\d+) seconds ([\d.]+)", said)
    if found is None or f"{n} 户" not in said:
        raise RuntimeError(f"the import said: {said}")
    return int(found[1]) / 1024, float(found[2])
