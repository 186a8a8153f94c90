"""What the command line says to shells."""

__all__ = ["BAD_INPUT", "GOALS_MET", "GOAL_FAILED"]

GOALS_MET, GOAL_FAILED, BAD_INPUT = 0, 1, 2
