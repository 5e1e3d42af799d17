"""Which pictures vision need not be asked about: decided where it would be paid, from what the edge has found.

What costs nothing is taken first, so that the budget gives up only what would have been paid for.
"""

from datetime import timedelta

from framewatch.domain.analysis import Analysis
from framewatch.domain.budget import BudgetStep
from framewatch.domain.frames import FrameMeta, FrameRef, GateReason
from framewatch.domain.rules import stands_in
from framewatch.domain.site import SiteConfig

SAME_WITHIN = timedelta(minutes=10)
"""What a frame nearly equals is no older: labels are not handed on for ever, whatever an edge says."""


def trusted_reference(meta: FrameMeta, site: SiteConfig) -> FrameRef | None:
    """The frame whose labels this one may have: earlier, and not long ago."""
    ref = meta.hint.same_as
    if ref is None or not site.vision.reuse_near_duplicates:
        return None
    return ref if timedelta() < meta.captured_at - ref.captured_at <= SAME_WITHIN else None


def choose_analysis(meta: FrameMeta, referred: Analysis | None, step: BudgetStep, site: SiteConfig) -> Analysis:
    """referred: what vision made of the frame it refers to, None where there is none that is stored.

    Labels are taken from a frame that was analysed itself and from no other, so that small differences do not add up
    to a picture that nobody has looked at.
    """
    if referred is Analysis.ANALYSED:
        return Analysis.INHERITED
    if meta.hint.screened_out and site.vision.trust_screen:
        return Analysis.SCREENED
    return Analysis.BUDGET if is_given_up(meta, step, site) else Analysis.ANALYSED


def is_given_up(meta: FrameMeta, step: BudgetStep, site: SiteConfig) -> bool:
    """Whether the budget's step keeps the frame from vision. Each step is on top of those before it."""
    return (
        step >= BudgetStep.KEEP_ONLY
        or (step >= BudgetStep.WATCHED_ONLY and not tells_somebody(meta.camera_id, site))
        or (step >= BudgetStep.ZONES_ONLY and not _moves_where_it_matters(meta, site))
    )


def tells_somebody(camera_id: str, site: SiteConfig) -> bool:
    """Whether what is seen there may be told to anybody, on a phone or by the topic."""
    camera = site.camera(camera_id)
    zone_ids = [z.id for z in camera.zones] if camera else []
    return any((rule.notify or rule.escalate_to) and rule.covers(camera_id, zone_ids) for rule in site.all_rules)


def _moves_where_it_matters(meta: FrameMeta, site: SiteConfig) -> bool:
    """A camera without a gate knows of no motion, so that all of its frames are given up."""
    if meta.gate.reason is not GateReason.MOTION:
        return False
    camera = site.camera(meta.camera_id)
    zones = [zone.points for zone in camera.zones] if camera else []
    return not zones or any(stands_in(zones, box) for box in meta.gate.boxes_xyxy_rel)
