"""examples.py HEADING DOCUMENT: runs the examples of Python under a heading of the document.

Each takes rows and has to leave in inserted how many there are. Prints a line for each.
"""
import datetime
import decimal
import re
import sys
import uuid


def blocks(document, heading):
    with open(document, encoding="utf-8") as file:
        section = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", file.read(), re.M | re.S).group(1)
    return re.findall(r"^```python\n(.*?)^```", section, re.M | re.S)


def set_up_django():
    import django
    import os
    from django.conf import settings
    settings.configure(DATABASES={"default": {"ENGINE": "django.db.backends.postgresql",
                                              "NAME": os.environ["PGDATABASE"]}})
    django.setup()


heading, document = sys.argv[1:]
if heading == "Django":
    set_up_django()
rows = [{"name": f"Zoë {i}", "born": datetime.date(1697, 3, 8), "balance": decimal.Decimal("12.50") + i,
         "id": uuid.UUID(int=i), "seen": datetime.datetime(2026, 5, 4, 10, tzinfo=datetime.timezone.utc)}
        for i in range(50000)]
for code in blocks(document, heading):
    names = {"rows": rows}
    try:
        exec(code, names)
    except ModuleNotFoundError as error:
        print(f"ok # skip: {error}")
        continue
    print("ok" if names["inserted"] == len(rows) else f"not ok: {names['inserted']} of {len(rows)} rows")
