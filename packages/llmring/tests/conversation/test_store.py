"""The store of conversations: lists, searches, and files that are not ours."""

import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from llmring import ConfigurationError, LLMRing, Message
from llmring.conversation import Conversation, ConversationStore, _tables
from llmring.exceptions import ConversationNotFoundError, ValidationError


def said(*texts: str, model: str = "fake:x") -> Conversation:
    roles = ("user", "assistant") * len(texts)
    messages = [Message(role=role, content=text) for role, text in zip(roles, texts, strict=False)]  # type: ignore[arg-type]
    return Conversation(LLMRing(), model, messages=messages)


@pytest.fixture
def store(tmp_path: Path) -> ConversationStore:
    return ConversationStore(tmp_path / "new" / "talks.db")


def test_what_was_stored_comes_back(store: ConversationStore) -> None:
    talk = said("What is a monad?", "A monoid.")
    identifier = store.save(talk)
    assert store.load(identifier, LLMRing()).messages == talk.messages
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600


def test_storing_again_takes_the_place_and_keeps_the_title(store: ConversationStore) -> None:
    talk = said("First question", "Answer")
    identifier = store.save(talk)
    talk.append(Message.user("More about zebras"))
    assert store.save(talk, identifier) == identifier
    (listed,) = store.list()
    assert (listed.title, listed.messages, listed.cost) == ("First question", 3, 0.0)
    assert listed.changed_at >= listed.created_at
    assert [found.excerpt for found in store.search("first")] == [
        "[First] question\nAnswer\nMore about zebras"
    ]
    store.save(talk, identifier, title="Animals")
    assert store.list()[0].title == "Animals"
    assert len(store.search("zebras animals")) == 1


def test_lists_begin_with_what_changed_last(store: ConversationStore) -> None:
    first, second = store.save(said("one")), store.save(said("two"))
    assert [each.id for each in store.list()] == [second, first]
    assert [each.id for each in store.list(limit=1, offset=1)] == [first]


def test_a_search_wants_all_words_and_shows_the_place(store: ConversationStore) -> None:
    store.save(said("Tell me about the moon", "It is made of cheese."))
    store.save(said("Tell me about the sun"))
    (found,) = store.search("moon CHEESE")
    assert found.excerpt is not None
    assert "[cheese]" in found.excerpt
    assert len(store.search("about")) == 2
    assert store.search("nothing here") == []
    assert store.search(" ") == []


@pytest.mark.parametrize("words", ['"', "a OR", "NEAR(", "*", "col:x", "- -", "' ; DROP TABLE said"])
def test_a_search_takes_any_text(store: ConversationStore, words: str) -> None:
    store.save(said("Hello"))
    assert store.search(words) == []


def test_parts_that_are_texts_are_found_and_long_titles_cut(store: ConversationStore) -> None:
    talk = said("x")
    talk.messages[0] = Message.user(
        "long " * 50, {"type": "image_url", "image_url": {"url": "https://x/y.png"}}
    )
    store.save(talk)
    assert len(store.list()[0].title) == 60
    assert len(store.search("long")) == 1


def test_what_is_deleted_is_found_no_more(store: ConversationStore) -> None:
    identifier = store.save(said("Hello"))
    assert store.delete(identifier)
    assert not store.delete(identifier)
    assert (store.list(), store.search("Hello")) == ([], [])
    with pytest.raises(ConversationNotFoundError, match=identifier):
        store.load(identifier, LLMRing())


def test_reading_makes_no_file(store: ConversationStore) -> None:
    assert store.list() == []
    assert not store.path.exists()


def test_an_empty_file_is_filled(tmp_path: Path) -> None:
    (tmp_path / "t.db").touch()
    store = ConversationStore(tmp_path / "t.db")
    assert store.list() == []
    store.save(said("Hello"))
    assert len(store.list()) == 1


