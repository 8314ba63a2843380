"""What the benchmark programs share: the connection, the data, CPU and memory of the server.

Every program takes the server from AUGUR_BENCH_DSN (a libpq connection string; default: libpq's
own defaults).  The server must be local, and the role a superuser, because CPU and memory are read
from /proc.  Needs Python 3.9 with psycopg2, numpy and pandas; the peers need scikit-learn, xgboost,
and R with ranger, and are left out, and said to be left out, where they are missing.
"""
import io
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import numpy as np
import pandas as pd
import psycopg2

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))


def dsn():
    return os.environ.get("AUGUR_BENCH_DSN", "")


def shared_data():
    """The folder of extra data sets, or None."""
    for path in (os.environ.get("AUGUR_SHARED_DATA"), os.path.join(ROOT, "..", "shared", "data")):
        if path and os.path.exists(os.path.join(path, "diamonds.csv")):
            return os.path.abspath(path)
    return None


def shared_bench():
    """The folder of the generator of the large tables, or None."""
    for path in (os.environ.get("AUGUR_SHARED_BENCH"), os.path.join(ROOT, "..", "shared", "bench")):
        if path and os.path.exists(os.path.join(path, "gen_data.py")):
            return os.path.abspath(path)
    return None


def auc(y, p):
    """Area under the ROC curve; ties count half."""
    order = np.argsort(p, kind="stable")
    rank = np.empty(len(p))
    rank[order] = np.arange(1, len(p) + 1)
    _, inverse = np.unique(p, return_inverse=True)       # ties share their mean rank
    total = np.bincount(inverse, rank) / np.bincount(inverse)
    rank = total[inverse]
    n1 = y.sum()
    return float((rank[y == 1].sum() - n1 * (n1 + 1) / 2) / (n1 * (len(y) - n1)))


# ---- SQL -----------------------------------------------------------------

class Session:
    """One connection in autocommit; closing waits until the server has reaped the backend."""

    def __init__(self, **settings):
        self.conn = psycopg2.connect(dsn())
        self.conn.autocommit = True
        self.cur = self.conn.cursor()
        self.run("SET client_min_messages = warning")
        for name, value in settings.items():
            self.run("SELECT set_config(%s, %s, false)", (name.replace("__", "."), str(value)))
        self.pid = self.one("SELECT pg_backend_pid()")

    def run(self, sql, args=None):
        self.cur.execute(sql, args)
        return self.cur

    def one(self, sql, args=None):
        return self.run(sql, args).fetchone()[0]

    def copy_in(self, table, frame):
        buffer = io.StringIO()
        frame.to_csv(buffer, header=False, index=False)
        buffer.seek(0)
        self.cur.copy_expert(f"COPY {table} FROM STDIN (FORMAT csv)", buffer)

    def close(self):
        self.conn.close()
        while os.path.exists(f"/proc/{self.pid}"):
            time.sleep(0.005)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def pg_type(series):
    if series.dtype == bool:
        return "boolean"
    kind, size = getattr(series.dtype, "kind", "O"), getattr(series.dtype, "itemsize", 0)
    if kind in "iu":
        return {1: "smallint", 2: "smallint", 4: "integer"}.get(size, "bigint")
    if kind == "f":
        return "real" if size == 4 else "float8"
    return "date" if kind == "M" else "text"


def load_frame(session, table, frame, types=None):
    columns = ", ".join(f'"{c}" {(types or {}).get(c) or pg_type(frame[c])}' for c in frame.columns)
    session.run(f"DROP TABLE IF EXISTS {table}")
    session.run(f"CREATE TABLE {table} ({columns})")
    for start in range(0, len(frame), 100_000):
        session.copy_in(table, frame.iloc[start:start + 100_000])
    session.run(f"VACUUM (ANALYZE, FREEZE) {table}")


def has_table(session, table):
    return session.one("SELECT to_regclass(%s) IS NOT NULL", (table,))


def higgs(session, rows=1_000_000, table="higgs"):
    """Makes (once) the table of the shared generator, 28 columns and y, with an id from 0 on."""
    if has_table(session, table) and session.one(f"SELECT count(*) FROM {table}") == rows:
        return table
    folder = shared_bench()
    if folder is None:
        sys.exit("gen_data.py not found (AUGUR_SHARED_BENCH): cannot make the table higgs")
    sys.path.insert(0, folder)
    import gen_data
    x, y = gen_data.higgs(1_000_000)    # one stream: the first rows do not depend on how many
    frame = pd.DataFrame({f"f{i + 1}": x[:rows, i].astype(np.float32 if i >= 7 else np.float64)
                          for i in range(28)})
    frame["y"] = y[:rows]
    frame.insert(0, "id", np.arange(rows))
    load_frame(session, table, frame)
    return table


# ---- CPU -----------------------------------------------------------------

TICK = os.sysconf("SC_CLK_TCK")


