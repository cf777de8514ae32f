"""Streams of Django's ORM, with psycopg2 below."""
import contextlib
import os

import django
from django.conf import settings

settings.configure(DATABASES={"default": {
    "ENGINE": "django.db.backends.postgresql", "NAME": os.environ["PGDATABASE"], "OPTIONS": {"options": ""}}},
    INSTALLED_APPS=["__main__"], USE_TZ=True, DEFAULT_AUTO_FIELD="django.db.models.AutoField")
django.setup()

from django.core.paginator import Paginator  # noqa: E402
from django.db import connection, models, transaction  # noqa: E402
from django.db.utils import DatabaseError  # noqa: E402

from streams import check, run, stream  # noqa: E402


class Author(models.Model):
    name = models.TextField()
    email = models.TextField()

    class Meta:
        db_table = "author"


class Tag(models.Model):
    name = models.TextField()

    class Meta:
        db_table = "tag"


class Book(models.Model):
    author = models.ForeignKey(Author, models.CASCADE)
    title = models.TextField()
    price = models.IntegerField()
    tags = models.ManyToManyField(Tag)

    class Meta:
        db_table = "book"


class Comment(models.Model):
    book = models.ForeignKey(Book, models.CASCADE)
    body = models.TextField()
    made = models.DateTimeField()

    class Meta:
        db_table = "comment"


class Article(models.Model):
    author = models.ForeignKey(Author, models.CASCADE)
    title = models.TextField()
    body = models.TextField()

    class Meta:
        db_table = "article"


class Visit(models.Model):
    author_id = models.IntegerField()
    page = models.TextField()

    class Meta:
        db_table = "visit"


@contextlib.contextmanager
def connected(options):
    connection.settings_dict["OPTIONS"]["options"] = options
    yield
    connection.close()


def authors(n=25):
    return Author.objects.order_by("id")[:n]


def books(n=25):
    return Book.objects.order_by("id")[:n]


# ---- relations ----

@stream("the parent in a loop, autocommit", "n_plus_one author")
def parent_loop(_):
    return [book.author.name for book in Book.objects.filter(id__in=range(1, 200, 5)).order_by("id")]


@stream("the parent in a loop, ATOMIC", "n_plus_one author")
def parent_loop_atomic(_):
    with transaction.atomic():
        parent_loop(_)


@stream("the parent in a loop, five books of each author", "n_plus_one author")
def parent_loop_shared(_):
    with transaction.atomic():
        return [book.author.name for book in books(100)]


@stream("the children in a loop", "n_plus_one book")
def children_loop(_):
    return [list(author.book_set.all()) for author in authors()]


@stream("many to many in a loop", "n_plus_one book_tags")
def many_to_many_loop(_):
    return [list(book.tags.all()) for book in books()]


@stream("count() of the children in a loop", "n_plus_one book")
def count_loop(_):
    return [author.book_set.count() for author in authors()]


@stream("exists() of the children in a loop", "n_plus_one book")
def exists_loop(_):
    return [author.book_set.filter(price__gt=3).exists() for author in authors()]


@stream("a filter of prefetched children in a loop", "n_plus_one book")
def filter_prefetched(_):
    return [list(author.book_set.filter(price__gt=3)) for author in authors().prefetch_related("book_set")]


@stream("children of children in a loop", "n_plus_one book", "n_plus_one comment")
def nested_loop(_):
    return [len(book.comment_set.all()) for author in authors(10) for book in author.book_set.all()]


@stream("the children of one parent")
def one_parent(_):
    return list(Author.objects.get(email="a7@example.org").book_set.all())


@stream("the children of four of 25 parents")
def four_parents(_):
    return [list(author.book_set.all()) for author in list(authors())[:4]]


@stream("select_related()")
def select_related(_):
    return [book.author.name for book in books().select_related("author")]


@stream("prefetch_related()")
def prefetch_related(_):
    return [list(author.book_set.all()) for author in authors().prefetch_related("book_set")]


@stream("prefetch_related() of many to many and of children, 500 parents")
def prefetch_two(_):
    return [(list(book.tags.all()), list(book.comment_set.all()))
            for book in books(500).prefetch_related("tags", "comment_set")]


