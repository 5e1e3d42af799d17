"""Whether a frame shows so exactly what an earlier one showed that vision need not be asked a second time.

The gate's own small pictures are compared, as the gate compares them, but without making up for the light: in another
light a model may see something else. Strict on purpose: an analysis too many costs a tenth of a cent.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from edge_client.gate_model import Luma, Mask, Steps, difference, where

# What an earlier frame showed is taken over for so long and no longer: whoever was missed once is looked for again.
MOST_AGE_S = 600.0
# Of the small picture: 15 x 15 pixels of full HD. One pixel's noise averages out in it, and a far-off head does not.
_BLOCK_PX = (3, 3)
_OPEN = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3))


@dataclass(frozen=True, slots=True)
class Reference:
    """The last frame that was sent and repeated no other."""

    luma: Luma
    at_s: float

    def nearly_equals(self, seen: Luma, at_s: float, noise: Steps, active: Mask, least_px: int) -> bool:
        """noise: per pixel, the step up to which the gate sees nothing. active: the rest is what the gate ignores;
        there less than least_px may differ, so that a clock may go on and a car may not."""
        if not 0 <= at_s - self.at_s <= MOST_AGE_S:
            return False
        away = cv2.boxFilter(difference(seen, self.luma).astype(np.float32), -1, _BLOCK_PX)
        strange = where(np.asarray(away > noise))
        if cv2.countNonZero(cv2.bitwise_and(strange, active)):
            return False
        ignored = cv2.bitwise_and(strange, cv2.bitwise_not(active))
        return cv2.countNonZero(cv2.morphologyEx(ignored, cv2.MORPH_OPEN, _OPEN)) < least_px
