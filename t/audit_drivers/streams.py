"""What the programs of Python share: streams of statements, and what the audit finds in each.

A stream is a function of a driver, with a name and the findings it should have, each "RULE RELATION".
All of them are run, each as often as most rules want to see a thing before they speak of it; a line
of JSON says what was found. A check is likewise, and says itself what is wrong.
"""
import json

try:
    import psycopg2 as driver
except ImportError:
    import psycopg as driver

RUNS = 3
streams = []
checks = []


def stream(name, *expected, options="", runs=RUNS):
    def register(function):
        streams.append((name, sorted(expected), options, runs, function))
        return function
    return register


def check(name):
    def register(function):
        checks.append((name, function))
        return function
    return register


class Admin:
    """A session of its own that is not watched."""

    def __init__(self):
        self.connection = driver.connect("options='-c purser.audit=off'")
        self.connection.autocommit = True

    def rows(self, sql, parameters=None):
        cursor = self.connection.cursor()
        cursor.execute(sql, parameters)
        return cursor.fetchall() if cursor.description else []

    def found(self):
        return sorted("%s %s" % row for row in self.rows(
            "SELECT DISTINCT rule, relation::text FROM purser.findings"))


def report(driver_name, stream_name, expected, found):
    print(json.dumps({"driver": driver_name, "stream": stream_name, "expected": expected, "found": found}),
          flush=True)


def run(driver_name, connected):
    """connected(options) is a context manager that gives what the streams get."""
    admin = Admin()
    for name, expected, options, runs, function in streams:
        admin.rows("SELECT purser.audit_reset()")
        try:
            with connected(options) as given:
                for _ in range(runs):
                    function(given)
            found = admin.found()
        except Exception as error:
            found = [repr(error)]
        report(driver_name, name, expected, found)
    for name, function in checks:
        admin.rows("SELECT purser.audit_reset()")
        try:
            wrong = function(admin)
        except Exception as error:
            wrong = repr(error)
        report(driver_name, name, [], [wrong] if wrong else [])
