import subprocess
import sys

import pytest

from framewatch.adapters.vision.coco import COCO_80, COCO_91
from local_cloud.vision_server.taxonomy import (
    CATEGORIES,
    closed_label_list,
    entries_for_classes,
    entry_for_class,
    entry_for_label,
    unproducible,
)


def test_every_coco_class_has_a_label_of_its_own():
    names = [entry_for_class(class_name).name for class_name in COCO_80]
    assert len(COCO_80) == 80
    assert len(set(names)) == 80


def test_the_91_numbering_skips_ten_ids_and_ends_in_toothbrush():
    assert (COCO_91[1], COCO_91[13], COCO_91[44], COCO_91[90]) == ("person", "stop sign", "bottle", "toothbrush")
    assert len(COCO_91) == 80


def test_every_parent_is_a_label_whose_own_parents_are_listed_too():
    for entry in entries_for_classes():
        for parent in entry.parents:
            assert set(entry_for_label(parent).parents) <= set(entry.parents), (entry.name, parent)
            assert parent != entry.name


def test_an_alias_never_names_two_labels():
    entries = entries_for_classes()
    aliases = [alias for entry in entries for alias in entry.aliases]
    assert len(aliases) == len(set(aliases))
    assert not set(aliases) & {entry.name for entry in entries}


def test_every_category_is_one_of_rekognitions():
    assert {category for entry in entries_for_classes() for category in entry.categories} <= CATEGORIES
    assert len(CATEGORIES) == 40


@pytest.mark.parametrize(
    ("class_name", "name", "parents", "aliases", "category"),
    [
        ("person", "Person", (), ("Human",), "Person Description"),
        ("car", "Car", ("Transportation", "Vehicle"), ("Automobile",), "Vehicles and Automotive"),
        ("dog", "Dog", ("Animal", "Canine", "Mammal", "Pet"), (), "Animals and Pets"),
        ("cell phone", "Mobile Phone", ("Electronics", "Phone"), ("Cell Phone",), "Technology and Computing"),
    ],
)
def test_labels_read_as_rekognition_documents_them(class_name, name, parents, aliases, category):
    entry = entry_for_class(class_name)
    assert (entry.name, entry.parents, entry.aliases, entry.categories) == (name, parents, aliases, (category,))


def test_the_closed_list_holds_labels_aliases_and_parents():
    assert {"Person", "Human", "Car", "Automobile", "Vehicle", "Pet"} <= closed_label_list()


def test_a_smaller_models_closed_list_is_smaller():
    assert closed_label_list(["car"]) == {"Car", "Automobile", "Vehicle", "Transportation"}


def test_words_that_can_never_be_seen_are_named_whatever_their_case():
    assert unproducible(["human", "VEHICLE", "Pedestrian", "Package"]) == ("Pedestrian", "Package")


def test_a_class_outside_coco_becomes_a_label_in_title_case():
    assert entry_for_class("garden gnome").name == "Garden Gnome"


def test_reading_the_taxonomy_loads_no_opencv():
    code = "import sys, local_cloud.vision_server.taxonomy; sys.exit('cv2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
