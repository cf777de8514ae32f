"""Streams of psycopg2, which puts values into the text."""
import contextlib

import psycopg2
from psycopg2 import extras

from streams import check, run, stream


@contextlib.contextmanager
def connected(options):
    connection = psycopg2.connect("", options=options)
    yield connection
    connection.close()


def rows(cursor, sql, parameters=None):
    cursor.execute(sql, parameters)
    return cursor.fetchall()


def n_plus_one(connection):
    with connection, connection.cursor() as cursor:
        for id, _ in rows(cursor, "SELECT id, name FROM author ORDER BY id LIMIT 25"):
            rows(cursor, "SELECT title FROM book WHERE author_id = %s", (id,))


stream("n+1 in a transaction", "n_plus_one book")(n_plus_one)


@stream("n+1, autocommit", "n_plus_one book")
def n_plus_one_autocommit(connection):
    connection.autocommit = True
    n_plus_one(connection)


@stream("n+1 by text", "n_plus_one author")
def n_plus_one_text(connection):
    with connection, connection.cursor() as cursor:
        for (email,) in rows(cursor, "SELECT email FROM author ORDER BY id LIMIT 25"):
            rows(cursor, "SELECT name FROM author WHERE email = %s", (email,))


@stream("n+1, values as text", "n_plus_one book")
def n_plus_one_quoted(connection):
    with connection, connection.cursor() as cursor:
        for (id,) in rows(cursor, "SELECT id FROM author ORDER BY id LIMIT 25"):
            rows(cursor, "SELECT title FROM book WHERE author_id = %s", (str(id),))


@stream("n+1 over a cursor of the server", "n_plus_one book")
def n_plus_one_named(connection):
    with connection, connection.cursor("parents") as parents, connection.cursor() as cursor:
        parents.itersize = 10
        parents.execute("SELECT id, name FROM author ORDER BY id LIMIT 50")
        for id, _ in parents:
            rows(cursor, "SELECT title FROM book WHERE author_id = %s", (id,))


@stream("= ANY of all values")
def any_of_all(connection):
    with connection, connection.cursor() as cursor:
        ids = [id for id, _ in rows(cursor, "SELECT id, name FROM author ORDER BY id LIMIT 25")]
        rows(cursor, "SELECT title FROM book WHERE author_id = ANY (%s)", (ids,))


@stream("IN, five at a time")
def in_batches(connection):
    with connection, connection.cursor() as cursor:
        ids = [id for id, _ in rows(cursor, "SELECT id, name FROM author ORDER BY id LIMIT 50")]
        for i in range(0, 50, 5):
            rows(cursor, "SELECT title FROM book WHERE author_id IN %s", (tuple(ids[i:i + 5]),))


@stream("a retry after a failure")
def retry(connection):
    for _ in range(6):
        with contextlib.suppress(psycopg2.Error), connection, connection.cursor() as cursor:
            rows(cursor, "SELECT name FROM author WHERE id = 3")
            rows(cursor, "SELECT 1 / 0")


@stream("a cursor of the server, read to its end")
def named(connection):
    with connection, connection.cursor("c") as cursor:
        cursor.execute("SELECT id, body FROM comment WHERE id < 20000 ORDER BY body")
        assert sum(1 for _ in cursor) == 20000


@stream("a sorted cursor of the server, left early", "unread_rows comment")
def named_left(connection):
    with connection, connection.cursor("c") as cursor:
        cursor.execute("SELECT id, body FROM comment ORDER BY body")
        assert cursor.fetchmany(10)


@stream("an unsorted cursor of the server, left early")
def named_scan_left(connection):
    with connection, connection.cursor("c") as cursor:
        cursor.execute("SELECT id, body FROM comment")
        assert cursor.fetchmany(10)


@stream("a cursor of the server, lost to a rollback")
def named_rollback(connection):
    cursor = connection.cursor("c")
    cursor.execute("SELECT id, body FROM comment ORDER BY body")
    cursor.fetchmany(10)
    connection.rollback()


@stream("executemany()", "row_by_row_write visit")
def executemany(connection):
    with connection, connection.cursor() as cursor:
        cursor.executemany("INSERT INTO visit (author_id, page) VALUES (%s, %s)", [(i, "/") for i in range(40)])


@stream("execute_batch()", "row_by_row_write visit")
def execute_batch(connection):
    with connection, connection.cursor() as cursor:
        extras.execute_batch(cursor, "INSERT INTO visit (author_id, page) VALUES (%s, %s)",
                             [(i, "/") for i in range(40)])


@stream("execute_values()")
def execute_values(connection):
    with connection, connection.cursor() as cursor:
        extras.execute_values(cursor, "INSERT INTO visit (author_id, page) VALUES %s", [(i, "/") for i in range(400)])


def new_texts(connection):
    with connection, connection.cursor() as cursor:
        for i in range(150):
            rows(cursor, "SELECT name FROM author WHERE id = %d" % (i * 7919 % 1999))


stream("ever new texts")(new_texts)
stream("ever new texts, when asked", "unparameterized author",
       options="-c purser.audit_unparameterized=on")(new_texts)


@stream("one text, when asked", options="-c purser.audit_unparameterized=on")
def one_text(connection):
    for i in range(150):
        with connection, connection.cursor() as cursor:
            rows(cursor, "SELECT name FROM author WHERE id = 3")


@check("a notice, and its words")
def notices(admin):
    connection = psycopg2.connect("", options="-c purser.audit_notice=n_plus_one -c application_name=batch")
    n_plus_one(connection)
    notice = "".join(connection.notices)
    connection.close()
    name = admin.rows("SELECT application_name FROM purser.findings")
    good = ('query violates audit rule "n_plus_one"' in notice and name == [("batch",)] and
            "Parent query: SELECT id, name FROM author ORDER BY id LIMIT 25" in notice)
    return None if good else repr((notice, name))


run("psycopg2", connected)
