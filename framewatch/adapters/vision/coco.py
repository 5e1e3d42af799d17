"""The COCO class names, in the two numberings that detectors use. Source: the COCO 2017 categories."""

from __future__ import annotations

_NAMES = (
    "person,bicycle,car,motorcycle,airplane,bus,train,truck,boat,traffic light,fire hydrant,stop sign,"
    "parking meter,bench,bird,cat,dog,horse,sheep,cow,elephant,bear,zebra,giraffe,backpack,umbrella,handbag,"
    "tie,suitcase,frisbee,skis,snowboard,sports ball,kite,baseball bat,baseball glove,skateboard,surfboard,"
    "tennis racket,bottle,wine glass,cup,fork,knife,spoon,bowl,banana,apple,sandwich,orange,broccoli,carrot,"
    "hot dog,pizza,donut,cake,chair,couch,potted plant,bed,dining table,toilet,tv,laptop,mouse,remote,keyboard,"
    "cell phone,microwave,oven,toaster,sink,refrigerator,book,clock,vase,scissors,teddy bear,hair drier,"
    "toothbrush"
)

COCO_80: tuple[str, ...] = tuple(_NAMES.split(","))
"""Index 0 to 79, as YOLO-family models count."""

# The published numbering runs from 1 to 90 and skips the ids of ten classes that were never annotated.
_UNUSED_IDS = frozenset({12, 26, 29, 30, 45, 66, 68, 69, 71, 83})

COCO_91: dict[int, str] = dict(
    zip((i for i in range(1, 91) if i not in _UNUSED_IDS), COCO_80, strict=True),
)
"""Category id 1 to 90 -> name, as TensorFlow's detection models count."""
