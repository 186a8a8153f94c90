"""What a plan holds: one frozen model gives the file's schema, its checks and the Python type."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ..images import Position
from ..images.nifti import is_nifti_name
from ..probes import Minutes, Point

__all__ = [
    "ICE_C",
    "LETHAL_HOLD_S",
    "AnatomyPlan",
    "BodyPlan",
    "FlowStop",
    "Goal",
    "GridPlan",
    "OrganAtRisk",
    "PerfusionPlan",
    "Protection",
    "ReportPlan",
    "Section",
    "Sensor",
    "SkinPack",
    "Target",
]

Temperature = Annotated[float, Field(ge=-200, le=60, allow_inf_nan=False)]
Label = int | str

ICE_C = 0.0  # what CT shows as the edge of the ice, and what the 1 cm rule was stated for
LETHAL_HOLD_S = 60.0  # so long in total at or below the lethal isotherm kills


class Section(BaseModel):
    """A part of the plan file: frozen, and without keys that nobody knows."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class AnatomyPlan(Section):
    """Where the anatomy comes from: an image, labels, both, or a phantom.

    Attributes
    ----------
    image : NIfTI file or DICOM folder, relative to the plan file.
    modality : "ct" or "mr"; DICOM says it, for NIfTI it is guessed when not given.
    labels : NIfTI label map; optional for CT, and enough without an image.
    label_names : CSV with a name and an id per structure, where the label map has no names.
    tissues : label value or name to tissue name; "hu" lets the CT value decide. Label 0 is what
        has no label; where there is no CT, 0 = "gas" makes it room air around the body.
    tissue : one tissue for everything.
    body : value or name of the body in the label map, or a NIfTI mask file; by default it is found
        in a CT. What lies around it is taken as room air.
    position : how the patient lies in the procedure, "right lateral" on the right side; by default
        as the image's header says, or the table in it shows.
    phantom : name of a shipped phantom. size_mm : edge lengths of the phantom "uniform" (x, y, z).
    """

    image: str | None = None
    modality: Literal["ct", "mr"] | None = None
    labels: str | None = None
    label_names: str | None = None
    tissues: dict[str, str] = Field(default_factory=dict)
    tissue: str | None = None
    body: Label | None = None
    position: Position | None = None
    phantom: str | None = None
    size_mm: tuple[float, float, float] | None = None

    @property
    def body_mask(self) -> str | None:
        """The mask file that `body` names, where it is one."""
        named = self.body if isinstance(self.body, str) else ""
        return named if is_nifti_name(Path(named)) else None

    @model_validator(mode="after")
    def _one_origin(self) -> AnatomyPlan:
        if self.image is not None and self.phantom is not None:
            raise ValueError("give either image or phantom; found both")
        if self.image is None and self.phantom is None and self.labels is None:
            raise ValueError("give image, labels or phantom; found none of them")
        if self.modality is not None and self.image is None:
            raise ValueError("modality is that of an image; add image, or remove modality")
        if self.body is not None and (self.tissue is not None or self.phantom == "uniform"):
            raise ValueError("body does not go with one tissue for everything; remove one of them")
        if self.size_mm is not None:
            if self.phantom != "uniform":
                raise ValueError(
                    f"size_mm only goes with phantom = 'uniform', found '{self.phantom}'"
                )
            if not all(5 <= edge <= 1000 for edge in self.size_mm):
                raise ValueError(
                    f"size_mm = {list(self.size_mm)} must be three lengths of 5 to 1000 mm"
                )
        return self


def _check_shape(label: Label | None, mask: str | None) -> None:
    if label is None and mask is None:
        raise ValueError("give label or mask; both where the mask file holds several labels")


class Target(Section):
    """What is to be destroyed.

    Attributes
    ----------
    label : value or name in the label map; or mask : a NIfTI mask file, `label` then in it.
    margin_mm : how far the ice shall reach beyond it, everywhere.
    lethal_c : the temperature that kills.
    lethal_coverage : share of the volume that shall have been lethal.
    barriers : labels (value or name) or tissues of the library beyond which no margin is asked for,
        such as "bone-cortical".
    """

    label: Label | None = None
    mask: str | None = None
    margin_mm: Annotated[float, Field(ge=0, le=50)] = 10.0
    lethal_c: Annotated[float, Field(ge=-150, le=-5)] = -40.0
    lethal_coverage: Annotated[float, Field(gt=0, le=1)] = 0.99
    barriers: tuple[Label, ...] = ()

    @property
    def barrier_names(self) -> tuple[str, ...]:
        """What barriers are called in report and result."""
        return tuple(f"label {b}" if str(b).isdigit() else str(b) for b in self.barriers)

    @model_validator(mode="after")
    def _one_shape(self) -> Target:
        _check_shape(self.label, self.mask)
        if 0 < self.margin_mm < 0.5:
            raise ValueError(f"margin_mm = {self.margin_mm:g} is not millimeters; 1 cm is 10")
        if "target" in self.barriers or (self.mask is None and self.label in self.barriers):
            raise ValueError("barriers holds the target itself; remove it")
        return self


