"""What Alembic does with graphs and targets, without a database.

Reads a JSON list of cases on stdin: revisions (id, parents, depends, labels, in load order), heads
(the rows of alembic_version) and calls (direction, target). Writes, for each case, a list with one
answer a call: {"steps": [ids], "heads": [rows afterwards]}, without heads where it cannot keep its
own rows, or {"error": text}.
"""
import json
import sys
import warnings
from types import SimpleNamespace

from alembic.runtime.migration import HeadMaintainer
from alembic.script import ScriptDirectory
from alembic.script.revision import Revision, RevisionMap

warnings.simplefilter("ignore")


class Heads(HeadMaintainer):
    """Keeps the rows in memory only."""

    def _insert_version(self, version):
        assert version not in self.heads
        self.heads.add(version)

    def _delete_version(self, version):
        self.heads.remove(version)

    def _update_version(self, from_, to_):
        assert to_ not in self.heads
        self.heads.remove(from_)
        self.heads.add(to_)


def make_revision(item):
    revision = Revision(
        item["id"],
        tuple(item["parents"]),
        dependencies=tuple(item["depends"]),
        branch_labels=tuple(item["labels"]),
    )
    revision.module = SimpleNamespace(upgrade=None, downgrade=None)
    return revision


def rows_after(heads, steps):
    rows = Heads(None, heads)
    try:
        for step in steps:
            rows.update_to_step(step)
    except KeyError:  # a merge of revisions that descend from each other
        return None
    return sorted(rows.heads)


def answer(script, heads, direction, target):
    find = script._upgrade_revs if direction == "upgrade" else script._downgrade_revs
    try:
        steps = find(target, tuple(heads))
    except Exception as error:  # also the assertions that odd targets run into
        return {"error": "%s: %s" % (type(error).__name__, error)}
    return {
        "steps": [step.revision.revision for step in steps],
        "heads": rows_after(heads, steps),
    }


def main():
    answers = []
    for case in json.load(sys.stdin):
        revisions = [make_revision(item) for item in case["revisions"]]
        script = ScriptDirectory.__new__(ScriptDirectory)
        script.revision_map = RevisionMap(lambda: revisions)
        answers.append([answer(script, case["heads"], *call) for call in case["calls"]])
    json.dump(answers, sys.stdout)


main()
