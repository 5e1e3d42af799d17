from framewatch.adapters.vision.base import Detection
from local_cloud.vision_server.labels import filtered, labels_of
from local_cloud.vision_server.protocol import LabelFilters

BOX = (0.25, 0.5, 0.75, 1.0)
STREET = [
    Detection("car", 91.0, BOX),
    Detection("person", 88.0, BOX),
    Detection("car", 60.0, (0.0, 0.0, 0.5, 0.5)),
    Detection("bus", 95.0, BOX),
]


def names(labels) -> list[str]:
    return [label["Name"] for label in labels]


def by_name(labels) -> dict:
    return {label["Name"]: label for label in labels}


def test_instances_of_one_class_gather_in_one_label():
    car = by_name(labels_of(STREET))["Car"]
    assert [instance["Confidence"] for instance in car["Instances"]] == [91.0, 60.0]
    assert car["Confidence"] == 91.0
    assert car["Instances"][0]["BoundingBox"] == {"Width": 0.5, "Height": 0.5, "Left": 0.25, "Top": 0.5}


def test_a_parent_is_a_label_without_instances_as_sure_as_its_surest_child():
    labels = by_name(labels_of(STREET))
    assert labels["Vehicle"]["Confidence"] == 95.0
    assert labels["Vehicle"]["Instances"] == []
    assert labels["Vehicle"]["Parents"] == [{"Name": "Transportation"}]


def test_a_label_carries_parents_aliases_and_categories():
    car = by_name(labels_of(STREET))["Car"]
    assert car["Parents"] == [{"Name": "Transportation"}, {"Name": "Vehicle"}]
    assert car["Aliases"] == [{"Name": "Automobile"}]
    assert car["Categories"] == [{"Name": "Vehicles and Automotive"}]


def test_labels_come_surest_first_and_equal_ones_by_name():
    assert names(labels_of(STREET)) == ["Bus", "Transportation", "Vehicle", "Car", "Person"]


def test_nothing_seen_is_no_label():
    assert labels_of([]) == []


def test_colours_stand_on_the_instance_they_belong_to():
    labels = by_name(labels_of(STREET, {0: [{"CSSColor": "red"}], 2: [{"CSSColor": "blue"}]}))
    assert [i["DominantColors"] for i in labels["Car"]["Instances"]] == [
        [{"CSSColor": "red"}],
        [{"CSSColor": "blue"}],
    ]
    assert labels["Person"]["Instances"][0]["DominantColors"] == []


def filtered_names(**filters) -> list[str]:
    return names(filtered(labels_of(STREET), LabelFilters(**{k: frozenset(v) for k, v in filters.items()})))


def test_no_filter_keeps_all():
    assert len(filtered_names()) == 5


def test_label_inclusion_keeps_only_the_named():
    assert filtered_names(include_labels={"Car", "Zebra"}) == ["Car"]


def test_label_exclusion_drops_only_the_named():
    assert filtered_names(exclude_labels={"Car"}) == ["Bus", "Transportation", "Vehicle", "Person"]


def test_category_inclusion_and_exclusion_work_on_every_label_of_it():
    assert filtered_names(include_categories={"Person Description"}) == ["Person"]
    assert filtered_names(exclude_categories={"Vehicles and Automotive"}) == ["Person"]


def test_included_labels_and_categories_add_up():
    assert filtered_names(include_labels={"Bus"}, include_categories={"Person Description"}) == ["Bus", "Person"]


def test_exclusion_wins_over_inclusion():
    assert filtered_names(include_categories={"Vehicles and Automotive"}, exclude_labels={"Bus"}) == [
        "Transportation",
        "Vehicle",
        "Car",
    ]


def test_filters_want_the_exact_name_not_an_alias_or_another_case():
    assert filtered_names(include_labels={"Automobile", "car"}) == []
