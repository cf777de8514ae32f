"""Streams of psycopg (3), which binds values, and prepares what it runs for the sixth time."""
import contextlib

import psycopg

from streams import check, run, stream


@contextlib.contextmanager
def connected(options):
    with psycopg.connect("", options=options) as connection:
        yield connection


def n_plus_one(connection, **arguments):
    with connection.transaction():
        for id, _ in connection.execute("SELECT id, name FROM author ORDER BY id LIMIT 25").fetchall():
            connection.execute("SELECT title FROM book WHERE author_id = %s", (id,), **arguments).fetchall()


stream("n+1, prepared at the sixth", "n_plus_one book")(n_plus_one)


@stream("n+1, binary and prepared at once", "n_plus_one book")
def n_plus_one_binary(connection):
    n_plus_one(connection, binary=True, prepare=True)


@stream("n+1, never prepared, autocommit", "n_plus_one book")
def n_plus_one_unprepared(connection):
    connection.autocommit = True
    for id, _ in connection.execute("SELECT id, name FROM author ORDER BY id LIMIT 25").fetchall():
        connection.execute("SELECT title FROM book WHERE author_id = %s", (id,), prepare=False).fetchall()


@stream("n+1, a client's cursor", "n_plus_one book")
def n_plus_one_client(connection):
    with psycopg.ClientCursor(connection) as cursor:
        for id, _ in cursor.execute("SELECT id, name FROM author ORDER BY id LIMIT 25").fetchall():
            cursor.execute("SELECT title FROM book WHERE author_id = %s", (id,)).fetchall()


@stream("n+1 in a pipeline", "n_plus_one book")
def n_plus_one_pipeline(connection):
    parents = connection.execute("SELECT id, name FROM author ORDER BY id LIMIT 25").fetchall()
    with connection.pipeline():
        cursors = [connection.execute("SELECT title FROM book WHERE author_id = %s", (id,)) for id, _ in parents]
    return [cursor.fetchall() for cursor in cursors]


@stream("n+1 by text", "n_plus_one author")
def n_plus_one_text(connection):
    for (email,) in connection.execute("SELECT email FROM author ORDER BY id LIMIT 25").fetchall():
        connection.execute("SELECT name FROM author WHERE email = %s", (email,)).fetchall()


@stream("= ANY of all values")
def any_of_all(connection):
    ids = [id for id, _ in connection.execute("SELECT id, name FROM author ORDER BY id LIMIT 25").fetchall()]
    connection.execute("SELECT title FROM book WHERE author_id = ANY (%s)", (ids,), binary=True).fetchall()


@stream("the same row in a transaction", "repeated_query author")
def repeated(connection):
    with connection.transaction():
        for _ in range(10):
            connection.execute("SELECT name FROM author WHERE id = %s", (17,)).fetchall()


@stream("the same row, autocommit")
def repeated_autocommit(connection):
    connection.autocommit = True
    for _ in range(10):
        connection.execute("SELECT name FROM author WHERE id = %s", (17,)).fetchall()


@stream("a cursor of the server, read to its end")
def server_cursor(connection):
    with connection.transaction(), connection.cursor("c") as cursor:
        cursor.execute("SELECT id, body FROM comment WHERE id < %s ORDER BY body", (20000,))
        assert sum(1 for _ in cursor) == 20000


@stream("a sorted cursor of the server, left early", "unread_rows comment")
def server_cursor_left(connection):
    with connection.transaction(), connection.cursor("c") as cursor:
        cursor.execute("SELECT id, body FROM comment ORDER BY body")
        assert cursor.fetchmany(10)


@stream("stream()")
def stream_rows(connection):
    with connection.cursor() as cursor:
        assert sum(1 for _ in cursor.stream("SELECT id FROM comment WHERE id < %s", (20000,))) == 20000


@stream("COPY out of a table, and into one")
def copy(connection):
    with connection.cursor() as cursor:
        with cursor.copy("COPY comment TO STDOUT") as out:
            assert sum(1 for _ in out.rows()) == 150000
        with cursor.copy("COPY visit (author_id, page) FROM STDIN") as into:
            for i in range(100):
                into.write_row((i, "/"))
    connection.commit()


@stream("executemany()", "row_by_row_write visit")
def executemany(connection):
    with connection.transaction(), connection.cursor() as cursor:
        cursor.executemany("INSERT INTO visit (author_id, page) VALUES (%s, %s)", [(i, "/") for i in range(40)])


@stream("arrays in one INSERT")
def unnest(connection):
    connection.execute("INSERT INTO visit (author_id, page) SELECT * FROM unnest(%s::int[], %s::text[])",
                       (list(range(400)), ["/"] * 400))


@stream("a filter without an index", "missing_index book")
def no_index(connection):
    connection.execute("SELECT id FROM book WHERE title = %s", ("Title 77",)).fetchall()


@stream("a filter without an index, prepared", "missing_index book", runs=20)
def no_index_prepared(connection):
    connection.execute("SELECT id FROM book WHERE title = %s", ("Title 77",), prepare=True).fetchall()
    connection.commit()


@stream("ever new texts, when asked", "unparameterized author", options="-c purser.audit_unparameterized=on")
def new_texts(connection):
    cursor = psycopg.ClientCursor(connection)
    for i in range(150):
        cursor.execute("SELECT name FROM author WHERE id = %d" % (i * 7919 % 1999)).fetchall()


@stream("parameters, when asked", options="-c purser.audit_unparameterized=on")
def parameters(connection):
    for i in range(150):
        connection.execute("SELECT name FROM author WHERE id = %s", (i * 7919 % 1999,)).fetchall()


@check("PU001 and its words")
def error(admin):
    with psycopg.connect("", options="-c purser.audit_error=n_plus_one") as connection:
        try:
            n_plus_one(connection)
            return "no error"
        except psycopg.Error as raised:
            diag = raised.diag
            good = (raised.sqlstate == "PU001" and diag.table_name == "book" and
                    "Parent query: SELECT id, name FROM author" in diag.message_detail and
                    diag.message_hint.startswith("SELECT * FROM public.book WHERE author_id = ANY ($1)"))
            return None if good else repr((raised.sqlstate, diag.message_detail, diag.message_hint))


run("psycopg", connected)
