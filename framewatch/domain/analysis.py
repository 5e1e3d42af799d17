"""Whether a frame's picture is shown to vision, which is what costs, and what it has instead of its own labels."""

from enum import StrEnum


class Analysis(StrEnum):
    """What became of a stored frame at vision. Whatever it is, the picture and its place in time are kept."""

    ANALYSED = "analysed"
    INHERITED = "inherited"  # nearly the same picture as an earlier one, whose labels it has
    SCREENED = "screened"  # a model at the edge saw nothing in it that is watched
    BUDGET = "budget"  # the budget's steps kept it from vision
