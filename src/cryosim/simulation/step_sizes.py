"""How long super steps are, and how many stages they take near ice and far from it."""

from __future__ import annotations

import math

from .settings import Settings

__all__ = ["proposed_step_s", "stages_of"]

# Soon after a switch a step is such a share of the time since, and no longer.
_EARLY_GROWTH = 0.25
_EARLY_STEP_S = 1.0

# What the stability of the super step and of the inner integration leave unused.
_RESERVE = 1.1

# An inner integration is longer than step / B by this, so that its mean rate is no stiffer than the
# super step can take: what RKL1 leaves of a mode is no less than -1/2, which counts as 1.5.
_LENGTHENING = 1.5

# With fewer stages a step would allow, the mean rates of the near zone are taken over too long a
# time: with five, a step has to be 0.6 times as long for the same error (measured on iceballs of 3
# to 340 ml, the worst in water with its sharp front).
_FEWEST_STAGES = 7


def proposed_step_s(settings: Settings, since_switch_s: float) -> float:
    """Return a super step that grows with the time since the last switch, within limits.

    The first second goes fast: what is wrong then is forgotten long before a minute is over
    (measured: isotherm volumes at 60 s do not change).
    """
    early = min(_EARLY_GROWTH * since_switch_s, _EARLY_STEP_S)
    wanted = max(settings.smallest_step_s, early, settings.growth * since_switch_s)
    return min(wanted, settings.largest_step_s)


def stages_of(step_s: float, far_rate: float, near_rate: float) -> tuple[int, float, int]:
    """Return the stages of a step, the time of each inner integration (s) and its stages.

    `far_rate` and `near_rate` bound the spectra of conduction, 1/s. RKL2 is stable while that times
    the step is at most B = (s^2 + s - 2) / 2, RKL1 to s^2 + s.
    """
    stiffness = _RESERVE * far_rate * step_s
    count = max(_FEWEST_STAGES, math.ceil((-1.0 + math.sqrt(9.0 + 8.0 * stiffness)) / 2.0))
    count += 1 - count % 2  # odd numbers damp stiff modes better
    seconds = _LENGTHENING * 2.0 * step_s / (count * count + count - 2)
    stiffness = _RESERVE * near_rate * seconds
    if stiffness <= _LENGTHENING:
        return count, seconds, 1  # the rate itself is not too stiff
    return count, seconds, max(2, math.ceil((-1.0 + math.sqrt(1.0 + 4.0 * stiffness)) / 2.0))