@stream("Prefetch() with a queryset")
def prefetch_queryset(_):
    cheap = models.Prefetch("book_set", Book.objects.filter(price__lt=30).select_related("author"), to_attr="cheap")
    return [author.cheap for author in authors().prefetch_related(cheap)]


@stream("prefetch_related_objects(), nested")
def prefetch_nested(_):
    return [list(book.comment_set.all()) for author in authors().prefetch_related("book_set__comment_set")
            for book in author.book_set.all()]


@stream("annotate() with Count of the children")
def annotate(_):
    return list(authors().annotate(models.Count("book")))


@stream("in_bulk()")
def in_bulk(_):
    return Author.objects.in_bulk(list(range(1, 40)))


@stream("the id of the parent in a loop")
def parent_id(_):
    return [book.author_id for book in books()]


# ---- columns ----

@stream("all columns of a wide table", "wide_select article")
def wide(_):
    return list(Article.objects.all())


@stream("defer()")
def defer(_):
    return list(Article.objects.defer("body"))


@stream("values()")
def values(_):
    return list(Article.objects.values("id", "title"))


@stream("defer(), and the column in a loop", "n_plus_one article")
def defer_loop(_):
    return [article.body for article in Article.objects.defer("body").order_by("id")[:25]]


@stream("only(), and another column in a loop", "n_plus_one article")
def only_loop(_):
    return [article.body for article in Article.objects.only("title").order_by("id")[:25]]


# ---- results ----

@stream("count() of a large table", "exact_count comment")
def count(_):
    return Comment.objects.count()


@stream("count() of a filter")
def count_few(_):
    return Comment.objects.filter(book_id=9).count()


@stream("exists()")
def exists(_):
    return Comment.objects.filter(book_id=9).exists(), Comment.objects.exists()


@stream("first() and last()")
def first_last(_):
    return Comment.objects.order_by("made").first(), Comment.objects.order_by("made").last()


@stream("Paginator, deep pages", "deep_offset comment", "exact_count comment")
def deep_pages(_):
    paginator = Paginator(Comment.objects.order_by("made"), 20)
    return [list(paginator.page(page)) for page in range(400, 404)]


@stream("Paginator, pages of a small table")
def first_pages(_):
    paginator = Paginator(Author.objects.order_by("id"), 20)
    return [list(paginator.page(page)) for page in range(1, 6)]


@stream("iterator(), autocommit")
def iterator(_):
    return sum(1 for _ in Comment.objects.filter(id__lt=20000).iterator())


@stream("iterator(), ATOMIC, sorted")
def iterator_atomic(_):
    with transaction.atomic():
        return sum(1 for _ in Comment.objects.filter(id__lt=20000).order_by("body").iterator())


@stream("iterator(), ATOMIC, sorted, left early", "unread_rows comment")
def iterator_left(_):
    with transaction.atomic():
        comments = Comment.objects.order_by("body").iterator(chunk_size=100)
        next(comments)
        comments.close()


@stream("children in a loop over iterator()", "n_plus_one book")
def iterator_loop(_):
    return [list(author.book_set.all()) for author in Author.objects.filter(id__lt=40).order_by("id").iterator()]


@stream("all of a table", "unbounded_result comment")
def everything(_):
    return list(Comment.objects.values_list("id"))


# ---- conditions ----

@stream("a filter without an index", "missing_index book")
def no_index(_):
    return Book.objects.get(title="Title 77")


@stream("__iexact of an indexed column", "non_sargable author")
def iexact(_):
    return Author.objects.get(email__iexact="A7@example.org")


@stream("__icontains", "discarded_rows book")
def icontains(_):
    return list(Book.objects.filter(title__icontains="itle 777"))


@stream("the same row in a transaction", "repeated_query author")
def repeated(_):
    with transaction.atomic():
        return [Author.objects.get(id=17) for _ in range(10)]


@stream("the same row, autocommit")
def repeated_autocommit(_):
    return [Author.objects.get(id=17) for _ in range(10)]