def test_a_store_whose_making_broke_off_is_made_again(
    store: ConversationStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(_tables, "_TABLES", (_tables._TABLES[0], "CREATE TABLE"))
        with pytest.raises(ConfigurationError, match="incomplete input"):
            store.save(said("Hello"))
    store.save(said("Hello"))
    assert len(store.list()) == 1


def test_a_store_that_another_process_makes_meanwhile_is_used(tmp_path: Path) -> None:
    class Overtaken(type(tmp_path)):  # type: ignore[misc]
        def touch(self, mode: int = 0o666, exist_ok: bool = True) -> None:
            ConversationStore(str(self)).save(said("Theirs"))
            super().touch(mode, exist_ok)

    store = ConversationStore(str(tmp_path / "t.db"))
    store.path = Overtaken(store.path)
    store.save(said("Ours"))
    assert {each.title for each in store.list()} == {"Theirs", "Ours"}


def test_databases_of_others_are_not_altered(tmp_path: Path) -> None:
    path = tmp_path / "theirs.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("CREATE TABLE theirs (a)")
    database.close()
    before = path.read_bytes()
    with pytest.raises(ConfigurationError, match="another program"):
        ConversationStore(path).save(said("Hello"))
    assert path.read_bytes() == before


def test_a_later_version_and_what_is_no_database_are_refused(
    tmp_path: Path, store: ConversationStore
) -> None:
    store.save(said("Hello"))
    with closing(sqlite3.connect(store.path, isolation_level=None)) as database:
        database.execute("PRAGMA user_version = 9")
    database.close()
    with pytest.raises(ConfigurationError, match="later version"):
        store.list()
    (tmp_path / "text").write_text("no database " * 200)
    with pytest.raises(ConfigurationError, match="not a database; move it away, and a new one is made"):
        ConversationStore(tmp_path / "text").list()
    with pytest.raises(ConfigurationError, match="cannot be made"):
        ConversationStore(tmp_path / "text" / "t.db").save(said("Hello"))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE conversation SET title = x'00', document = 7",
        "ALTER TABLE conversation RENAME TO other; CREATE VIEW conversation AS SELECT * FROM other",
        "CREATE TRIGGER t AFTER INSERT ON conversation BEGIN DELETE FROM said; END",
    ],
)
def test_a_store_that_somebody_prepared_is_refused(store: ConversationStore, statement: str) -> None:
    identifier = store.save(said("one"))
    database = sqlite3.connect(store.path)
    database.executescript(statement)
    database.close()
    with pytest.raises(ConfigurationError):
        store.list()
    with pytest.raises(ConfigurationError):
        store.load(identifier, LLMRing())


VERSION_1 = """
CREATE TABLE conversation (
    id TEXT PRIMARY KEY, title TEXT NOT NULL, model TEXT, created_at TEXT NOT NULL, changed_at TEXT NOT NULL,
    messages INTEGER NOT NULL, cost REAL, document BLOB NOT NULL);
CREATE INDEX conversation_changed_at ON conversation (changed_at);
CREATE VIRTUAL TABLE said USING fts5(id UNINDEXED, text);
INSERT INTO conversation VALUES ('a1', 'Cheese', 'fake:x', '2026-11-01T08:00:00+00:00', '2026-11-02T08:00:00+00:00', 1,
    0.5, CAST('{"model":"fake:x","messages":[{"role":"user","content":"Brie or Gouda?"}]}' AS BLOB));
INSERT INTO said VALUES ('a1', 'Brie or Gouda?');
PRAGMA application_id = 0x4C4C4D43;
PRAGMA user_version = 1;
"""


def test_a_store_of_the_first_version_is_brought_forward(tmp_path: Path) -> None:
    path = tmp_path / "talks.db"
    with closing(sqlite3.connect(path)) as database:
        database.executescript(VERSION_1)
    store = ConversationStore(path)
    (listed,) = store.list()
    assert (listed.id, listed.title, listed.cost, listed.topic) == ("a1", "Cheese", 0.5, None)
    assert [found.excerpt for found in store.search("gouda")] == ["Cheese\nBrie or [Gouda]?"]
    assert store.load("a1", LLMRing()).messages == [Message.user("Brie or Gouda?")]
    with closing(sqlite3.connect(path)) as database:
        names = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert "conversation" in names
    assert not names & {"earlier", "said"}


