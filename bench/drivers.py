#!/usr/bin/python3
"""drivers.py [ROWS [ROUNDS]]

Loads the same dicts through what SQLAlchemy, Django and psycopg2 have for many rows, and through
purser.bulk_insert with the rows as one JSON parameter, serialising included. Prints for each way the
median over paired rounds of how many times as long as bulk_insert it took. Needs the connection
parameters in the environment:   scripts/with-server bench/drivers.py 100000 5
"""
import datetime
import json
import statistics
import sys
import time

import django
import psycopg2
import psycopg2.extras
import sqlalchemy
from django.conf import settings
from sqlalchemy.orm import Session, declarative_base

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
CALL = "SELECT inserted FROM purser.bulk_insert('bench_user', %s)"


def sqlalchemy_bulk_insert():
    with engine.begin() as connection:
        connection.exec_driver_sql(CALL, (json.dumps(rows, default=str),))


def django_bulk_insert():
    with transaction.atomic(), django_connection.cursor() as cursor:
        cursor.execute(CALL, [json.dumps(rows, default=str)])


def sqlalchemy_mappings():
    with Session(engine) as session:
        session.bulk_insert_mappings(User, rows)
        session.commit()


def sqlalchemy_core():
    with engine.begin() as connection:
        connection.execute(User.__table__.insert(), rows)


def sqlalchemy_add_all():
    with Session(engine) as session:
        session.add_all(User(**row) for row in rows)
        session.commit()


def django_bulk_create():
    with transaction.atomic():
        DjangoUser.objects.bulk_create([DjangoUser(**row) for row in rows])


def psycopg2_executemany():
    with psycopg2.connect("") as connection, connection.cursor() as cursor:
        cursor.executemany("INSERT INTO bench_user (name, email, active, balance, at, note) VALUES "
                           "(%(name)s, %(email)s, %(active)s, %(balance)s, %(at)s, %(note)s)", rows)


GROUPS = {
    sqlalchemy_bulk_insert: [sqlalchemy_core, sqlalchemy_mappings, sqlalchemy_add_all],
    django_bulk_insert: [django_bulk_create, psycopg2_executemany],
}


def timed(way):
    with psycopg2.connect("") as connection, connection.cursor() as cursor:
        cursor.execute("TRUNCATE bench_user")
    began = time.perf_counter()
    way()
    elapsed = time.perf_counter() - began
    with psycopg2.connect("") as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM bench_user")
        assert cursor.fetchone()[0] == ROWS
    return elapsed


with psycopg2.connect("") as setup:
    setup.cursor().execute(DDL)
print(f"SQLAlchemy {sqlalchemy.__version__}, Django {django.__version__}, psycopg2 {psycopg2.__version__.split()[0]}, {ROWS} rows")
for ours, theirs in GROUPS.items():
    times = {way: [] for way in [ours, *theirs]}
    for _ in range(ROUNDS):
        for way in times:
            times[way].append(timed(way))
    for way, all_times in times.items():
        ratio = statistics.median(t / o for t, o in zip(all_times, times[ours]))
        print(f"| {way.__name__} | {1000 * statistics.median(all_times):.0f} ms | {ratio:.1f} |")
with psycopg2.connect("") as end:
    end.cursor().execute("DROP TABLE bench_user")