@stream("refresh_from_db() after each save()")
def refresh(_):
    with transaction.atomic():
        author = Author.objects.get(id=18)
        for i in range(8):
            author.name = "Author 18, %d" % i
            author.save()
            author.refresh_from_db()


# ---- writing ----

@stream("bulk_create()")
def bulk_create(_):
    Visit.objects.bulk_create(Visit(author_id=i, page="/") for i in range(200))


@stream("bulk_update()")
def bulk_update(_):
    changed = list(books(40))
    for book in changed:
        book.price += 1
    Book.objects.bulk_update(changed, ["price"])


@stream("update()")
def update(_):
    Book.objects.filter(id__lt=40).update(price=models.F("price") + 1)


@stream("save() of new rows in a loop, ATOMIC", "row_by_row_write visit")
def save_loop(_):
    with transaction.atomic():
        for i in range(40):
            Visit(author_id=i, page="/").save()


@stream("save() of 150 new rows in a loop, autocommit", "row_by_row_write visit")
def save_loop_autocommit(_):
    for i in range(150):
        Visit(author_id=i, page="/").save()


@stream("save() of ten new rows, autocommit")
def save_few(_):
    for i in range(10):
        Visit(author_id=i, page="/").save()


@stream("save() of 40 rows read before, ATOMIC", "row_by_row_write book")
def save_changed(_):
    with transaction.atomic():
        for book in books(40):
            book.price += 1
            book.save()


@stream("get_or_create() in a loop, ATOMIC", "row_by_row_write visit")
def get_or_create(_):
    with transaction.atomic():
        Visit.objects.all().delete()
        for i in range(40):
            Visit.objects.get_or_create(id=100000 + i, defaults={"author_id": i, "page": "/"})


# ---- governance ----

@check("the parent, the suggestion, who ran it and where")
def words(admin):
    with connected("-c application_name=shop"):
        children_loop(None)
    query, parent, suggestion, application, role, me = admin.rows(
        "SELECT query, evidence->>'parent_query', suggestion, application_name, role, current_user"
        " FROM purser.findings")[0]
    good = ('FROM "book"' in query and 'FROM "author"' in parent and application == "shop" and role == me and
            suggestion == "SELECT * FROM public.book WHERE author_id = ANY ($1)"
                          " -- or, in the parent query: JOIN public.book ON book.author_id = author.id")
    return None if good else repr((query, parent, suggestion, application, role))


@check("PU001 and its words")
def error(admin):
    admin.rows("CREATE ROLE drivers_ci LOGIN; GRANT SELECT ON author, book TO drivers_ci;"
               "ALTER ROLE drivers_ci SET purser.audit_error = 'n_plus_one'")
    connection.settings_dict["USER"] = "drivers_ci"
    try:
        with connected(""):
            children_loop(None)
        return "no error"
    except DatabaseError as raised:
        cause = raised.__cause__
        good = (cause.pgcode == "PU001" and cause.diag.table_name == "book" and
                "executions 5, distinct_values 5, parent_rows 25" in cause.diag.message_detail and
                'Parent query: SELECT "author"."id"' in cause.diag.message_detail and
                cause.diag.message_hint.startswith("SELECT * FROM public.book WHERE author_id = ANY ($1)"))
        return None if good else repr((cause.pgcode, cause.diag.message_detail, cause.diag.message_hint))
    finally:
        connection.close()
        connection.settings_dict["USER"] = ""
        admin.rows("DROP OWNED BY drivers_ci; DROP ROLE drivers_ci")


@check("sqlcommenter's comments")
def comments(admin):
    def with_comment(comment):
        return connection.execute_wrapper(
            lambda execute, sql, params, many, context: execute(sql + comment, params, many, context))

    with connected(""), with_comment("/*controller='shop',framework='django%%3A3.2',purser_allow='n_plus_one'*/"):
        children_loop(None)
    if admin.found():
        return "allowed by a comment, and found"
    with connected(""), with_comment("/*controller='shop',framework='django%%3A3.2'*/"):
        children_loop(None)
    return None if admin.found() == ["n_plus_one book"] else "not found with another comment"


run("Django", connected)