class OrganAtRisk(Section):
    """What is to be spared.

    Attributes
    ----------
    name : as it shall appear in the report.
    label : value or name in the label map; or mask : a NIfTI mask file, `label` then in it.
    min_temperature_c : no part may have been colder.
    min_ice_distance_mm : the ice edge shall stay at least this far away; no goal when not given.
    """

    name: str
    label: Label | None = None
    mask: str | None = None
    min_temperature_c: Temperature | None = None
    min_ice_distance_mm: Annotated[float, Field(ge=0, le=100)] | None = None

    @model_validator(mode="after")
    def _one_shape(self) -> OrganAtRisk:
        _check_shape(self.label, self.mask)
        if self.name == "target":
            raise ValueError("name = 'target' is taken; use another name")
        return self


_SKIN_DIES_C = -5.0  # melanocytes, see `Skin.source`


class Skin(OrganAtRisk):
    """The surface of the body where it meets room air: an organ at risk without being asked.

    Attributes
    ----------
    min_temperature_c : see `source`.
    given_up : why skin may freeze; the report repeats it, and there is no limit then.
    """

    source: ClassVar[str] = (
        "Limit of skin, 5 C: melanocytes die at -5 C (Gage and Baust, Cryobiology 1998;37:171); "
        "ten degrees of room are an assumption"
    )

    name: Literal["skin"] = "skin"
    min_temperature_c: Temperature | None = 5.0
    given_up: str | None = None

    @model_validator(mode="after")
    def _one_shape(self) -> Skin:
        if self.label is not None or self.mask is not None:
            raise ValueError(
                "skin is found in the CT; for a label or mask use [[organ_at_risk]] with "
                "name = 'skin'"
            )
        return self

    @model_validator(mode="after")
    def _is_not_given_up_silently(self) -> Skin:
        low = self.min_temperature_c
        if low is not None and low < _SKIN_DIES_C:
            raise ValueError(
                f"min_temperature_c = {low:g} is colder than {_SKIN_DIES_C:g} C, at which skin "
                "dies; say why it may with skin.given_up = 'reason'"
            )
        return self

    @property
    def judged(self) -> OrganAtRisk:
        """The same without limits where it is given up."""
        no_limits = {"min_temperature_c": None, "min_ice_distance_mm": None}
        return self if self.given_up is None else self.model_copy(update=no_limits)


class Goal(Section):
    """A limit on a number of the report.

    Attributes
    ----------
    metric : dotted path in report.json, for example "target.coverage.-20"; an organ at risk is
        named, as in "organs_at_risk.bowel.ice_distance_mm".
    at_least, at_most : the limit; one of them.
    """

    metric: str
    at_least: float | None = None
    at_most: float | None = None

    @model_validator(mode="after")
    def _one_limit(self) -> Goal:
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError("give either at_least or at_most")
        return self


class GridPlan(Section):
    """The simulation grid.

    Attributes
    ----------
    spacing_mm : edge of a voxel.
    padding_mm : room around target and active probe parts; the image may end earlier.
    """

    spacing_mm: Annotated[float, Field(ge=0.1, le=10)] = 1.0
    padding_mm: Annotated[float, Field(ge=5, le=300)] = 50.0


class FlowStop(Section):
    """Blood flow that is stopped for a time: a clamp, an embolization.

    Attributes
    ----------
    tissues : names of the library or of the plan, and with an organ the tumors that have its flow;
        every tissue when not given.
    minutes : (start, stop) of the procedure; throughout when not given.
    """

    tissues: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    minutes: tuple[Minutes, Minutes] | None = None

    @model_validator(mode="after")
    def _starts_before_it_ends(self) -> FlowStop:
        if self.minutes is not None and self.minutes[0] >= self.minutes[1]:
            raise ValueError(
                f"minutes = {list(self.minutes)}: give [start, stop] in minutes of the procedure, "
                "the stop later than the start"
            )
        return self


