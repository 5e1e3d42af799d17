"""The labels that the local models can produce, in Rekognition's vocabulary. Imports no OpenCV.

Names, aliases, parents and categories follow the public documentation and published responses of label model 3.0
(docs.aws.amazon.com/rekognition/latest/dg/labels.html); where none was at hand the nearest word of that vocabulary
was taken. Every parent is a label of its own, as in Rekognition, and lists all its ancestors.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from framewatch.adapters.vision.coco import COCO_80
from framewatch.domain.labels import fold

_ANIMALS = "Animals and Pets"
_APPAREL = "Apparel and Accessories"
_EVERYDAY = "Everyday Objects"
_FOOD = "Food and Beverage"
_FURNITURE = "Furniture and Furnishings"
_APPLIANCES = "Home Appliances"
_HOME = "Home and Indoors"
_KITCHEN = "Kitchen and Dining"
_PERSON = "Person Description"
_PLANTS = "Plants and Flowers"
_SAFETY = "Public Safety"
_SPORTS = "Sports"
_TECHNOLOGY = "Technology and Computing"
_TEXT = "Text and Documents"
_TOOLS = "Tools and Machinery"
_TOYS = "Toys and Gaming"
_TRANSPORT = "Transport and Logistics"
_TRAVEL = "Travel and Adventure"
_VEHICLES = "Vehicles and Automotive"
_BEAUTY = "Beauty and Personal Care"
_SYMBOLS = "Symbols and Flags"
_WEAPONS = "Weapons and Military"

_CATEGORIES = (
    "Actions|Animals and Pets|Apparel and Accessories|Beauty and Personal Care|Buildings and Architecture|"
    "Colors and Visual Composition|Damage Detection|Education|Events and Attractions|Everyday Objects|"
    "Expressions and Emotions|Food and Beverage|Furniture and Furnishings|Health and Fitness|Hobbies and Interests|"
    "Home Appliances|Home and Indoors|Kitchen and Dining|Materials|Medical|Nature and Outdoors|"
    "Offices and Workspaces|Patterns and Shapes|Performing Arts|Person Description|Plants and Flowers|"
    "Popular Landmarks|Profession|Public Safety|Religion|Sports|Symbols and Flags|Technology and Computing|"
    "Text and Documents|Tools and Machinery|Toys and Gaming|Transport and Logistics|Travel and Adventure|"
    "Vehicles and Automotive|Weapons and Military"
)

CATEGORIES: frozenset[str] = frozenset(_CATEGORIES.split("|"))
"""Every category of Rekognition's label model 3.0, also those that no local label is in."""


@dataclass(frozen=True, slots=True)
class LabelEntry:
    """One label. ``parents`` holds all ancestors, in alphabetical order, each a label of its own."""

    name: str
    categories: tuple[str, ...]
    parents: tuple[str, ...] = ()
    aliases: tuple[str, ...] = field(default=())


def _entry(name: str, category: str, parents: str = "", aliases: str = "") -> LabelEntry:
    return LabelEntry(
        name,
        (category,),
        tuple(sorted(p for p in parents.split("|") if p)),
        tuple(a for a in aliases.split("|") if a),
    )


