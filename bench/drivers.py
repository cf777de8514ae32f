#!/usr/bin/python3
"""drivers.py [ROWS [ROUNDS]]

Loads the same list of dicts through what SQLAlchemy, Django and psycopg2 have for many rows, and through
purser.bulk_insert with the rows as JSON, serialising included, in the ways that docs/bulk-drivers.md shows.
Prints for each way medians over paired rounds: elapsed time, processor time of client and of server, and how
many times as long as the first way of its group it took, by the clock and by the processor. Linux.
Needs the connection parameters in the environment:
    scripts/with-server -c shared_buffers=1GB -c max_wal_size=8GB /usr/bin/python3 bench/drivers.py 100000 5
"""
import datetime
import json
import os
import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import django
import psycopg2
import psycopg2.extras
import sqlalchemy
from django.conf import settings
from sqlalchemy.orm import Session, declarative_base

try:
    import orjson
except ImportError:
    orjson = None
try:
    import psycopg
except ImportError:
    psycopg = None

ROWS, ROUNDS = (int(a) for a in (sys.argv[1:] + ["100000", "5"][len(sys.argv) - 1:]))
DDL = """CREATE EXTENSION IF NOT EXISTS pg_purser; DROP TABLE IF EXISTS bench_user;
CREATE TABLE bench_user (id serial PRIMARY KEY, name text, email text, active boolean, balance double precision,
    at timestamptz, note text)"""

settings.configure(DATABASES={"default": {"ENGINE": "django.db.backends.postgresql", "NAME": psycopg2.connect("").info.dbname}},
                   USE_TZ=True)
django.setup()
from django.db import connection as django_connection, models, transaction  # noqa: E402


class DjangoUser(models.Model):
    name = models.TextField()
    email = models.TextField()
    active = models.BooleanField()
    balance = models.FloatField()
    at = models.DateTimeField()
    note = models.TextField()

    class Meta:
        app_label = "bench"
        db_table = "bench_user"


class User(declarative_base()):
    __tablename__ = "bench_user"
    id = sqlalchemy.Column(sqlalchemy.Integer, primary_key=True)
    name = sqlalchemy.Column(sqlalchemy.Text)
    email = sqlalchemy.Column(sqlalchemy.Text)
    active = sqlalchemy.Column(sqlalchemy.Boolean)
    balance = sqlalchemy.Column(sqlalchemy.Float)
    at = sqlalchemy.Column(sqlalchemy.DateTime(timezone=True))
    note = sqlalchemy.Column(sqlalchemy.Text)


START = datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc)
rows = [{"name": f"user{i}", "email": f"user{i}@example.com", "active": i % 2 == 0, "balance": i % 10000 / 100,
         "at": START + datetime.timedelta(minutes=i), "note": "plain note " * (i % 6)} for i in range(ROWS)]
engine = sqlalchemy.create_engine("postgresql+psycopg2://")
batch_engine = sqlalchemy.create_engine("postgresql+psycopg2://", executemany_mode="values_plus_batch",
                                        executemany_values_page_size=10000)
plain_engine = sqlalchemy.create_engine("postgresql+psycopg2://", executemany_mode=None)
psycopg2_connection = psycopg2.connect("")
psycopg_connection = psycopg and psycopg.connect("", autocommit=True)
CALL = "SELECT inserted FROM purser.bulk_insert('bench_user', %s)"


# ---- ours ----

def dumps(some):
    return json.dumps(some, default=str)


def fast_dumps(some):
    return orjson.dumps(some).decode()


def parts(serialise, size=20000):
    """The rows in parts, the next ones serialised by a thread while the server works on one."""
    with ThreadPoolExecutor(1) as pool:
        yield from pool.map(serialise, [rows[i:i + size] for i in range(0, len(rows), size)])


def sqlalchemy_bulk_insert():
    with engine.begin() as connection:
        connection.exec_driver_sql(CALL, (dumps(rows),))


def sqlalchemy_bulk_insert_in_parts():
    with engine.begin() as connection:
        for part in parts(dumps):
            connection.exec_driver_sql(CALL, (part,))


def sqlalchemy_bulk_insert_orjson():
    with engine.begin() as connection:
        connection.exec_driver_sql(CALL, (fast_dumps(rows),))


def sqlalchemy_bulk_insert_orjson_in_parts():
    with engine.begin() as connection:
        for part in parts(fast_dumps):
            connection.exec_driver_sql(CALL, (part,))


def django_bulk_insert():
    with transaction.atomic(), django_connection.cursor() as cursor:
        cursor.execute(CALL, [dumps(rows)])


def django_bulk_insert_in_parts():
    with transaction.atomic(), django_connection.cursor() as cursor:
        for part in parts(dumps):
            cursor.execute(CALL, [part])


def django_bulk_insert_orjson():
    with transaction.atomic(), django_connection.cursor() as cursor:
        cursor.execute(CALL, [fast_dumps(rows)])


def psycopg_bulk_insert():
    with psycopg_connection.transaction():
        psycopg_connection.execute(CALL, [dumps(rows)])