def test_lists_are_narrowed_by_a_topic_that_stays(store: ConversationStore) -> None:
    here = store.save(said("one"), topic="/here")
    store.save(said("two"))
    store.save(said("one", "more"), here)
    assert [(each.id, each.topic, each.messages) for each in store.list(topic="/here")] == [
        (here, "/here", 2)
    ]
    store.save(said("one"), here, topic="/there")
    assert store.list(topic="/here") == []


def test_a_document_is_there_for_programs_without_a_ring(store: ConversationStore) -> None:
    talk = said("Hello", "Hi")
    assert store.document(store.save(talk)) == talk.to_json()
    with pytest.raises(ConversationNotFoundError, match="nosuch"):
        store.document("nosuch")


def test_without_full_text_search_each_conversation_is_read(
    store: ConversationStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some builds of SQLite lack FTS5."""
    indexed = store.save(said("Tell me about the moon", "Cheese."))
    with monkeypatch.context() as bare:
        bare.setattr(_tables, "has_full_text", lambda _: False)
        later = store.save(said("Tell me about the sun", f"{'It is hot. ' * 9}It is far away."))
        store.save(said("Tell me more about the moon"), indexed)
        assert [found.id for found in store.search("TELL about")] == [indexed, later]
        assert [found.id for found in store.search("tell", limit=1)] == [indexed]
        (found,) = store.search("far sun")
        assert found.excerpt is not None
        assert found.excerpt.endswith("t is hot. It is hot. It is hot. It is [far] away.")
        assert found.excerpt.startswith("…")
        assert store.search("cheese") == []
        gone = store.save(said("Nothing"))
        assert store.delete(gone)
    assert [each.id for each in store.search("hot")] == [later], "what was saved meanwhile is indexed"
    assert store.search("cheese") == [], "what has changed meanwhile, too"
    assert store.search("nothing") == []


def test_words_of_a_deleted_conversation_are_not_in_the_file(store: ConversationStore) -> None:
    gone, stays = store.save(said("The password is xyzzyplugh")), store.save(said("Hello"))
    assert b"xyzzyplugh" in store.path.read_bytes()
    store.delete(gone)
    assert b"xyzzyplugh" not in store.path.read_bytes()
    assert [each.id for each in store.list()] == [stays]


def test_a_conversation_that_cannot_be_read_is_no_hindrance_to_a_search(store: ConversationStore) -> None:
    store.save(said("Hello there"))
    broken = store.save(said("Hello"))
    with closing(sqlite3.connect(store.path, isolation_level=None)) as database:
        database.execute("UPDATE conversation SET document = 7, unindexed = 1 WHERE id = ?", (broken,))
    assert len(store.search("there")) == 1
    with pytest.raises(ConfigurationError, match="holds no conversation"):
        store.document(broken)


def test_odd_texts_and_numbers_are_no_bare_errors(store: ConversationStore) -> None:
    assert ConversationStore("~nobody-of-this-name/x").path.name == "x"
    with pytest.raises(ValidationError, match="cannot be written as JSON"):
        store.save(said("half \ud800 pair"))
    store.save(said("half"))
    assert store.search("\ud800") == []
    assert len(store.list(limit=2**70, offset=0)) == 1
    assert store.list(offset=2**70) == []


def test_without_sqlite_conversations_work_and_stores_give_one_clear_error(tmp_path: Path) -> None:
    code = """
import sys
sys.modules["sqlite3"] = None
from llmring import LLMRing, Message
from llmring.conversation import Conversation, ConversationStore
from llmring.exceptions import ConfigurationError
talk = Conversation(LLMRing(), messages=[Message.user("Hello")])
talk.save("talk.json")
for attempt in (ConversationStore("t.db").list, lambda: ConversationStore("t.db").save(talk)):
    try:
        attempt()
    except ConfigurationError as error:
        print("sqlite3" in str(error))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("True\nTrue\n", "")
    assert [path.name for path in tmp_path.iterdir()] == ["talk.json"]