_ANCESTORS: tuple[LabelEntry, ...] = (
    _entry("Accessories", _APPAREL),
    _entry("Aircraft", _VEHICLES, "Transportation|Vehicle"),
    _entry("Animal", _ANIMALS),
    _entry("Appliance", _APPLIANCES, "Device|Electrical Device"),
    _entry("Bag", _APPAREL),
    _entry("Baggage", _TRAVEL, aliases="Luggage"),
    _entry("Baseball", _SPORTS, "Sport"),
    _entry("Bathroom", _HOME, "Indoors|Room"),
    _entry("Blade", _WEAPONS, "Weapon"),
    _entry("Brush", _TOOLS, "Device|Tool"),
    _entry("Canine", _ANIMALS, "Animal|Mammal"),
    _entry("Canopy", _EVERYDAY),
    _entry("Cattle", _ANIMALS, "Animal|Livestock|Mammal"),
    _entry("Citrus Fruit", _FOOD, "Food|Fruit|Plant|Produce"),
    _entry("Clothing", _APPAREL, aliases="Apparel"),
    _entry("Computer", _TECHNOLOGY, "Electronics"),
    _entry("Computer Hardware", _TECHNOLOGY, "Electronics|Hardware"),
    _entry("Cutlery", _KITCHEN),
    _entry("Dessert", _FOOD, "Food"),
    _entry("Device", _TOOLS),
    _entry("Electrical Device", _TECHNOLOGY, "Device"),
    _entry("Electronics", _TECHNOLOGY),
    _entry("Food", _FOOD),
    _entry("Formal Wear", _APPAREL),
    _entry("Fruit", _FOOD, "Food|Plant|Produce"),
    _entry("Furniture", _FURNITURE),
    _entry("Glass", _KITCHEN),
    _entry("Glove", _APPAREL, "Clothing"),
    _entry("Hardware", _TECHNOLOGY, "Electronics"),
    _entry("Hydrant", _SAFETY),
    _entry("Indoors", _HOME),
    _entry("Jar", _HOME),
    _entry("Livestock", _ANIMALS, "Animal|Mammal"),
    _entry("Mammal", _ANIMALS, "Animal"),
    _entry("Monitor", _TECHNOLOGY, "Electronics|Screen"),
    _entry("Pc", _TECHNOLOGY, "Computer|Electronics"),
    _entry("Pet", _ANIMALS, "Animal"),
    _entry("Phone", _TECHNOLOGY, "Electronics"),
    _entry("Plant", _PLANTS),
    _entry("Pottery", _HOME),
    _entry("Produce", _FOOD, "Food"),
    _entry("Publication", _TEXT),
    _entry("Racket", _SPORTS, "Sport"),
    _entry("Road Sign", _TRANSPORT, "Sign|Symbol"),
    _entry("Room", _HOME, "Indoors"),
    _entry("Screen", _TECHNOLOGY, "Electronics"),
    _entry("Sign", _TEXT, "Symbol"),
    _entry("Sport", _SPORTS, aliases="Sports"),
    _entry("Sweets", _FOOD, "Food", "Confectionery"),
    _entry("Symbol", _SYMBOLS),
    _entry("Table", _FURNITURE, "Furniture"),
    _entry("Tennis", _SPORTS, "Sport"),
    _entry("Tool", _TOOLS, "Device"),
    _entry("Toy", _TOYS),
    _entry("Transportation", _VEHICLES),
    _entry("Vegetable", _FOOD, "Food|Plant|Produce"),
    _entry("Vehicle", _VEHICLES, "Transportation"),
    _entry("Weapon", _WEAPONS),
    _entry("Wildlife", _ANIMALS, "Animal"),
)

