"""Compares squashes with Django's own loader: what is used, and the way to each target.

Reads cases as JSON from the file named: {"graph": N, "nodes": {id: {"needs": [], "replaces": []}},
"applied": [], "used": [ids in the graph], "plans": {target: [ids]}, "undo": {target: [ids]}}.
Prints a line for each difference, then the number of comparisons.
"""
import json
import sys

from django.conf import settings

settings.configure()

from django.db.migrations import loader as loader_module  # noqa: E402
from django.db.migrations.executor import MigrationExecutor  # noqa: E402
from django.db.migrations.migration import Migration  # noqa: E402

APP = "app"


class Recorder:
    applied = []

    def __init__(self, connection):
        pass

    def applied_migrations(self):
        return {(APP, name): None for name in self.applied}


class Loader(loader_module.MigrationLoader):
    def load_disk(self):
        self.unmigrated_apps = set()
        self.migrated_apps = {APP}
        self.disk_migrations = {}
        for name, node in self.case["nodes"].items():
            migration = Migration(name, APP)
            migration.dependencies = [(APP, parent) for parent in node["needs"]]
            migration.replaces = [(APP, replaced) for replaced in node["replaces"]]
            self.disk_migrations[APP, name] = migration


def names(plan):
    return sorted(migration.name for migration, _ in plan)


def compare(case):
    count = 0
    Recorder.applied = case["applied"]
    Loader.case = case
    loader = Loader(object())
    executor = MigrationExecutor.__new__(MigrationExecutor)
    executor.loader = loader
    checks = [("used", sorted(name for _, name in loader.graph.nodes), sorted(case["used"]))]
    for target, plan in list(case["plans"].items()) + list(case["undo"].items()):
        checks.append((target, names(executor.migration_plan([(APP, target)])), sorted(plan)))
    for what, django, ours in checks:
        count += 1
        if django != ours:
            print("graph %s, %s: Django %s, the ledger %s" % (case["graph"], what, django, ours))
    return count


loader_module.MigrationRecorder = Recorder
with open(sys.argv[1]) as cases:
    print(sum(compare(case) for case in json.load(cases)))