def psycopg_bulk_insert_orjson():
    with psycopg_connection.transaction():
        psycopg_connection.execute(CALL, [orjson.dumps(rows)])


# ---- theirs ----

def sqlalchemy_core():
    with engine.begin() as connection:
        connection.execute(User.__table__.insert(), rows)


def sqlalchemy_core_pages_of_10000():
    with batch_engine.begin() as connection:
        connection.execute(User.__table__.insert(), rows)


def sqlalchemy_core_plain_executemany():
    with plain_engine.begin() as connection:
        connection.execute(User.__table__.insert(), rows)


def sqlalchemy_mappings():
    with Session(engine) as session:
        session.bulk_insert_mappings(User, rows)
        session.commit()


def sqlalchemy_add_all():
    with Session(engine) as session:
        session.add_all(User(**row) for row in rows)
        session.commit()


def django_bulk_create():
    with transaction.atomic():
        DjangoUser.objects.bulk_create([DjangoUser(**row) for row in rows])


def django_bulk_create_of_1000():
    with transaction.atomic():
        DjangoUser.objects.bulk_create([DjangoUser(**row) for row in rows], batch_size=1000)


INSERT = """INSERT INTO bench_user (name, email, active, balance, at, note) VALUES
    (%(name)s, %(email)s, %(active)s, %(balance)s, %(at)s, %(note)s)"""


def psycopg2_executemany():
    with psycopg2_connection, psycopg2_connection.cursor() as cursor:
        cursor.executemany(INSERT, rows)


def psycopg_executemany():
    with psycopg_connection.transaction(), psycopg_connection.cursor() as cursor:
        cursor.executemany(INSERT, rows)


def psycopg_copy():
    with psycopg_connection.transaction(), psycopg_connection.cursor() as cursor, \
            cursor.copy("COPY bench_user (name, email, active, balance, at, note) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(tuple(row.values()))


def groups():
    """Lists of ways; the first of each is what the others are compared with."""
    ours = [sqlalchemy_bulk_insert, sqlalchemy_bulk_insert_in_parts]
    djangos = [django_bulk_insert, django_bulk_insert_in_parts]
    psycopgs = [psycopg_bulk_insert]
    if orjson:
        ours += [sqlalchemy_bulk_insert_orjson, sqlalchemy_bulk_insert_orjson_in_parts]
        djangos.append(django_bulk_insert_orjson)
        psycopgs.append(psycopg_bulk_insert_orjson)
    yield ours + [sqlalchemy_core, sqlalchemy_core_pages_of_10000, sqlalchemy_mappings,
                  sqlalchemy_core_plain_executemany, sqlalchemy_add_all]
    yield djangos + [django_bulk_create, django_bulk_create_of_1000, psycopg2_executemany]
    if psycopg:
        yield psycopgs + [psycopg_executemany, psycopg_copy]


# ---- measuring ----

TICKS = os.sysconf("SC_CLK_TCK")


def server_time():
    """Seconds of processor time that the present backends took; every way keeps its connection."""
    with psycopg2_connection, psycopg2_connection.cursor() as cursor:
        cursor.execute("SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'")
        pids = [pid for pid, in cursor.fetchall()]
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/stat", encoding="latin1") as stat:
            fields = stat.read().rsplit(") ", 1)[1].split()
        total += (int(fields[11]) + int(fields[12])) / TICKS
    return total


def timed(way):
    """Elapsed time, processor time of both, of the client, of the server; in seconds."""
    with psycopg2_connection, psycopg2_connection.cursor() as cursor:
        cursor.execute("TRUNCATE bench_user")
    server, client, began = server_time(), time.process_time(), time.perf_counter()
    way()
    elapsed, client = time.perf_counter() - began, time.process_time() - client
    server = server_time() - server
    with psycopg2_connection, psycopg2_connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM bench_user")
        assert cursor.fetchone()[0] == ROWS
    return elapsed, client + server, client, server


def compare(ways):
    times = {way: [] for way in ways}
    for _ in range(ROUNDS + 1):
        for way in times:
            times[way].append(timed(way))
    for way in ways:
        measured = times[way][1:]
        base = times[ways[0]][1:]
        print("| %s | %.0f | %.0f | %.0f | %.1f | %.1f |" % (
            way.__name__, *(1000 * statistics.median(m[i] for m in measured) for i in (0, 2, 3)),
            *(statistics.median(m[i] / b[i] for m, b in zip(measured, base)) for i in (0, 1))), flush=True)


with psycopg2.connect("") as setup:
    setup.cursor().execute(DDL)
print(f"SQLAlchemy {sqlalchemy.__version__}, Django {django.__version__}, psycopg2 {psycopg2.__version__.split()[0]}, {ROWS} rows")
print("| way | elapsed, ms | client, ms | server, ms | times as long | by processor |\n|---|---|---|---|---|---|")
for ways in groups():
    compare(ways)
with psycopg2.connect("") as end:
    end.cursor().execute("DROP TABLE bench_user")
