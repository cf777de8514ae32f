"""Streams of SQLAlchemy's ORM and Core, with psycopg2 below."""
import contextlib

import sqlalchemy as sa
from sqlalchemy import orm

from streams import check, run, stream

Base = orm.declarative_base()
book_tags = sa.Table("book_tags", Base.metadata, sa.Column("id", sa.Integer, primary_key=True),
                     sa.Column("book_id", sa.ForeignKey("book.id")), sa.Column("tag_id", sa.ForeignKey("tag.id")))


class Author(Base):
    __tablename__ = "author"
    id = sa.Column(sa.Integer, primary_key=True)
    name = sa.Column(sa.Text)
    email = sa.Column(sa.Text)
    books = orm.relationship("Book", back_populates="author", order_by="Book.id")
    articles = orm.relationship("Article", back_populates="author")


class Book(Base):
    __tablename__ = "book"
    id = sa.Column(sa.Integer, primary_key=True)
    author_id = sa.Column(sa.ForeignKey("author.id"))
    title = sa.Column(sa.Text)
    price = sa.Column(sa.Integer)
    author = orm.relationship("Author", back_populates="books")
    comments = orm.relationship("Comment", back_populates="book")
    tags = orm.relationship("Tag", secondary=book_tags)


class Tag(Base):
    __tablename__ = "tag"
    id = sa.Column(sa.Integer, primary_key=True)
    name = sa.Column(sa.Text)


class Comment(Base):
    __tablename__ = "comment"
    id = sa.Column(sa.Integer, primary_key=True)
    book_id = sa.Column(sa.ForeignKey("book.id"))
    body = sa.Column(sa.Text)
    made = sa.Column(sa.DateTime(timezone=True))
    book = orm.relationship("Book", back_populates="comments")


class Article(Base):
    __tablename__ = "article"
    id = sa.Column(sa.Integer, primary_key=True)
    author_id = sa.Column(sa.ForeignKey("author.id"))
    title = sa.Column(sa.Text)
    body = sa.Column(sa.Text)
    author = orm.relationship("Author", back_populates="articles")


class Visit(Base):
    __tablename__ = "visit"
    id = sa.Column(sa.Integer, primary_key=True)
    author_id = sa.Column(sa.Integer)
    page = sa.Column(sa.Text)


def engine_of(options="", **arguments):
    return sa.create_engine("postgresql+psycopg2://", connect_args={"options": options}, **arguments)


@contextlib.contextmanager
def connected(options):
    engine = engine_of(options)
    yield engine
    engine.dispose()


def authors(session, n=25):
    return session.query(Author).order_by(Author.id).limit(n)


# ---- loading of collections ----

@stream("lazy collection of 25 parents", "n_plus_one book")
def lazy(engine):
    with orm.Session(engine) as session:
        return sum(len(author.books) for author in authors(session))


@stream("lazy collection of 25 parents, autocommit", "n_plus_one book")
def lazy_autocommit(engine):
    lazy(engine.execution_options(isolation_level="AUTOCOMMIT"))


@stream("two lazy collections of 25 parents", "n_plus_one article", "n_plus_one book")
def lazy_two(engine):
    with orm.Session(engine) as session:
        for author in authors(session):
            assert author.books and author.articles


@stream("lazy collection of lazy collections", "n_plus_one book", "n_plus_one comment")
def lazy_nested(engine):
    with orm.Session(engine) as session:
        return sum(len(book.comments) for author in authors(session, 10) for book in author.books)


@stream("lazy many to many of 25 parents", "n_plus_one book_tags")
def lazy_many_to_many(engine):
    with orm.Session(engine) as session:
        return sum(len(book.tags) for book in session.query(Book).order_by(Book.id).limit(25))


@stream("dynamic queries for 25 parents", "n_plus_one book")
def by_hand(engine):
    with orm.Session(engine) as session:
        return [session.query(Book.title).filter(Book.author_id == author.id).all() for author in authors(session)]


@stream("exists() for 25 parents", "n_plus_one book")
def exists(engine):
    with orm.Session(engine) as session:
        return [session.query(sa.exists().where(Book.author_id == author.id)).scalar() for author in authors(session)]


