#!/usr/bin/python3
"""bulk_parameter.py [MB [ROUNDS]]

What a parameter of bulk_insert costs the server on its way to the function, for each way that drivers
have to send one: processor time of the backend, and its peak of memory beside shared buffers, in sizes of
the parameter. The rows are CSV for a heap without indexes. Linux; needs psycopg2 and psycopg, and the
connection parameters in the environment, of a server whose backends run as the same user:
    scripts/with-server -c max_wal_size=8GB /usr/bin/python3 bench/bulk_parameter.py 100 3
"""
import os
import statistics
import sys

import psycopg
import psycopg2

MB, ROUNDS = (int(a) for a in (sys.argv[1:] + ["100", "3"][len(sys.argv) - 1:]))
TICKS = os.sysconf("SC_CLK_TCK")
NOTHING = "SELECT octet_length({0})"
SELECT = "SELECT purser.bulk_insert('bench_row', {0}, 'csv')"
FROM = "SELECT * FROM purser.bulk_insert('bench_row', {0}, 'csv')"

line = "{},plain text of {} with forty characters or so,{},2026-01-01 12:00:00\n"
text = "a,b,c,d\n" + "".join(line.format(i, i, i / 8) for i in range(MB * 12000))
data = text.encode()


def psycopg2_run(connection, sql, _):
    connection.cursor().execute(sql.format("%s"), [text])


def psycopg_text(connection, sql, prepare):
    connection.execute(sql.format("%s"), [text], prepare=prepare)


def psycopg_binary(connection, sql, prepare):
    connection.execute(sql.format("%b"), [data], prepare=prepare)


WAYS = [
    ("sent, and nothing done with it", psycopg_text, NOTHING, False, {}),
    ("text, SELECT f()", psycopg_text, SELECT, False, {}),
    ("text, SELECT FROM f()", psycopg_text, FROM, False, {}),
    ("text, SELECT FROM f(), force_generic_plan", psycopg_text, FROM, False, {"plan_cache_mode": "force_generic_plan"}),
    ("text, SELECT FROM f(), prepared, force_generic_plan", psycopg_text, FROM, True, {"plan_cache_mode": "force_generic_plan"}),
    ("bytea in binary form, SELECT FROM f()", psycopg_binary, FROM, False, {}),
    ("bytea in binary form, force_generic_plan", psycopg_binary, FROM, False, {"plan_cache_mode": "force_generic_plan"}),
    ("a literal, SELECT f()", psycopg2_run, SELECT, False, {}),
    ("a literal, SELECT FROM f()", psycopg2_run, FROM, False, {}),
]


def status(pid, key):
    with open(f"/proc/{pid}/status", encoding="latin1") as lines:
        return next(int(words[1]) * 1024 for words in map(str.split, lines) if words[0] == key + ":")


def processor_time(pid):
    with open(f"/proc/{pid}/stat", encoding="latin1") as stat:
        fields = stat.read().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def measure(run, sql, prepare, settings):
    """Seconds of the backend's processor, and peak of its memory in bytes."""
    module = psycopg2 if run is psycopg2_run else psycopg
    connection = module.connect("")
    connection.autocommit = True
    cursor = connection.cursor()
    for name, value in settings.items():
        cursor.execute(f"SET {name} = {value}")
    cursor.execute("TRUNCATE bench_row")
    cursor.execute("SELECT purser.bulk_insert('bench_row', 'a\n1\n', 'csv')")
    cursor.execute("SELECT pg_backend_pid()")
    pid = cursor.fetchone()[0]
    before = status(pid, "RssAnon")
    used = processor_time(pid)
    run(connection, sql, prepare)
    used = processor_time(pid) - used
    peak = status(pid, "VmHWM") - status(pid, "RssShmem") - status(pid, "RssFile") - before
    connection.close()
    return used, peak


with psycopg2.connect("") as setup:
    setup.cursor().execute("CREATE EXTENSION IF NOT EXISTS pg_purser; DROP TABLE IF EXISTS bench_row;"
                           "CREATE TABLE bench_row (a int, b text, c float8, d timestamp)")
measured = {name: [] for name, *_ in WAYS}
for _ in range(ROUNDS):
    for name, *way in WAYS:
        measured[name].append(measure(*way))
print(f"A parameter of {len(data) / 1e6:.0f} MB\n| way | ms of the backend | memory, in sizes of the parameter |\n|---|---|---|")
for name, results in measured.items():
    print("| %s | %.0f | %.2f |" % (name, 1000 * statistics.median(r[0] for r in results),
                                    statistics.median(r[1] for r in results) / len(data)))
with psycopg2.connect("") as end:
    end.cursor().execute("DROP TABLE bench_row")