def postmaster():
    with Session() as s:
        return int(s.one("SELECT pg_read_file('postmaster.pid')").split()[0])


def stat(pid):
    with open(f"/proc/{pid}/stat") as f:
        return f.read().rsplit(")", 1)[1].split()


def reaped_cpu(pid):
    """CPU seconds of all children of the postmaster that have ended."""
    fields = stat(pid)
    return (int(fields[13]) + int(fields[14])) / TICK


def server_cpu(work, **settings):
    """Runs work(session) in a session of its own; returns (result, CPU s, wall s).

    Backends and parallel workers are children of the postmaster: once they have ended, their
    times are in its cutime and cstime, which nothing else changes while autovacuum is off.
    """
    pid = postmaster()
    before, start = reaped_cpu(pid), time.perf_counter()
    with Session(**settings) as session:
        session.run("SELECT 1")
        result = work(session)
        wall = time.perf_counter() - start
    for _ in range(200):                # the postmaster reaps at its own pace
        time.sleep(0.01)
        if reaped_cpu(pid) > before:
            break
    time.sleep(0.05)
    return result, reaped_cpu(pid) - before, wall


def own_cpu(work):
    """The same for a function of this process, with its threads and children."""
    def now():
        a = resource.getrusage(resource.RUSAGE_SELF)
        b = resource.getrusage(resource.RUSAGE_CHILDREN)
        return a.ru_utime + a.ru_stime + b.ru_utime + b.ru_stime
    before, start = now(), time.perf_counter()
    result = work()
    return result, now() - before, time.perf_counter() - start


# ---- memory --------------------------------------------------------------

def pss(pid):
    """(private and dynamic shared, the server's fixed shared segment) in kB of one process."""
    free, fixed, is_fixed = 0, 0, False
    try:
        with open(f"/proc/{pid}/smaps") as f:
            for line in f:
                if line[0] in "0123456789abcdef" and "-" in line.split(" ", 1)[0]:
                    is_fixed = "/dev/zero (deleted)" in line or "anon_hugepage (deleted)" in line
                elif line.startswith("Pss:"):
                    kb = int(line.split()[1])
                    if is_fixed:
                        fixed += kb
                    else:
                        free += kb
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        pass
    return free, fixed


class PeakMemory(threading.Thread):
    """Samples the proportional set size of the postmaster and all its children."""

    def __init__(self, interval=0.05):
        super().__init__(daemon=True)
        self.pid, self.interval, self.stop = postmaster(), interval, threading.Event()
        self.peak, self.peak_all = 0, 0

    def sample(self):
        try:
            with open(f"/proc/{self.pid}/task/{self.pid}/children") as f:
                pids = f.read().split()
        except FileNotFoundError:
            pids = []
        parts = [pss(p) for p in [str(self.pid)] + pids]
        return sum(p[0] for p in parts), sum(p[0] + p[1] for p in parts)

    def run(self):
        while not self.stop.is_set():
            free, whole = self.sample()
            self.peak, self.peak_all = max(self.peak, free), max(self.peak_all, whole)
            time.sleep(self.interval)

    def __enter__(self):
        self.base = self.sample()[0]
        self.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.join()


# ---- reporting -----------------------------------------------------------

def median(values):
    return statistics.median(values)


def table(head, rows):
    """Rows of a Markdown table."""
    print("| " + " | ".join(head) + " |")
    print("|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(str(c) for c in row) + " |")
    print(flush=True)


def save(name, value):
    """JSON beside the Markdown, in the folder AUGUR_BENCH_OUT (default: build/bench)."""
    folder = os.environ.get("AUGUR_BENCH_OUT", os.path.join(ROOT, "build", "bench"))
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, name + ".json")
    with open(path, "w") as f:
        json.dump({"when": time.strftime("%Y-%m-%d %H:%M:%S"), "machine": machine(), **value}, f,
                  indent=1)
    print("written:", path, file=sys.stderr)


def machine():
    model = "unknown"
    with open("/proc/cpuinfo") as f:
        for line in f:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    with Session() as s:
        server = s.one("SHOW server_version")
        version = s.one("SELECT augur.version()")
        settings = {n: s.one("SELECT current_setting(%s)", (n,)) for n in
                    ("shared_buffers", "maintenance_work_mem", "max_parallel_maintenance_workers",
                     "max_parallel_workers_per_gather", "jit")}
    return {"cpu": model, "cores": os.cpu_count(), "postgresql": server, "augur": version,
            "settings": settings}


def has(module):
    try:
        __import__(module)
        return True
    except ImportError:
        return False


def has_ranger():
    if shutil.which("Rscript") is None:
        return False
    return subprocess.run(["Rscript", "-e", "library(ranger)"], capture_output=True).returncode == 0


def scratch():
    return tempfile.mkdtemp(prefix="augur-bench-")