_CLASSES: dict[str, LabelEntry] = {
    "person": _entry("Person", _PERSON, aliases="Human"),
    "bicycle": _entry("Bicycle", _VEHICLES, "Transportation|Vehicle", "Bike"),
    "car": _entry("Car", _VEHICLES, "Transportation|Vehicle", "Automobile"),
    "motorcycle": _entry("Motorcycle", _VEHICLES, "Transportation|Vehicle", "Motorbike"),
    "airplane": _entry("Airplane", _VEHICLES, "Aircraft|Transportation|Vehicle", "Aeroplane|Plane"),
    "bus": _entry("Bus", _VEHICLES, "Transportation|Vehicle"),
    "train": _entry("Train", _VEHICLES, "Transportation|Vehicle"),
    "truck": _entry("Truck", _VEHICLES, "Transportation|Vehicle"),
    "boat": _entry("Boat", _VEHICLES, "Transportation|Vehicle"),
    "traffic light": _entry("Traffic Light", _TRANSPORT, aliases="Stoplight"),
    "fire hydrant": _entry("Fire Hydrant", _SAFETY, "Hydrant"),
    "stop sign": _entry("Stopsign", _TRANSPORT, "Road Sign|Sign|Symbol", "Stop Sign"),
    "parking meter": _entry("Parking Meter", _TRANSPORT),
    "bench": _entry("Bench", _FURNITURE, "Furniture"),
    "bird": _entry("Bird", _ANIMALS, "Animal"),
    "cat": _entry("Cat", _ANIMALS, "Animal|Mammal|Pet"),
    "dog": _entry("Dog", _ANIMALS, "Animal|Canine|Mammal|Pet"),
    "horse": _entry("Horse", _ANIMALS, "Animal|Mammal"),
    "sheep": _entry("Sheep", _ANIMALS, "Animal|Livestock|Mammal"),
    "cow": _entry("Cow", _ANIMALS, "Animal|Cattle|Livestock|Mammal"),
    "elephant": _entry("Elephant", _ANIMALS, "Animal|Mammal|Wildlife"),
    "bear": _entry("Bear", _ANIMALS, "Animal|Mammal|Wildlife"),
    "zebra": _entry("Zebra", _ANIMALS, "Animal|Mammal|Wildlife"),
    "giraffe": _entry("Giraffe", _ANIMALS, "Animal|Mammal|Wildlife"),
    "backpack": _entry("Backpack", _APPAREL, "Bag"),
    "umbrella": _entry("Umbrella", _EVERYDAY, "Canopy"),
    "handbag": _entry("Handbag", _APPAREL, "Accessories|Bag", "Purse"),
    "tie": _entry("Tie", _APPAREL, "Accessories|Formal Wear", "Necktie"),
    "suitcase": _entry("Suitcase", _TRAVEL, "Baggage"),
    "frisbee": _entry("Frisbee", _TOYS, "Toy"),
    "skis": _entry("Ski", _SPORTS, "Sport", "Skis"),
    "snowboard": _entry("Snowboard", _SPORTS, "Sport"),
    "sports ball": _entry("Ball", _SPORTS, "Sport"),
    "kite": _entry("Kite", _TOYS, "Toy"),
    "baseball bat": _entry("Baseball Bat", _SPORTS, "Baseball|Sport"),
    "baseball glove": _entry("Baseball Glove", _SPORTS, "Baseball|Clothing|Glove|Sport"),
    "skateboard": _entry("Skateboard", _SPORTS, "Sport"),
    "surfboard": _entry("Surfboard", _SPORTS, "Sport"),
    "tennis racket": _entry("Tennis Racket", _SPORTS, "Racket|Sport|Tennis"),
    "bottle": _entry("Bottle", _EVERYDAY),
    "wine glass": _entry("Wine Glass", _KITCHEN, "Glass"),
    "cup": _entry("Cup", _KITCHEN),
    "fork": _entry("Fork", _KITCHEN, "Cutlery"),
    "knife": _entry("Knife", _WEAPONS, "Blade|Weapon"),
    "spoon": _entry("Spoon", _KITCHEN, "Cutlery"),
    "bowl": _entry("Bowl", _KITCHEN),
    "banana": _entry("Banana", _FOOD, "Food|Fruit|Plant|Produce"),
    "apple": _entry("Apple", _FOOD, "Food|Fruit|Plant|Produce"),
    "sandwich": _entry("Sandwich", _FOOD, "Food"),
    "orange": _entry("Orange", _FOOD, "Citrus Fruit|Food|Fruit|Plant|Produce"),
    "broccoli": _entry("Broccoli", _FOOD, "Food|Plant|Produce|Vegetable"),
    "carrot": _entry("Carrot", _FOOD, "Food|Plant|Produce|Vegetable"),
    "hot dog": _entry("Hot Dog", _FOOD, "Food"),
    "pizza": _entry("Pizza", _FOOD, "Food"),
    "donut": _entry("Donut", _FOOD, "Food|Sweets", "Doughnut"),
    "cake": _entry("Cake", _FOOD, "Dessert|Food"),
    "chair": _entry("Chair", _FURNITURE, "Furniture"),
    "couch": _entry("Couch", _FURNITURE, "Furniture", "Sofa"),
    "potted plant": _entry("Potted Plant", _PLANTS, "Plant", "Houseplant"),
    "bed": _entry("Bed", _FURNITURE, "Furniture"),
    "dining table": _entry("Dining Table", _FURNITURE, "Furniture|Table"),
    "toilet": _entry("Toilet", _HOME, "Bathroom|Indoors|Room"),
    "tv": _entry("TV", _TECHNOLOGY, "Computer Hardware|Electronics|Hardware|Monitor|Screen", "Television"),
    "laptop": _entry("Laptop", _TECHNOLOGY, "Computer|Electronics|Pc"),
    "mouse": _entry("Mouse", _TECHNOLOGY, "Computer Hardware|Electronics|Hardware", "Computer Mouse"),
    "remote": _entry("Remote Control", _TECHNOLOGY, "Electronics", "Remote"),
    "keyboard": _entry("Computer Keyboard", _TECHNOLOGY, "Computer Hardware|Electronics|Hardware", "Keyboard"),
    "cell phone": _entry("Mobile Phone", _TECHNOLOGY, "Electronics|Phone", "Cell Phone"),
    "microwave": _entry("Microwave", _APPLIANCES, "Appliance|Device|Electrical Device"),
    "oven": _entry("Oven", _APPLIANCES, "Appliance|Device|Electrical Device"),
    "toaster": _entry("Toaster", _APPLIANCES, "Appliance|Device|Electrical Device"),
    "sink": _entry("Sink", _HOME),
    "refrigerator": _entry("Refrigerator", _APPLIANCES, "Appliance|Device|Electrical Device", "Fridge"),
    "book": _entry("Book", _TEXT, "Publication"),
    "clock": _entry("Clock", _EVERYDAY),
    "vase": _entry("Vase", _HOME, "Jar|Pottery"),
    "scissors": _entry("Scissors", _TOOLS),
    "teddy bear": _entry("Teddy Bear", _TOYS, "Toy"),
    "hair drier": _entry("Blow Dryer", _BEAUTY, "Appliance|Device|Electrical Device", "Hair Dryer|Hair Drier"),
    "toothbrush": _entry("Toothbrush", _BEAUTY, "Brush|Device|Tool"),
}