@stream("lazy collection of one parent")
def lazy_one(engine):
    with orm.Session(engine) as session:
        assert session.query(Author).filter_by(email="a7@example.org").one().books


@stream("lazy collection of four of 25 parents")
def lazy_four(engine):
    with orm.Session(engine) as session:
        return [author.books for author in authors(session).all()[:4]]


@stream("joinedload of one collection")
def joined(engine):
    with orm.Session(engine) as session:
        for author in authors(session).options(orm.joinedload(Author.books)):
            assert author.books


@stream("joinedload of one collection, 500 parents")
def joined_many(engine):
    with orm.Session(engine) as session:
        for author in authors(session, 500).options(orm.joinedload(Author.books)):
            assert author.books


@stream("joinedload of two collections, 100 parents", "join_fanout comment")
def joined_two(engine):
    with orm.Session(engine) as session:
        books = session.query(Book).filter(Book.id <= 100)
        assert len(books.options(orm.joinedload(Book.comments), orm.joinedload(Book.tags)).all()) == 100


@stream("joinedload of two collections, one parent")
def joined_two_of_one(engine):
    with orm.Session(engine) as session:
        books = session.query(Book).filter(Book.id == 77)
        assert books.options(orm.joinedload(Book.comments), orm.joinedload(Book.tags)).one()


@stream("joinedload of a chain")
def joined_chain(engine):
    with orm.Session(engine) as session:
        for author in authors(session).options(orm.joinedload(Author.books).joinedload(Book.comments)):
            assert author.books[0].comments


@stream("selectinload")
def selectin(engine):
    with orm.Session(engine) as session:
        for author in authors(session, 600).options(orm.selectinload(Author.books)):
            assert author.books


@stream("selectinload of two collections")
def selectin_two(engine):
    with orm.Session(engine) as session:
        books = session.query(Book).filter(Book.id <= 500)
        assert books.options(orm.selectinload(Book.comments), orm.selectinload(Book.tags)).all()


@stream("selectinload of 3000 parents, in batches")
def selectin_batches(engine):
    with orm.Session(engine) as session:
        assert session.query(Book).filter(Book.id <= 3000).options(orm.selectinload(Book.tags)).all()


@stream("subqueryload")
def subquery(engine):
    with orm.Session(engine) as session:
        for author in authors(session).options(orm.subqueryload(Author.books)):
            assert author.books


@stream("contains_eager")
def contains_eager(engine):
    with orm.Session(engine) as session:
        assert session.query(Author).join(Author.books).filter(Author.id < 200).options(
            orm.contains_eager(Author.books)).all()


@stream("raiseload")
def raiseload(engine):
    with orm.Session(engine) as session:
        for author in authors(session).options(orm.raiseload("*")):
            with contextlib.suppress(sa.exc.InvalidRequestError):
                assert author.books


# ---- loading of parents ----

@stream("lazy parent, 20 books of four authors")
def lazy_parent_few(engine):
    with orm.Session(engine) as session:
        for book in session.query(Book).order_by(Book.id).limit(20):
            assert book.author.name


@stream("lazy parent, 100 books of 20 authors", "n_plus_one author")
def lazy_parent(engine):
    with orm.Session(engine) as session:
        for book in session.query(Book).order_by(Book.id).limit(100):
            assert book.author.name


@stream("joinedload of the parent")
def joined_parent(engine):
    with orm.Session(engine) as session:
        for book in session.query(Book).order_by(Book.id).limit(100).options(orm.joinedload(Book.author)):
            assert book.author.name


@stream("get() of what is in the identity map")
def get_known(engine):
    with orm.Session(engine) as session:
        known = session.get(Author, 17)
        for _ in range(10):
            assert session.get(Author, 17) is known


@stream("get() of what nobody holds", "repeated_query author")
def get_forgotten(engine):
    with orm.Session(engine) as session:
        for _ in range(10):
            assert session.get(Author, 17)


@stream("the same row, expired each time", "repeated_query author")
def get_expired(engine):
    with orm.Session(engine) as session:
        for _ in range(10):
            author = session.get(Author, 17)
            assert author.name
            session.expire_all()


@stream("the same row in ten sessions")
def get_in_sessions(engine):
    for _ in range(10):
        with orm.Session(engine) as session:
            assert session.get(Author, 17).name


