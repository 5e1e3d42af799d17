"""Whether a watched word is in a frame."""

from hypothesis import given
from hypothesis import strategies as st

from framewatch.domain.labels import Label, find_sightings, fold
from tests.frames import CAR, PERSON


def found(labels: list[Label], *words: str) -> dict[str, str]:
    return {s.watch_label: s.label.name for s in find_sightings(labels, words)}


def test_a_word_meets_its_label_whatever_the_case_and_blanks() -> None:
    assert found([PERSON], " pERSON ") == {" pERSON ": "Person"}
    assert fold("Traffic  Light ") == "traffic light"


def test_a_word_meets_a_label_by_its_parent() -> None:
    assert found([CAR], "Vehicle", "Transportation") == {"Vehicle": "Car", "Transportation": "Car"}


def test_a_word_meets_a_label_by_its_alias() -> None:
    assert found([PERSON], "Human") == {"Human": "Person"}


def test_a_category_is_not_a_name() -> None:
    assert found([PERSON], "Person Description") == {}


def test_part_of_a_name_is_not_the_name() -> None:
    assert found([Label("Carpet", 90), Label("Sports Car", 90)], "Car") == {}


def test_a_child_does_not_meet_its_own_children() -> None:
    assert found([Label("Vehicle", 99)], "Car") == {}


def test_the_most_confident_label_is_the_sighting() -> None:
    bus = Label("Bus", 99.5, parents=("Vehicle",))
    (sighting,) = find_sightings([CAR, bus], ["Vehicle"])
    assert (sighting.label.name, sighting.confidence) == ("Bus", 99.5)


def test_the_label_itself_wins_over_a_child_as_confident() -> None:
    vehicle = Label("Vehicle", 99)
    for child in (Label("Car", 99, parents=("Vehicle",)), Label("Wagon", 99, parents=("Vehicle",))):
        assert found([child, vehicle], "Vehicle") == found([vehicle, child], "Vehicle") == {"Vehicle": "Vehicle"}


def test_each_word_is_found_once_in_the_order_watched() -> None:
    sightings = find_sightings([PERSON, CAR, PERSON], ["Car", "Dog", "Person"])
    assert [s.watch_label for s in sightings] == ["Car", "Person"]


names = st.sampled_from(["Person", "person", "Human", "Car", "Vehicle", "Dog"])
labels = st.builds(
    Label,
    name=names,
    confidence=st.floats(0, 100),
    parents=st.lists(names, max_size=2).map(tuple),
    aliases=st.lists(names, max_size=2).map(tuple),
)


@given(st.lists(labels, max_size=6), st.lists(names, max_size=4, unique=True), st.randoms())
def test_the_order_of_labels_does_not_matter(seen: list[Label], words: list[str], random: object) -> None:
    shuffled = list(seen)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    first, second = find_sightings(seen, words), find_sightings(shuffled, words)
    assert [(s.watch_label, s.confidence) for s in first] == [(s.watch_label, s.confidence) for s in second]
    for s in first:
        assert fold(s.watch_label) in s.label.names_folded
        assert s.confidence == max(x.confidence for x in seen if fold(s.watch_label) in x.names_folded)