_BY_NAME: dict[str, LabelEntry] = {entry.name: entry for entry in (*_ANCESTORS, *_CLASSES.values())}


def entry_for_class(class_name: str) -> LabelEntry:
    """The label of a detector's class. A class that is not of COCO becomes a label of its own name, in title case."""
    found = _CLASSES.get(class_name)
    return found or LabelEntry(class_name.title(), (_EVERYDAY,))


def entry_for_label(name: str) -> LabelEntry:
    """The entry of a label by its exact name. Raises KeyError."""
    return _BY_NAME[name]


def entries_for_classes(class_names: Iterable[str] = COCO_80) -> tuple[LabelEntry, ...]:
    """Every label that a detector of these classes can produce, ancestors included, in alphabetical order."""
    reached: dict[str, LabelEntry] = {}
    for class_name in class_names:
        entry = entry_for_class(class_name)
        reached[entry.name] = entry
        reached.update((parent, _BY_NAME[parent]) for parent in entry.parents)
    return tuple(reached[name] for name in sorted(reached))


def closed_label_list(class_names: Iterable[str] = COCO_80) -> frozenset[str]:
    """Every name that a detector of these classes can answer a watch with: labels, their aliases, their parents."""
    return frozenset(name for entry in entries_for_classes(class_names) for name in (entry.name, *entry.aliases))


def unproducible(watch_labels: Iterable[str], class_names: Iterable[str] = COCO_80) -> tuple[str, ...]:
    """The watched words that no picture can ever make appear, in the order given; case does not count.

    For the configuration check: a rule on such a word would be silent for ever.
    """
    known = {fold(name) for name in closed_label_list(class_names)}
    return tuple(word for word in watch_labels if fold(word) not in known)
