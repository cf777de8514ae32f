#!/usr/bin/python3
"""bulk_memory.py [MB]

The memory of loads of large input: the peak of the backend, without shared buffers, above what it had
before; for a parameter also above what the server takes to receive that parameter, measured by a statement
that does nothing with it. Files and parameters have 950 MB, or so many; a parameter may have 1 GB at most.
Linux; needs psycopg, gzip and zstd, a superuser, room for two files, and memory for four times their size:
    scripts/with-server -c max_wal_size=8GB /usr/bin/python3 bench/bulk_memory.py
"""
import json
import os
import subprocess
import sys
import tempfile
import threading

import psycopg

SIZE = int(sys.argv[1] if len(sys.argv) > 1 else 950) * 1_000_000
ROWS = 1000
NAME = "plain text of {} with forty characters or so"
TEXT, BYTEA = 25, 17


def csv_rows(first):
    return "".join(f"{i},{NAME.format(i)},{i / 8},2026-01-01 12:00:00\n" for i in range(first, first + ROWS))


def json_rows(first, end):
    return "".join(json.dumps({"a": i, "b": NAME.format(i), "c": i / 8, "d": "2026-01-01 12:00:00"}) + end
                   for i in range(first, first + ROWS))


def write(path, head, rows, tail):
    """A file of about SIZE bytes."""
    with open(path, "w", encoding="ascii") as file:
        size, first = file.write(head), 0
        while size < SIZE - 1_000_000:
            size += file.write(rows(first))
            first += ROWS
        file.write(tail)


def csv(path):
    write(path, "a,b,c,d\n", csv_rows, "")


def ndjson(path):
    write(path, "", lambda first: json_rows(first, "\n"), "")


def json_array(path):
    write(path, "[", lambda first: json_rows(first, ",\n"), '{"a": 0}]')


def private_memory(pid):
    """What is resident, without shared memory and mapped files, in bytes."""
    with open(f"/proc/{pid}/status", encoding="latin1") as lines:
        return next(int(words[1]) * 1024 for words in map(str.split, lines) if words[0] == "RssAnon:")


class Watch:
    """Notes the largest private memory of a process, which a thread looks at every millisecond."""

    def __init__(self, pid):
        self.pid, self.peak, self.ended = pid, 0, threading.Event()
        self.thread = threading.Thread(target=self.look)

    def look(self):
        while not self.ended.wait(0.001):
            self.peak = max(self.peak, private_memory(self.pid))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()


def peak_of(run):
    """The peak of a new backend, in bytes above what it had before."""
    with psycopg.connect("", autocommit=True) as connection:
        # A generic plan has no copies of the parameter.
        connection.execute("SET plan_cache_mode = force_generic_plan")
        connection.execute("TRUNCATE bench_row")
        connection.execute("SELECT purser.bulk_insert('bench_row', E'a\\n1\\n', 'csv')")
        before = private_memory(connection.info.backend_pid)
        with Watch(connection.info.backend_pid) as watch:
            run(connection)
        return watch.peak - before


def with_parameter(sql, data, oid):
    def run(connection):
        result = connection.pgconn.exec_params(sql.encode(), [data], [oid], [1])
        if result.error_message:
            raise RuntimeError(result.error_message.decode())
    return run


def of_file(path):
    return peak_of(lambda connection: connection.execute("SELECT purser.bulk_load('bench_row', %s)", [path]))


def of_parameter(path, form, oid):
    """What the load adds, and what receiving the parameter takes, in bytes."""
    with open(path, "rb") as file:
        data = file.read()
    nothing = peak_of(with_parameter("SELECT $1 IS NULL", data, oid))
    load = f"SELECT purser.bulk_insert('bench_row', $1, '{form}')"
    return peak_of(with_parameter(load, data, oid)) - nothing, nothing


def report(what, size, load, receive=None):
    print("| %s | %.0f MB | %.1f MB | %s |" % (what, size / 1e6, load / 1e6, f"{receive / 1e6:.0f} MB" if receive else ""),
          flush=True)


with psycopg.connect("") as setup:
    setup.execute("CREATE EXTENSION IF NOT EXISTS pg_purser")
    setup.execute("DROP TABLE IF EXISTS bench_row")
    setup.execute("CREATE UNLOGGED TABLE bench_row (a int, b text, c float8, d timestamp)")
print("| input | size | the load itself | receiving it |\n|---|---|---|---|")
with tempfile.TemporaryDirectory() as folder:
    os.chmod(folder, 0o755)
    for make, form in (csv, "csv"), (ndjson, "ndjson"), (json_array, "json"):
        path = f"{folder}/rows.{form}"
        make(path)
        size = os.path.getsize(path)
        report(f"file, {form}", size, of_file(path))
        report(f"text parameter, {form}", size, *of_parameter(path, form, TEXT))
        report(f"bytea parameter, {form}", size, *of_parameter(path, form, BYTEA))
        for suffix, pack in (".gz", ["gzip", "-1"]), (".zst", ["zstd", "-q"]):
            with open(path + suffix, "wb") as packed:
                subprocess.run([*pack, "-c", path], stdout=packed, check=True)
            report(f"file, {form}{suffix}", os.path.getsize(path + suffix), of_file(path + suffix))
            os.remove(path + suffix)
        os.remove(path)
with psycopg.connect("") as end:
    end.execute("DROP TABLE bench_row")