@stream("refresh after each flush")
def refresh_after_flush(engine):
    with orm.Session(engine) as session:
        author = session.get(Author, 18)
        for i in range(8):
            author.name = "Author 18, %d" % i
            session.flush()
            session.refresh(author)
        session.commit()


@stream("jobs of a list, each in a transaction")
def jobs(engine):
    with orm.Session(engine) as session:
        ids = [author.id for author in authors(session)]
    for id in ids:
        with orm.Session(engine) as session:
            assert session.get(Author, id)


# ---- results ----

@stream("yield_per with a cursor of the server")
def yield_per(engine):
    with orm.Session(engine) as session:
        comments = session.query(Comment).filter(Comment.id < 20000).execution_options(stream_results=True)
        assert sum(1 for _ in comments.yield_per(500)) == 20000


@stream("a cursor of the server, all of a table")
def stream_all(engine):
    with engine.connect() as connection:
        result = connection.execution_options(stream_results=True, max_row_buffer=1000).execute(
            sa.select(Comment.id))
        assert sum(1 for _ in result) == 150000


@stream("a sorted cursor of the server, left early", "unread_rows comment")
def stream_left(engine):
    with engine.connect() as connection:
        result = connection.execution_options(stream_results=True).execute(
            sa.select(Comment.id, Comment.body).order_by(Comment.body))
        assert result.fetchone()
        result.close()


@stream("all of a table", "unbounded_result comment")
def everything(engine):
    with engine.connect() as connection:
        assert len(connection.execute(sa.select(Comment.id)).fetchall()) == 150000


@stream("Query.count() of a large table", "exact_count comment")
def count(engine):
    with orm.Session(engine) as session:
        assert session.query(Comment).count() == 150000


@stream("Query.count() of a filter")
def count_few(engine):
    with orm.Session(engine) as session:
        assert session.query(Comment).filter(Comment.book_id == 9).count() == 15


@stream("deep pages by offset", "deep_offset comment")
def deep_pages(engine):
    with orm.Session(engine) as session:
        for page in range(400, 404):
            assert session.query(Comment).order_by(Comment.made).offset(page * 20).limit(20).all()


@stream("first pages by offset")
def first_pages(engine):
    with orm.Session(engine) as session:
        for page in range(6):
            assert session.query(Comment).order_by(Comment.made).offset(page * 20).limit(20).all()


@stream("pages by key")
def pages_by_key(engine):
    with orm.Session(engine) as session:
        last = 100000
        for _ in range(8):
            last = session.query(Comment).filter(Comment.id > last).order_by(Comment.id).limit(20).all()[-1].id


@stream("all columns of a wide table", "wide_select article")
def wide(engine):
    with orm.Session(engine) as session:
        assert len(session.query(Article).all()) == 300


@stream("load_only()")
def load_only(engine):
    with orm.Session(engine) as session:
        assert len(session.query(Article).options(orm.load_only(Article.title)).all()) == 300


@stream("defer()")
def defer(engine):
    with orm.Session(engine) as session:
        assert len(session.query(Article).options(orm.defer(Article.body)).all()) == 300


@stream("a deferred column in a loop", "n_plus_one article")
def deferred_loop(engine):
    with orm.Session(engine) as session:
        for article in session.query(Article).options(orm.defer(Article.body)).order_by(Article.id).limit(25):
            assert article.body


# ---- conditions ----

@stream("a filter without an index", "missing_index book")
def no_index(engine):
    with orm.Session(engine) as session:
        assert session.query(Book).filter_by(title="Title 77").one()


@stream("lower() of an indexed column", "non_sargable author")
def lower(engine):
    with orm.Session(engine) as session:
        assert session.query(Author).filter(sa.func.lower(Author.email) == "a7@example.org").one()


@stream("contains()", "discarded_rows book")
def contains(engine):
    with orm.Session(engine) as session:
        assert session.query(Book).filter(Book.title.contains("itle 777")).all()


# ---- writing ----

@stream("Core, insert() in a loop", "row_by_row_write visit")
def insert_loop(engine):
    with engine.begin() as connection:
        for i in range(40):
            connection.execute(sa.insert(Visit).values(author_id=i, page="/"))


