"""For each new frame of a batch: whether vision is asked about it, and whose labels it has when not.

A frame may refer to one that is stored, or to one of the same batch, and then comes after it. Labels are taken only
from a frame that was analysed itself, so that there are two rounds and never more.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from framewatch.domain.analysis import Analysis
from framewatch.domain.budget import BudgetState
from framewatch.domain.frames import FrameMeta, VisionHint
from framewatch.domain.labels import Label
from framewatch.domain.site import SiteConfig
from framewatch.domain.sparing import choose_analysis, trusted_reference
from framewatch.wire.frame_items import StoredFrame

SPARED_AS = {
    Analysis.INHERITED: "FramesInherited",
    Analysis.SCREENED: "FramesScreened",
    Analysis.BUDGET: "FramesOverBudget",
}
"""Names of metrics. The others of those stored were analysed: a metric of their own would cost, and say no more."""


@dataclass(frozen=True, slots=True)
class Choice:
    """labels: of the frame it has them from; none where vision is asked, and where nobody looked."""

    analysis: Analysis
    labels: tuple[Label, ...] = ()


@dataclass(frozen=True, slots=True)
class AnalysisChooser:
    """at: now, which is when it would be paid."""

    site: SiteConfig
    budget: BudgetState
    at: datetime

    def referred(self, meta: FrameMeta) -> FrameMeta | None:
        """The frame whose labels this one may have, as a table asks for it. Its size is taken to be the same."""
        ref = trusted_reference(meta, self.site)
        if ref is None:
            return None
        return replace(meta, boot_id=ref.boot_id, seq=ref.seq, captured_at=ref.captured_at, hint=VisionHint())

    def to_read(self, metas: Iterable[FrameMeta]) -> list[FrameMeta]:
        """Them, and those that they refer to, each once."""
        wanted = {meta.frame_id: meta for meta in metas}
        for meta in list(wanted.values()):
            if (referred := self.referred(meta)) is not None:
                wanted.setdefault(referred.frame_id, referred)
        return list(wanted.values())

    def waits_for_one_of(self, meta: FrameMeta, frame_ids: Collection[str]) -> bool:
        referred = self.referred(meta)
        return referred is not None and referred.frame_id in frame_ids

    def choose(self, meta: FrameMeta, stored: Mapping[str, StoredFrame]) -> Choice:
        """stored: by frame id, those that are known to be stored."""
        source = self._source(meta, stored)
        step = self.budget.step_of(meta.camera_id, self.at)
        analysis = choose_analysis(meta, source.analysis if source else None, step, self.site)
        if source is None or analysis is not Analysis.INHERITED:
            return Choice(analysis)
        return Choice(analysis, tuple(label.to_domain() for label in source.labels))

    def _source(self, meta: FrameMeta, stored: Mapping[str, StoredFrame]) -> StoredFrame | None:
        referred = self.referred(meta)
        found = stored.get(referred.frame_id) if referred is not None else None
        # Captured at another time than the edge says: who knows which frame it means.
        return (
            found
            if found is not None and referred is not None and found.captured_at == referred.captured_at
            else None
        )