class PerfusionPlan(Section):
    """Blood flow.

    Attributes
    ----------
    scale : factor on every tissue's perfusion.
    stays_off_after_freezing : blood does not return to tissue that has been frozen.
    vessel_exchange_w_m2k : heat transfer from the blood of large vessels to their wall; without it
        the wall is held at the temperature of the blood.
    stopped : where and when there is no flow.
    """

    scale: Annotated[float, Field(ge=0, le=1000)] = 1.0
    stays_off_after_freezing: bool = True
    vessel_exchange_w_m2k: Annotated[float, Field(gt=0, le=1e5)] | None = None
    stopped: tuple[FlowStop, ...] = ()


class BodyPlan(Section):
    """The state before the first freeze and at the grid's outer faces.

    Attributes
    ----------
    temperature_c : everything starts at it, and held outer faces stay at it.
    outer_faces : "held" at that temperature, or "insulated".
    air_c : temperature of the room air around the patient in a CT.
    skin_to_air_w_m2k : heat transfer from skin to air; 10 is still air with radiation, more than
        100 a warm pack (with `air_c` at its temperature).
    """

    temperature_c: Annotated[float, Field(ge=0, le=45)] = 37.0
    outer_faces: Literal["held", "insulated"] = "held"
    air_c: Annotated[float, Field(ge=-20, le=60)] = 22.0
    skin_to_air_w_m2k: Annotated[float, Field(gt=0, le=10_000)] = 10.0


class Protection(Section):
    """Something put between ice and organ: injected gas, warmed saline; one of three shapes.

    Attributes
    ----------
    name : as it shall appear in the report.
    tissue : what fills it, of the library: "gas", "saline", ...
    center_mm, to_mm, radius_mm : a ball, or with `to_mm` a capsule from one point to the other.
    label : a value or name of the label map.
    beside, thickness_mm : a layer along an organ at risk, on the side of the target.
    temperature_c : at the start; body temperature when not given.
    held : fresh fluid flows in, so that it stays at `temperature_c`.
    """

    name: str = "protection"
    tissue: str
    center_mm: Point | None = None
    to_mm: Point | None = None
    radius_mm: Annotated[float, Field(gt=0, le=200)] | None = None
    label: Label | None = None
    beside: str | None = None
    thickness_mm: Annotated[float, Field(gt=0, le=100)] | None = None
    temperature_c: Annotated[float, Field(ge=0, le=60)] | None = None
    held: bool = False

    @model_validator(mode="after")
    def _one_shape(self) -> Protection:
        shapes = [self.center_mm is not None, self.label is not None, self.beside is not None]
        if sum(shapes) != 1:
            raise ValueError(
                f"protection '{self.name}': give one shape: center_mm with radius_mm, label, or "
                "beside with thickness_mm"
            )
        for key, partner in (
            ("center_mm", "radius_mm"),
            ("beside", "thickness_mm"),
        ):
            if (getattr(self, key) is None) != (getattr(self, partner) is None):
                raise ValueError(f"protection '{self.name}': {key} and {partner} go together")
        if self.to_mm is not None and self.center_mm is None:
            raise ValueError(f"protection '{self.name}': to_mm needs center_mm")
        if self.held and self.temperature_c is None:
            raise ValueError(f"protection '{self.name}': held needs temperature_c")
        return self


class SkinPack(Section):
    """A warm pack, or a glove with warm saline, on the skin of a CT.

    Attributes
    ----------
    center_mm, radius_mm : the ball within which air at the skin is replaced by the pack.
    temperature_c : of the pack. exchange_w_m2k : heat transfer to the skin.
    """

    center_mm: Point
    radius_mm: Annotated[float, Field(gt=0, le=300)]
    temperature_c: Annotated[float, Field(ge=0, le=60)] = 40.0
    exchange_w_m2k: Annotated[float, Field(gt=0, le=1e5)] = 100.0


class Sensor(Section):
    """A virtual thermometer: its curve is in report and result.

    Attributes
    ----------
    name : as it shall appear in the report. at_mm : LPS position.
    """

    name: str
    at_mm: Point


class ReportPlan(Section):
    """What the report lists.

    Attributes
    ----------
    isotherms_c : temperatures of the isotherms.
    times_s : times of rows in the timeline, besides the ends of the stages.
    """

    isotherms_c: Annotated[tuple[Temperature, ...], Field(min_length=1, max_length=12)] = (
        0.0,
        -20.0,
        -40.0,
    )
    times_s: tuple[Annotated[float, Field(gt=0, allow_inf_nan=False)], ...] = ()