@stream("Core, insert() of a list")
def insert_many(engine):
    with engine.begin() as connection:
        connection.execute(sa.insert(Visit).values([{"author_id": i, "page": "/"} for i in range(200)]))


@stream("ORM, add_all() and one flush")
def add_all(engine):
    with orm.Session(engine) as session:
        session.add_all(Visit(author_id=i, page="/") for i in range(200))
        session.commit()


@stream("ORM, a flush for each object", "row_by_row_write visit")
def flush_each(engine):
    with orm.Session(engine) as session:
        for i in range(40):
            session.add(Visit(author_id=i, page="/"))
            session.flush()
        session.commit()


@stream("ORM, 40 objects changed", "row_by_row_write book")
def update_objects(engine):
    with orm.Session(engine) as session:
        for book in session.query(Book).order_by(Book.id).limit(40).all():
            book.price += 1
        session.commit()


@stream("Query.update()")
def update_query(engine):
    with orm.Session(engine) as session:
        session.query(Book).filter(Book.id < 40).update({Book.price: Book.price + 1}, synchronize_session=False)
        session.commit()


@stream("five requests, each adding a row")
def requests(engine):
    for i in range(5):
        with orm.Session(engine) as session:
            assert session.get(Author, 100 + i)
            session.add(Visit(author_id=i, page="/"))
            session.commit()


# ---- governance ----

@check("the parent, the suggestion, who ran it and where")
def words(admin):
    engine = engine_of("-c application_name=shop")
    lazy(engine)
    engine.dispose()
    query, parent, suggestion, application, role, me = admin.rows(
        "SELECT query, evidence->>'parent_query', suggestion, application_name, role, current_user"
        " FROM purser.findings")[0]
    good = ("FROM book" in query and "FROM author" in parent and application == "shop" and role == me and
            suggestion == "SELECT * FROM public.book WHERE author_id = ANY ($1)"
                          " -- or, in the parent query: JOIN public.book ON book.author_id = author.id")
    return None if good else repr((query, parent, suggestion, application, role))


@check("PU001 and its words")
def error(admin):
    admin.rows("CREATE ROLE drivers_ci LOGIN; GRANT SELECT ON author, book TO drivers_ci;"
               "ALTER ROLE drivers_ci SET purser.audit_error = 'n_plus_one'")
    engine = sa.create_engine("postgresql+psycopg2://drivers_ci@")
    try:
        lazy(engine)
        return "no error"
    except sa.exc.DBAPIError as raised:
        diag = raised.orig.diag
        good = (raised.orig.pgcode == "PU001" and diag.table_name == "book" and
                "executions 5, distinct_values 5, parent_rows 25" in diag.message_detail and
                "Parent query: SELECT author.id" in diag.message_detail and
                diag.message_hint.startswith("SELECT * FROM public.book WHERE author_id = ANY ($1)"))
        return None if good else repr((raised.orig.pgcode, diag.message_detail, diag.message_hint))
    finally:
        engine.dispose()
        admin.rows("DROP OWNED BY drivers_ci; DROP ROLE drivers_ci")


def with_comment(engine, comment):
    @sa.event.listens_for(engine, "before_cursor_execute", retval=True)
    def add(connection, cursor, statement, parameters, context, executemany):
        return statement + " " + comment, parameters


@check("sqlcommenter's comments")
def comments(admin):
    engine = engine_of()
    with_comment(engine, "/*controller='index',db_driver='psycopg2',purser_allow='n_plus_one',route='%%2Fbooks'*/")
    lazy(engine)
    engine.dispose()
    if admin.found():
        return "allowed by a comment, and found"
    engine = engine_of()
    with_comment(engine, "/*db_driver='psycopg2',route='%%2Fbooks'*/")
    admin.rows("SELECT purser.suppress(tag => 'route=/books', reason => 'known')")
    lazy(engine)
    hidden = admin.found()
    admin.rows("SELECT purser.unsuppress(id) FROM purser.suppressions")
    lazy(engine)
    shown = admin.found()
    engine.dispose()
    return None if hidden == [] and shown == ["n_plus_one book"] else repr((hidden, shown))


run("SQLAlchemy", connected)
