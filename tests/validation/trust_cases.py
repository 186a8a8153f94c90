"""Published ice in animals and patients: set-ups and sizes, as far as they are stated."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

__all__ = ["PUBLISHED", "Published", "Size"]

Which = Literal["width", "largest width", "length"]


@dataclass(frozen=True)
class Size:
    """A size of an isotherm, at the coldest that was reached.

    Attributes
    ----------
    measured_mm, spread_mm : as published; one standard deviation, None where not stated.
    isotherm_c : the edge of visible ice is 0 C.
    which : across the probes (mean of both directions), the larger of both, or along them.
    calibrates : whether a default was found from this size, or from another of the same animals.
    """

    measured_mm: float
    spread_mm: float | None = None
    isotherm_c: float = 0.0
    which: Which = "width"
    calibrates: bool = False


@dataclass(frozen=True)
class Published:
    """A published freeze.

    Attributes
    ----------
    name : unique. source : where it was read.
    tissue, model : of the library and the catalog. positions_mm : (x, y) of parallel probes.
    protocol : in the words of plans. sizes : what was measured.
    assumed : what had to be chosen where the publication is silent.
    start_c : of tissue and blood. clamped : without blood flow.
    depth_mm : how far the tip is in the organ, gas above it; None: the active part wholly inside.
    active_length_mm : where it is not the catalog's.
    chosen_with : whether it was in view when a flow was chosen; it counts, and is also left out.
    not_stated : what its set-up lacks, so that it does not count.
    box_mm, spacing_mm : of the simulation.
    """

    name: str
    source: str
    tissue: str
    model: str
    positions_mm: tuple[tuple[float, float], ...]
    protocol: str
    sizes: tuple[Size, ...]
    assumed: str = ""
    start_c: float = 37.0
    clamped: bool = False
    depth_mm: float | None = None
    active_length_mm: float | None = None
    chosen_with: bool = False
    not_stated: str = ""
    box_mm: tuple[float, float, float] = (90.0, 90.0, 100.0)
    spacing_mm: float = 2.0


ALONE = ((0.0, 0.0),)
LARGE, SMALL = (120.0, 120.0, 130.0), (72.0, 72.0, 84.0)
TEN_EIGHT_TEN = "freeze 10 min; thaw 8 min active; freeze 10 min"


def _pair(apart_mm: float) -> tuple[tuple[float, float], ...]:
    return ((-apart_mm / 2, 0.0), (apart_mm / 2, 0.0))


def _triangle(apart_mm: float) -> tuple[tuple[float, float], ...]:
    middle = apart_mm / (2 * math.sqrt(3))
    return ((0.0, 2 * middle), (-apart_mm / 2, -middle), (apart_mm / 2, -middle))


_SWINE_2018 = (
    "two probes, Cardiovasc Intervent Radiol 2018, doi:10.1007/s00270-018-1950-z, and Society of "
    "Interventional Radiology, abstract 344"
)
_SWINE_ASSUMED = "17G needles 15 mm apart and 30 mm active assumed: gauge and spacing not stated."
_SEIFERT = (
    "A pig model of hepatic cryotherapy, in vivo temperature distribution during freezing, 2003, "
    "https://www.acemap.info/paper/480340255 (abstract)"
)
_SEIFERT_ASSUMED = "40 mm active assumed."
_LANDMAN = (
    "Collyer, Landman et al., Enhanced renal cryoablation with hilar clamping and intrarenal "
    "cooling in a porcine model, 2004, "
    "https://profiles.wustl.edu/en/publications/enhanced-renal-cryoablation-with-hilar-clamping-"
    "and-intrarenal-co (abstract)"
)
_LANDMAN_ASSUMED = "Inserted 10 mm deep, gas above the kidney; thaw of 5 min assumed."
_LANDMAN_PROTOCOL = "freeze 8 min; thaw 5 min; freeze 8 min"
_VISICA = "nitrogen needle, https://pmc.ncbi.nlm.nih.gov/articles/PMC7798152 (abstract)"
_VISICA_ASSUMED = "Lesion after 3 days taken as -20 C; freezing without a pause assumed."
_JUROL = "three 17G needles in a triangle, J Urol 2008;179:333, doi:10.1016/j.juro.2007.08.089"
_JUROL_ASSUMED = (
    "Necrosis after 2 weeks taken as -20 C, its two larger diameters as width; 10-8-10 min assumed."
)

PUBLISHED: tuple[Published, ...] = (
    Published(
        "Swine liver, 2.4 mm: one probe",
        "Lee et al., Hepatic cryosurgery via minilaparotomy in a porcine model, "
        "https://www.scholars.northwestern.edu/en/publications/hepatic-cryosurgery-via-"
        "minilaparotomy-in-a-porcine-model-an-alte (abstract)",
        "liver", "argon-2.4", ALONE, "freeze 15 min", (Size(30.0),),
    ),
    Published(
        "Swine liver, 2.4 mm: two probes",
        "Lee et al., Hepatic cryosurgery via minilaparotomy in a porcine model, "
        "https://www.scholars.northwestern.edu/en/publications/hepatic-cryosurgery-via-"
        "minilaparotomy-in-a-porcine-model-an-alte (abstract)",
        "liver", "argon-2.4", _pair(7.0), "freeze 15 min", (Size(33.0),),
        "At both sides of the target of 7 mm assumed.",
    ),
    Published(
        "Swine liver, 2.4 mm: two, by CT",
        "Lee et al., CT-monitored percutaneous cryoablation in a pig liver model, Radiology "
        "1999;211:687, PMID 10352592 (abstract): margin of 17 mm beyond a balloon of 9 mm",
        "liver", "argon-2.4", _pair(12.0), "freeze 17.5 min", (Size(43.0, which="largest width"),),
        "15 to 20 min; 12 mm apart at both sides of the balloon assumed.",
    ),
    Published(
        "Swine liver 2018: 15 min", _SWINE_2018, "liver", "argon-17g", _pair(15.0),
        "freeze 15 min",
        (Size(43.0, 2.8, which="largest width", calibrates=True), Size(68.5, 4.9, which="length")),
        _SWINE_ASSUMED,
    ),
    Published(
        "Swine liver 2018: 10-8-10", _SWINE_2018, "liver", "argon-17g", _pair(15.0),
        TEN_EIGHT_TEN,
        (Size(45.0, 3.0, which="largest width", calibrates=True), Size(65.5, 5.5, which="length")),
        _SWINE_ASSUMED,
    ),
    Published(
        "Swine kidney 2018: 15 min", _SWINE_2018, "kidney", "argon-17g", _pair(15.0),
        "freeze 15 min",
        (Size(40.0, 4.4, which="largest width", calibrates=True), Size(49.6, 3.2, which="length")),
        _SWINE_ASSUMED,
    ),
    Published(
        "Swine kidney 2018: 10-8-10", _SWINE_2018, "kidney", "argon-17g", _pair(15.0),
        TEN_EIGHT_TEN,
        (Size(39.5, 1.7, which="largest width", calibrates=True), Size(50.0, 7.5, which="length")),
        _SWINE_ASSUMED,
    ),
    Published(
        "Swine liver, 8 mm nitrogen: 20 min", _SEIFERT, "liver", "nitrogen-8", ALONE,
        "freeze 20 min", (Size(59.0), Size(37.0, isotherm_c=-38.0)), _SEIFERT_ASSUMED,
        box_mm=LARGE,
    ),
    Published(
        "Swine liver, 8 mm nitrogen: 40 min", _SEIFERT, "liver", "nitrogen-8", ALONE,
        "freeze 40 min", (Size(75.0), Size(46.0, isotherm_c=-38.0)), _SEIFERT_ASSUMED,
        box_mm=LARGE,
    ),
    Published(
        "Swine liver, 8 mm nitrogen: twice 20 min", _SEIFERT, "liver", "nitrogen-8", ALONE,
        "freeze 20 min; thaw 15 min; freeze 20 min", (Size(78.0), Size(46.0, isotherm_c=-38.0)),
        "40 mm active and a thaw of 15 min assumed.", box_mm=LARGE,
    ),
    Published(
        "Swine liver, 8 mm nitrogen: clamped", _SEIFERT, "liver", "nitrogen-8", ALONE,
        "freeze 20 min", (Size(75.0), Size(46.0, isotherm_c=-38.0)), _SEIFERT_ASSUMED,
        clamped=True, box_mm=LARGE,
    ),
    Published(
        "Swine kidney, 3.4 mm: open", _LANDMAN, "kidney", "argon-3.4", ALONE, _LANDMAN_PROTOCOL,
        (Size(28.7),), _LANDMAN_ASSUMED, depth_mm=10.0, box_mm=(80.0, 80.0, 80.0),
        chosen_with=True,
    ),
    Published(
        "Swine kidney, 3.4 mm: clamped", _LANDMAN, "kidney", "argon-3.4", ALONE, _LANDMAN_PROTOCOL,
        (Size(37.6),), _LANDMAN_ASSUMED, clamped=True, depth_mm=10.0, box_mm=(80.0, 80.0, 80.0),

    ),
    Published(
        "Swine kidney, 3.4 mm: clamped and cooled", _LANDMAN, "kidney", "argon-3.4", ALONE,
        _LANDMAN_PROTOCOL, (Size(40.4),), _LANDMAN_ASSUMED, start_c=24.8, clamped=True,
        depth_mm=10.0, box_mm=(80.0, 80.0, 80.0),
    ),
    Published(
        "Swine kidney, 3 mm",
        "Effects of cryoablation on short-term development of urinary fistulas in the porcine "
        "kidney, https://scilit.com/publications/a4f9a154d3f5394b4705132141e29786 (abstract)",
        "kidney", "argon-3.0", ALONE, "freeze 5 min", (Size(22.5, 2.5),),
        "4 to 6 min, ended when the ice was 20 mm wide; 20 to 25 mm in the end.",
        box_mm=SMALL,
        chosen_with=True,
    ),
    Published(
        "Swine liver, 3.4 mm nitrogen: 4 min", _VISICA, "liver", "nitrogen-3.4", ALONE,
        "freeze 4 min", (Size(17.0, 3.0, isotherm_c=-20.0), Size(38.0, 15.0, -20.0, "length")),
        _VISICA_ASSUMED, box_mm=SMALL,
    ),
    Published(
        "Swine kidney, 3.4 mm nitrogen: 4 min", _VISICA, "kidney", "nitrogen-3.4", ALONE,
        "freeze 4 min", (Size(18.5, 4.0, isotherm_c=-20.0), Size(30.0, 5.0, -20.0, "length")),
        _VISICA_ASSUMED + " Mean of 20 and 17 mm.", box_mm=SMALL,
        chosen_with=True,
    ),
    Published(
        "Swine kidney, 3.4 mm nitrogen: 12 min", _VISICA, "kidney", "nitrogen-3.4", ALONE,
        "freeze 12 min", (Size(25.0, 7.0, isotherm_c=-20.0), Size(32.0, 5.0, -20.0, "length")),
        _VISICA_ASSUMED + " Mean of 31 and 19 mm.", box_mm=(80.0, 80.0, 90.0),
        chosen_with=True,
    ),
    Published(
        "Swine neck, 3.4 mm nitrogen: 4 min", _VISICA, "muscle", "nitrogen-3.4", ALONE,
        "freeze 4 min", (Size(18.0, 4.0, isotherm_c=-20.0), Size(33.0, 8.0, -20.0, "length")),
        _VISICA_ASSUMED + " Fibro-fatty tissue taken as muscle; fat gives 2 mm less.",
        box_mm=SMALL,
    ),
    Published(
        "Swine lung, 2.4 mm",
        "Hinshaw et al., J Vasc Interv Radiol 2010, https://www.sparrho.com/item/temperature-"
        "isotherms-during-pulmonary-cryoablation-and-their-correlation-with-the-zone-of-ablation/"
        "45346c/ (abstract)",
        "lung", "argon-2.4", ALONE, "freeze 10 min; thaw 5 min; freeze 10 min",
        (
            Size(31.0, 2.0, calibrates=True),
            Size(23.0, 3.0, isotherm_c=-20.0),
            Size(18.0, 4.0, isotherm_c=-40.0),
        ),
        "Thaw of 5 min assumed.",
    ),
    Published(
        "Lung of 52 patients, IceSphere",
        "Cryoablation-Dosimetry, data/cohort_geometry.csv (2026), "
        "https://github.com/armansarshoghi/Cryoablation-Dosimetry",
        "lung", "icesphere-1.5", ALONE,
        "freeze 3 min; thaw 3 min; freeze 7 min; thaw 4 min; freeze 10 min",
        (Size(16.0, 2.9, isotherm_c=-20.0), Size(25.35, 3.2, -20.0, "length")),
        "Lesion taken as -20 C; flooded from the start.", box_mm=(80.0, 80.0, 90.0),

    ),
    *(
        Published(
            f"Swine kidney, three 17G: {apart:g} mm apart", _JUROL, "kidney", "argon-17g",
            _triangle(apart), TEN_EIGHT_TEN, (Size(size, isotherm_c=-20.0),), _JUROL_ASSUMED,
            not_stated="freezing time",
        )
        for apart, size in ((10.0, 44.0), (15.0, 45.0), (20.0, 42.5))
    ),
)  # fmt: skip
