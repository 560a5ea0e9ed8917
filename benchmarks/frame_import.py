"""Import of a household list against COPY of the same columns into the same table, in one run on PostgreSQL.

    python -m benchmarks.frame_import [--households 3500000] [--order sorted|mixed]

Writes a list of made-up households in Jinan's 5,758 communities, fills the table with COPY from columns that
are ready-made (the bare pass: a file in COPY's own format, sent in pieces of a megabyte), empties the table,
and imports the list with `import_households`: reading, checks, normalising, hashing, encryption, doubled
addresses, coverage and hash trees. Both fill the same table with the same indexes. Prints rows a second, the
ratio and the peak of memory; exits with 1 when the import has less than a third of COPY's speed.

It starts a PostgreSQL of its own on a free port of this machine (Debian's packages), with the settings that
come with it, and removes it afterwards.
"""

import argparse
import os
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
REGIONS = ROOT / "survey" / "demo" / "data" / "jinan_regions.csv"
CENSUS = ROOT / "survey" / "demo" / "data" / "census_jinan_2020.csv"
CITY = "370100000000"
LIMIT = 3.0
PIECE = 1 << 20
ROAD_NAMES = ("解放路", "经七路", "济洛路", "无影山中路", "堤口路", "工业南路", "花园路", "二环东路")


@contextmanager
def own_postgres(folder: Path) -> Iterator[str]:
    """A throwaway server; yields its URL."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        sys.exit("PostgreSQL's programs are not installed (Debian: postgresql)")
    programs, data = found[-1].parent, folder / "pg"
    data.mkdir()
    as_root = os.getuid() == 0
    prefix = ["runuser", "-u", "postgres", "--"] if as_root else []
    if as_root:
        folder.chmod(0o755)
        shutil.chown(data, "postgres")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    def run(program: str, *arguments: str) -> None:
        command = [*prefix, str(programs / program), *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=data)

    run("initdb", "-D", str(data / "db"), "-U", "minyi", "--auth=trust", "--encoding=UTF8", "--locale=C")
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={data}"
    run("pg_ctl", "-D", str(data / "db"), "-w", "-l", str(data / "log"), "-o", options, "start")
    try:
        run("createdb", "-h", "127.0.0.1", "-p", str(port), "-U", "minyi", "minyi")
        yield f"postgres://minyi@127.0.0.1:{port}/minyi"
    finally:
        run("pg_ctl", "-D", str(data / "db"), "-m", "immediate", "stop")


def write_list(path: Path, households: int, *, mixed: bool) -> None:
    """A list as an office keeps it: code, address, household number, a telephone in two of three rows."""
    codes = [
        line.split(",")[0]
        for line in REGIONS.read_text(encoding="utf-8").splitlines()
        if line.split(",")[2] == "community"
    ]
    random = np.random.default_rng(20261123)
    share = random.lognormal(0, 0.5, len(codes))
    place = np.repeat(np.arange(len(codes)), np.maximum(1, households * share / share.sum()).astype(int))
    place = np.resize(place, households)
    place = random.permutation(place) if mixed else np.sort(place)
    with path.open("w", encoding="utf-8") as file:
        file.write("社区代码,地址,户号,电话,户别\n")
        for i, community in enumerate(place.tolist()):
            road = ROAD_NAMES[community % len(ROAD_NAMES)]
            phone = "" if i % 3 == 0 else f"1380{i:07d}"
            kind = "集体户" if i % 97 == 0 else ""
            file.write(
                f"{codes[community]},济南市{road}{community}号院{i % 60 + 1}号楼{i % 5 + 1}单元"
                f"{i // 60}室,{i:08d},{phone},{kind}\n"
            )


def timed(work: Callable[[], object]) -> tuple[float, object]:
    """(seconds, what it returned)."""
    begun = time.perf_counter()
    result = work()
    return time.perf_counter() - begun, result


def bare_copy(ready: Path) -> None:
    """The file, in COPY's own format, into the table."""
    from django.db import connection

    from survey.sampling.bulk import COPY_STATEMENT

    with (
        ready.open("rb") as file,
        connection.connection.cursor() as cursor,
        cursor.copy(COPY_STATEMENT) as copy,
    ):
        while piece := file.read(PIECE):
            copy.write(piece)


def make_ready(households: Path, ready: Path, frame: object) -> None:
    """The list's columns as the import makes them, in a file: what COPY alone has to do."""
    from itertools import islice

    from survey.common.refused import RefusedRows
    from survey.sampling.bulk import copy_text
    from survey.sampling.household_rows import HouseholdRows

    rows = HouseholdRows(frame, RefusedRows()).read(households)
    with ready.open("w", encoding="utf-8") as file:
        while piece := list(islice(rows, 1000)):
            file.write(copy_text(piece))


def measure(folder: Path, households: int, *, mixed: bool) -> bool:
    """Both on an empty table; prints and says whether the import is fast enough."""
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    from survey.audit.services import SYSTEM
    from survey.regions.models import Region
    from survey.regions.services import import_census, import_regions
    from survey.sampling.models import FrameVersion
    from survey.sampling.services import import_households

    call_command("migrate", verbosity=0)
    import_regions(path=REGIONS, acting_user=SYSTEM)
    import_census(path=CENSUS, acting_user=SYSTEM)
    city, source, ready = Region.objects.get(code=CITY), folder / "households.csv", folder / "ready.txt"
    write_list(source, households, mixed=mixed)
    frame = FrameVersion.objects.create(region=city, number=1, name="bare", source_name="ready.txt")
    make_ready(source, ready, frame)
    print(f"list {source.stat().st_size / 1e6:.0f} MB, ready columns {ready.stat().st_size / 1e6:.0f} MB")

    def empty_table() -> None:
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE sampling_frameunit CASCADE")
            cursor.execute("CHECKPOINT")

    copied, _nothing = timed(lambda: bare_copy(ready))
    print(f"COPY            {copied:8.1f} s {households / copied:10,.0f} rows/s", flush=True)
    empty_table()
    before, cpu = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, time.process_time()
    imported, done = timed(
        lambda: import_households(path=source, name="bench", region=city, acting_user=SYSTEM)
    )
    cpu, after = time.process_time() - cpu, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"import          {imported:8.1f} s {households / imported:10,.0f} rows/s ({cpu:.1f} s of Python)")
    print(f"ratio           {imported / copied:8.2f} times COPY's time (limit {LIMIT:g})")
    print(f"memory          {after:8.0f} MB at the peak, {before:.0f} MB before")
    print(f"frame           {done.n_households:,} households, {done.n_communities:,} communities")
    return imported / copied <= LIMIT


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--households", type=int, default=3_500_000)
    parser.add_argument("--order", choices=["sorted", "mixed"], default="sorted", help="of the list's rows")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="minyi-bench-") as name, own_postgres(Path(name)) as url:
        os.environ |= {
            "MINYI_ENV": "test",
            "MINYI_VAR_DIR": name,
            "MINYI_DATABASE_URL": url,
            "DJANGO_SETTINGS_MODULE": "survey.settings",
        }
        sys.exit(not measure(Path(name), options.households, mixed=options.order == "mixed"))


if __name__ == "__main__":
    main()
