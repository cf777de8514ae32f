"""steps.py DRIVER STEPS: the steps of a file, one after another, through a driver of Python.

Each step is a statement with ? for its parameters and what it must give. Prints a line for each step.
"""
import json
import re
import sys


def psycopg2_driver():
    import psycopg2
    connection = psycopg2.connect("")
    connection.autocommit = True
    cursor = connection.cursor()

    def run(sql, parameters):
        cursor.execute(sql.replace("%", "%%").replace("?", "%s"), parameters)
        return cursor.fetchone()[0]
    return run, lambda error: error.pgcode


def psycopg_driver():
    import psycopg
    connection = psycopg.connect("", autocommit=True)

    def run(sql, parameters):
        return connection.execute(sql.replace("%", "%%").replace("?", "%s"), parameters).fetchone()[0]
    return run, lambda error: error.sqlstate


def sqlalchemy_driver():
    import sqlalchemy
    engine = sqlalchemy.create_engine("postgresql+psycopg2://")

    def run(sql, parameters):
        names = iter(range(len(parameters)))
        text = sqlalchemy.text(re.sub(r"\?", lambda _: f":p{next(names)}", sql.replace(":", r"\:")))
        with engine.begin() as connection:
            return connection.execute(text, {f"p{i}": p for i, p in enumerate(parameters)}).scalar()
    return run, lambda error: error.orig.pgcode


def django_driver():
    import psycopg2
    from django.conf import settings
    settings.configure(DATABASES={"default": {"ENGINE": "django.db.backends.postgresql",
                                              "NAME": psycopg2.connect("").info.dbname}})
    import django
    django.setup()
    from django.db import connection

    def run(sql, parameters):
        with connection.cursor() as cursor:
            cursor.execute(sql.replace("%", "%%").replace("?", "%s"), parameters)
            return cursor.fetchone()[0]
    return run, lambda error: error.__cause__.pgcode


def parameters_of(step):
    if "rows" in step:
        return [json.dumps(step["rows"])]
    if "text" in step:
        return [step["text"]]
    if "bytes" in step:
        return [step["bytes"].encode()]
    return step.get("arrays", [])


def perform(run, sqlstate, step):
    try:
        got = str(run(step["sql"], parameters_of(step)))
        wanted = step.get("expect", "error " + step.get("error", ""))
    except Exception as error:
        got, wanted = "error %s" % sqlstate(error), "error %s" % step.get("error", "none")
    if got == wanted:
        print("ok %s" % step["name"])
    else:
        print("not ok %s: %r in place of %r" % (step["name"], got, wanted))


driver = {"psycopg2": psycopg2_driver, "psycopg": psycopg_driver,
          "sqlalchemy": sqlalchemy_driver, "django": django_driver}[sys.argv[1]]
run, sqlstate = driver()
with open(sys.argv[2], encoding="utf-8") as file:
    for step in json.load(file):
        perform(run, sqlstate, step)
