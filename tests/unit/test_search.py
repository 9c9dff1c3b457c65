"""What is found among labels, in which order, and by what was misspelt."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kg.context import Terms
from kg.errors import QueryError
from kg.labels import Labels, Wording
from kg.manifest import LABELS_CHANGED
from kg.names import fold, joined
from kg.vocab import CH, RDF, RDFS, SKOS
from kg.web.search import FEW, Hits, called, distance, search, suggest

BASE = "https://chancery.example/"
NAMES: Mapping[str, tuple[str, ...]] = {
    "agent/kim-jong-un": (
        *("Kim Jong Un@en", "কিম জং উন@bn", "किम जोंग उन@hi", "김정은@ko", "Ким Чен Ын@ru"),
        "金正恩@zh",
    ),
    "agent/kim-jong-il": ("Kim Jong Il@en", "김정일@ko", "किम जोंग इल@hi"),
    "agent/putin": ("Vladimir Putin@en", "ভ্লাদিমির পুতিন@bn", "व्लादिमीर पुतिन@hi"),
    "agent/lavrov": ("Sergei Lavrov@en", "Сергей Лавров@ru", "সের্গেই লাভরভ@bn"),
    "place/pyongyang": ("Pyongyang@en", "P'yŏngyang@en", "পিয়ংইয়ং@bn", "प्योंगयांग@hi", "평양@ko"),
    "place/moscow": ("Moscow@en", "মস্কো@bn", "मॉस्को@hi", "Москва@ru"),
    "place/unrest": ("Unrest@en",),
    "event/visit": ("Visit of Kim Jong Un to Moscow@en", "কিম জং উনের মস্কো সফর@bn"),
    "span/1": ("Moscow, sentence 1@en",),
}


def write(path: Path, names: Mapping[str, tuple[str, ...]], gone: set[str] | None = None) -> Path:
    wording = Wording(BASE, Terms([]), ())
    with Labels(path, gone=gone) as labels:
        for key, texts in names.items():
            pairs = []
            for number, text in enumerate(texts):
                words, _, lang = text.rpartition("@")
                name = f"<{SKOS}altLabel>" if number > 5 else f"<{RDFS}label>"
                pairs.append((name, f'"{words}"@{lang}'))
            kind = "State" if key == "agent/putin" else "Person"
            pairs.append((f"<{RDF}type>", f"<{CH}{kind}>"))
            labels.add(wording.rows(f"<{BASE}id/{key}>", pairs))
    return path


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("index") / "labels.sqlite", NAMES)


def keys(found: Hits) -> list[str]:
    return [hit.iri.removeprefix(f"{BASE}id/") for hit in found.hits]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        *(("kim jong un", "agent/kim-jong-un"), ("KIM JONG-UN", "agent/kim-jong-un")),
        *(("kimjongun", "agent/kim-jong-un"), ("কিম জং উন", "agent/kim-jong-un")),
        *(("किम जोङ्ग उन", "agent/kim-jong-un"), ("김 정은", "agent/kim-jong-un")),
        *(("Ким Чен Ын", "agent/kim-jong-un"), ("金正恩", "agent/kim-jong-un")),
        *(("pyŏngyang", "place/pyongyang"), ("pyong yang", "place/pyongyang")),
        *(("पुतिन", "agent/putin"), ("LAVR", "agent/lavrov"), ("Лавр", "agent/lavrov")),
    ],
)
def test_a_name_is_found_in_any_script_and_spelling(index: Path, text: str, key: str) -> None:
    found = search(index, text)
    assert keys(found)[0] == key
    assert not found.hits[0].similar


@pytest.mark.parametrize(
    ("text", "key"),
    [
        *(("pyongyag", "place/pyongyang"), ("pyogyagn", "place/pyongyang")),
        *(("mocsow", "place/moscow"), ("Vladmir Puttin", "agent/putin")),
        *(("Kim Jon Unn", "agent/kim-jong-un"), ("Sergey Lavrof", "agent/lavrov")),
        *(("পূতীন", "agent/putin"), ("মস্কোর", "place/moscow"), ("মসকো", "place/moscow")),
        *(("लाभरभ সের্গেই", ""), ("व्लादमीर पुतिन", "agent/putin"), ("मासको", "place/moscow")),
        *(("김정운", "agent/kim-jong-un"), ("Лавроф", "agent/lavrov"), ("Масква", "place/moscow")),
    ],
)
def test_a_misspelt_name_is_found_as_a_similar_one(index: Path, text: str, key: str) -> None:
    found = search(index, text)
    assert keys(found)[:1] == ([key] if key else [])
    assert all(hit.similar for hit in found.hits)


@pytest.mark.parametrize("text", ["kum", "xyzzy", "pxoxgxaxg", "প্রত্নতত্ত্ব", "갑", "zzzz zzzz"])
def test_what_is_too_unlike_is_not_found(index: Path, text: str) -> None:
    assert search(index, text).hits == ()


def test_written_so_comes_before_folded_so_whole_words_before_beginnings(tmp_path: Path) -> None:
    names = ("un rest", "Únrest one", "UN", "Ün", "un", "Unrestful", "The UN", "Unmm")
    given = {f"thing/{number}": (f"{text}@en",) for number, text in enumerate(names)}
    found = search(write(tmp_path / "labels.sqlite", given), "un").hits
    shown = [hit.label for hit in found]
    assert set(shown[:2]) == {"un", "UN"}  # but for case, as it is written
    assert shown[2] == "Ün"
    assert set(shown[3:5]) == {"un rest", "The UN"}
    assert set(shown[5:]) == {"Únrest one", "Unrestful", "Unmm"}


def test_fewer_errors_come_first_and_after_what_has_the_words(tmp_path: Path) -> None:
    names = {
        "place/a": ("Pyongyang@en",),
        "place/b": ("Pyongyank@en",),
        "place/c": ("Pyongvank@en",),
        "place/d": ("Pyongyang province@en",),
    }
    path = write(tmp_path / "labels.sqlite", names)
    found = search(path, "pyongyang")
    assert keys(found) == ["place/a", "place/d", "place/b", "place/c"]
    assert [hit.similar for hit in found.hits] == [False, False, True, True]
    for size in (1, 2, 3):
        pages = [search(path, "pyongyang", limit=size, offset=at) for at in range(0, 4, size)]
        assert [key for page in pages for key in keys(page)] == keys(found)
        assert [page.more for page in pages] == [True] * (len(pages) - 1) + [False]


def test_there_are_no_similar_ones_where_enough_have_the_words(tmp_path: Path) -> None:
    names = {f"place/{n}": (f"Pyongyang {n}@en",) for n in range(FEW)} | {
        "place/x": ("Pyonyang@en",)
    }
    found = search(write(tmp_path / "labels.sqlite", names), "pyongyang")
    assert not any(hit.similar for hit in found.hits)
    assert len(found.hits) == FEW


def test_kinds_and_classes_are_counted_whatever_was_asked_for(index: Path) -> None:
    assert search(index, "moscow").kinds == {"place": 1, "event": 1}
    assert search(index, "moscow", kind="event").kinds == {"place": 1, "event": 1}
    assert keys(search(index, "moscow", kind="event")) == ["event/visit"]
    assert keys(search(index, "moscow", kind="span")) == ["span/1"]
    assert search(index, "mosco", kind="agent").hits == ()
    of_agents = search(index, "", kind="agent")
    assert of_agents.classes == {f"{CH}Person": 3, f"{CH}State": 1}
    assert of_agents.counted
    assert keys(search(index, "", kind="agent", class_=f"{CH}State")) == ["agent/putin"]
    assert keys(search(index, "puttin", class_=f"{CH}State")) == ["agent/putin"]
    assert search(index, "puttin", class_=f"{CH}Person").hits == ()


def test_a_suggestion_completes_the_last_word(index: Path) -> None:
    def first(text: str, kind: str = "") -> str:
        found = suggest(index, text, kind=kind)
        return found[0].iri.removeprefix(f"{BASE}id/") if found else ""

    assert first("vladi") == "agent/putin"
    assert first("vladmi") == "agent/putin"
    assert first("কিম জ") == "agent/kim-jong-un"
    assert first("mosc", "event") == "event/visit"
    assert first("") == ""
    assert len(suggest(index, "k", limit=2)) == 2


@pytest.mark.parametrize(
    "text",
    [
        *('"', '""', "*", "a AND", "NEAR(a, 2)", "folded : x", "-", "'; DROP TABLE labels"),
        *("x" * 5000, "x " * 5000, "\x00", "a\x00b", "\u0301\u0302", "\u200d", "‏الصين", "​"),
        *('{folded joined} : "a" *', "a^", "(", "\\", "\ud800", "0\ud800", "়", "্", "ᆨ", "é" * 300),
    ],
)
def test_nothing_that_is_asked_breaks_it(index: Path, text: str) -> None:
    assert isinstance(search(index, text), Hits)
    assert isinstance(suggest(index, text), tuple)


@given(st.text(st.characters()))
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_text_breaks_it(index: Path, text: str) -> None:
    assert len(search(index, text, limit=3).hits) <= 3
    assert len(suggest(index, text, limit=3)) <= 3


@given(st.sampled_from([name.rpartition("@")[0] for some in NAMES.values() for name in some]))
def test_every_name_is_found_by_itself(index: Path, name: str) -> None:
    found = search(index, name, kind="span" if "sentence" in name else "")
    assert found.hits[0].label == name


def test_the_index_has_the_same_bytes_twice(tmp_path: Path) -> None:
    one, other = (write(tmp_path / name, NAMES).read_bytes() for name in ("one", "other"))
    assert one == other


def test_what_changed_is_searched_with_what_did_not(tmp_path: Path) -> None:
    index = write(tmp_path / "labels.sqlite", NAMES)
    gone = {f"<{BASE}id/place/moscow>", f"<{BASE}id/place/unrest>"}
    changed = {"place/moscow": ("Muscovy@en",)}
    write(tmp_path / Path(LABELS_CHANGED).name, changed, gone)
    assert keys(search(index, "muscovi")) == ["place/moscow"]
    assert "place/moscow" not in keys(search(index, "moscow"))
    assert search(index, "unresst").hits == ()
    assert keys(search(index, "pyongyag")) == ["place/pyongyang"]


@given(
    forms=st.sets(
        st.sampled_from(
            sorted(
                {
                    form
                    for texts in NAMES.values()
                    for text in texts
                    for words in [fold(text.rpartition("@")[0])]
                    for form in (words, joined(words), *words.split())
                }
            )
        )
        | st.text(max_size=4)
    ),
    kind=st.sampled_from(["agent", "place"]),
    class_=st.sampled_from(["", f"{CH}Person", f"{CH}State"]),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_what_is_called_so_is_what_has_such_a_label(
    tmp_path: Path, forms: set[str], kind: str, class_: str
) -> None:
    gone = {"place/moscow", "agent/putin"}
    index, further = tmp_path / "labels.sqlite", tmp_path / Path(LABELS_CHANGED).name
    changed = {"place/moscow": ("Muscovy@en", "Moscow@en"), "agent/tass": ("T A S S@en", "Tass@de")}
    if not index.exists():
        write(index, NAMES)
        write(further, changed, {f"<{BASE}id/{one}>" for one in gone})
    wanted = {
        (key, text.rpartition("@")[0])
        for key, texts in {**{k: v for k, v in NAMES.items() if k not in gone}, **changed}.items()
        for text in texts
        for words in [fold(text.rpartition("@")[0])]
        if key.startswith(kind) and {words, joined(words)} & (forms - {""})
        if class_ in ("", f"{CH}{'State' if key == 'agent/putin' else 'Person'}")
    }
    [found] = called(index, [(forms, [kind], [class_] if class_ else [])])
    assert {(hit.iri.removeprefix(f"{BASE}id/"), hit.label) for hit in found} == wanted


def test_an_index_of_before_is_searched_as_then(tmp_path: Path) -> None:
    path = tmp_path / "labels.sqlite"
    database = sqlite3.connect(path)
    database.execute(
        "CREATE VIRTUAL TABLE labels USING fts5("
        "iri UNINDEXED, kind UNINDEXED, class UNINDEXED, lang UNINDEXED, label UNINDEXED, "
        "preferred UNINDEXED, folded, "
        "tokenize = \"unicode61 remove_diacritics 2 categories 'L* M* N* Co'\")"
    )
    rows = [
        (f"{BASE}id/place/{n}", "place", "", "", label, 1, label.casefold())
        for n, label in enumerate(["Élysée", "হিন্দ", "উৎসব", "Kim Jong-Un"])
    ]
    database.executemany("INSERT INTO labels VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
    database.commit()
    database.close()
    assert [keys(search(path, text)) for text in ("elysee", "উৎস", "kim-jong", "jong un k")] == [
        ["place/0"],
        ["place/2"],
        ["place/3"],
        ["place/3"],
    ]
    assert search(path, "elisee").hits == ()
    assert suggest(path, "élys")[0].label == "Élysée"
    assert len(search(path, "", kind="place").hits) == 4
    assert list(called(path, [(["élysée"], ["place"], [])])) == [()]


def test_no_index_is_an_error(tmp_path: Path) -> None:
    for ask in (search, suggest):
        with pytest.raises(QueryError, match="cannot be searched"):
            ask(tmp_path / "labels.sqlite", "x")


LETTERS = st.lists(st.sampled_from("abc"), max_size=7)


@given(LETTERS, LETTERS)
def test_distance_is_that_of_its_definition(one: list[str], other: list[str]) -> None:
    def slowly(a: int, b: int) -> int:
        if not a or not b:
            return a + b
        found = min(slowly(a - 1, b) + 1, slowly(a, b - 1) + 1)
        found = min(found, slowly(a - 1, b - 1) + (one[a - 1] != other[b - 1]))
        if a > 1 and b > 1 and one[a - 1] == other[b - 2] and one[a - 2] == other[b - 1]:
            found = min(found, slowly(a - 2, b - 2) + 1)
        return found

    one, other = one[:5], other[:5]
    exact = slowly(len(one), len(other))
    for most in range(4):
        assert distance(one, other, most) == min(exact, most + 1)
    starts = min(slowly(len(one), size) for size in range(len(other) + 1))
    assert distance(one, other, 3, beginning=True) == min(starts, 4)
