"""Pictures with matplotlib: planes of the image, charts, maps."""

from .benchmark_charts import draw_error, draw_time
from .distributions import plot_histogram, plot_margin, plot_margin_map
from .over_time import plot_course, plot_growth, plot_sensors
from .overlay import draw_overlay
from .planes import draw_planes, plot_slices
from .seen_overlay import draw_seen
from .tissue_map import draw_tissues
from .trade_off import TRADE_OFF_QUANTITIES, draw_plans, plot_trade_off

__all__ = [
    "TRADE_OFF_QUANTITIES",
    "draw_error",
    "draw_overlay",
    "draw_planes",
    "draw_plans",
    "draw_seen",
    "draw_time",
    "draw_tissues",
    "plot_course",
    "plot_growth",
    "plot_histogram",
    "plot_margin",
    "plot_margin_map",
    "plot_sensors",
    "plot_slices",
    "plot_trade_off",
]
