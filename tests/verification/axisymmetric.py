"""One freezing probe in a uniform medium: an axisymmetric solution without any of cryosim's code.

The voxel code is checked against it in media and with probes other than the two published
references. The probe is a capsule: a hemispherical tip, a cylinder that freezes up to the active
length (measured from the tip), and above that an insulated shaft without end.

The grid is fitted to the probe instead of cutting it out of an (r, z) grid. Below the center of
the tip the cells are those of spherical coordinates about that center, above it those of
cylindrical coordinates; the radius is the same coordinate in both, so that the two patches meet
face to face on the plane through the center. The surface of the probe is a grid line everywhere,
no cell is cut, and the two-point fluxes are orthogonal to every face:

- ``row``: a range of polar angle (tip patch, from the axis up) or of height (shaft patch);
- ``column``: a range of radius, from the surface of the probe outward.

The model is Pennes' equation in enthalpy form, dH/dt = div grad(phi) + perfusion, where phi is the
Kirchhoff potential, the integral of the conductivity over temperature. H, phi and the perfusion
are exact functions of temperature, steps are the implicit BDF2 (backward Euler after a switch),
and every step is solved for H by Newton's method. Everything inside is in SI units.

Run this file to rewrite ``axisymmetric_references.json`` beside it.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import make_interp_spline
from scipy.sparse import coo_array, csc_array
from scipy.sparse.linalg import splu

FloatArray = NDArray[np.float64]

KELVIN = 273.15
ICE_REFERENCE_K = 233.15  # -40 °C, where the frozen values of the ice law are given

COLDEST_C = -250.0  # below any probe; iterates of Newton's method are kept above it

BOUNDARY_M = 75e-3  # from the surface of the probe, the tip and the top of the active part
FIRST_STEP_S = 0.05
LONGEST_STEP_S = 2.0
STEP_GROWTH = 1.08
NEWTON_TOLERANCE = 1e-6  # of the latent heat
NEWTON_ITERATIONS = 20
SUBROWS = 4  # rows interpolated in each row when volumes are measured


@dataclass(frozen=True)
class Medium:
    """Uniform tissue or gel.

    Parameters
    ----------
    k_unfrozen_w_mk, k_frozen_w_mk : float
        Conductivity above the liquidus and below the solidus, W/(m K).
    rho_c_unfrozen_j_m3k, rho_c_frozen_j_m3k : float
        Heat capacity per volume there, J/(m³ K).
    latent_heat_j_m3 : float
        Latent heat, spread evenly over the mushy range, J/m³.
    solidus_c, liquidus_c : float
        Ends of the mushy range, °C.
    perfusion_1_s : float
        Blood volume per tissue volume and second, 1/s; it scales with the liquid fraction.
    rho_c_blood_j_m3k : float
        Heat capacity of blood per volume, J/(m³ K).
    arterial_c : float
        Temperature at which blood arrives, °C.
    ice_law : bool
        Frozen properties vary with temperature as those of ice do; the two frozen values are then
        those at -40 °C.
    """

    k_unfrozen_w_mk: float
    k_frozen_w_mk: float
    rho_c_unfrozen_j_m3k: float
    rho_c_frozen_j_m3k: float
    latent_heat_j_m3: float
    solidus_c: float
    liquidus_c: float
    perfusion_1_s: float = 0.0
    rho_c_blood_j_m3k: float = 3.79694575e6
    arterial_c: float = 37.0
    ice_law: bool = False

    @cached_property
    def k_solidus_w_mk(self) -> float:
        """Conductivity just below the solidus, W/(m K)."""
        if not self.ice_law:
            return self.k_frozen_w_mk
        return self.k_frozen_w_mk * ICE_REFERENCE_K / (self.solidus_c + KELVIN)

    @cached_property
    def rho_c_law(self) -> tuple[float, float]:
        """Frozen heat capacity at the solidus, J/(m³ K), and its slope, J/(m³ K²)."""
        if not self.ice_law:
            return self.rho_c_frozen_j_m3k, 0.0
        scale = self.rho_c_frozen_j_m3k / (152.5 + 7.122 * ICE_REFERENCE_K)
        return scale * (152.5 + 7.122 * (self.solidus_c + KELVIN)), scale * 7.122

    @cached_property
    def rho_c_mushy_j_m3k(self) -> float:
        """Apparent heat capacity of the mushy range, J/(m³ K)."""
        sensible = (self.rho_c_law[0] + self.rho_c_unfrozen_j_m3k) / 2
        return sensible + self.latent_heat_j_m3 / (self.liquidus_c - self.solidus_c)

    def enthalpy(self, temperature_c: FloatArray) -> FloatArray:
        """Enthalpy above that of the solidus, J/m³, at temperatures in °C."""
        above = temperature_c - self.solidus_c
        mushy_k = self.liquidus_c - self.solidus_c
        at_solidus, slope = self.rho_c_law
        frozen = np.minimum(above, 0)
        return (
            (at_solidus + slope * frozen / 2) * frozen
            + self.rho_c_mushy_j_m3k * np.clip(above, 0, mushy_k)
            + self.rho_c_unfrozen_j_m3k * np.maximum(above - mushy_k, 0)
        )

    def temperature(self, enthalpy_j_m3: FloatArray) -> FloatArray:
        """Temperature, °C, at an enthalpy in J/m³: the exact inverse of `enthalpy`."""
        at_solidus, slope = self.rho_c_law
        mushy_j_m3 = self.rho_c_mushy_j_m3k * (self.liquidus_c - self.solidus_c)
        frozen = np.minimum(enthalpy_j_m3, 0)
        # root of the quadratic in the form that survives a slope of zero
        root = np.sqrt(at_solidus**2 + 2 * slope * frozen)
        return (
            self.solidus_c
            + 2 * frozen / (at_solidus + root)
            + np.clip(enthalpy_j_m3, 0, mushy_j_m3) / self.rho_c_mushy_j_m3k
            + np.maximum(enthalpy_j_m3 - mushy_j_m3, 0) / self.rho_c_unfrozen_j_m3k
        )

    def heat_capacity(self, temperature_c: FloatArray) -> FloatArray:
        """Derivative of the enthalpy, J/(m³ K), at temperatures in °C."""
        at_solidus, slope = self.rho_c_law
        frozen = at_solidus + slope * (temperature_c - self.solidus_c)
        thawing = np.where(
            temperature_c < self.liquidus_c, self.rho_c_mushy_j_m3k, self.rho_c_unfrozen_j_m3k
        )
        return np.where(temperature_c < self.solidus_c, frozen, thawing)

    def conductivity(self, temperature_c: FloatArray) -> FloatArray:
        """Conductivity, W/(m K), at temperatures in °C."""
        frozen = np.full_like(temperature_c, self.k_solidus_w_mk)
        if self.ice_law:
            frozen *= (self.solidus_c + KELVIN) / (temperature_c + KELVIN)
        fraction = self.liquid_fraction(temperature_c)
        thawing = self.k_solidus_w_mk + fraction * (self.k_unfrozen_w_mk - self.k_solidus_w_mk)
        return np.where(temperature_c < self.solidus_c, frozen, thawing)

    def potential(self, temperature_c: FloatArray) -> FloatArray:
        """Integral of the conductivity from the solidus, W/m, to temperatures in °C."""
        above = temperature_c - self.solidus_c
        mushy_k = self.liquidus_c - self.solidus_c
        frozen = np.minimum(above, 0)
        if self.ice_law:
            solidus_k = self.solidus_c + KELVIN
            frozen = solidus_k * np.log1p(frozen / solidus_k)
        mushy = np.clip(above, 0, mushy_k)
        slope = (self.k_unfrozen_w_mk - self.k_solidus_w_mk) / mushy_k
        return (
            self.k_solidus_w_mk * frozen
            + (self.k_solidus_w_mk + slope * mushy / 2) * mushy
            + self.k_unfrozen_w_mk * np.maximum(above - mushy_k, 0)
        )

    def liquid_fraction(self, temperature_c: FloatArray) -> FloatArray:
        """Part of the tissue water that is liquid, at temperatures in °C."""
        return np.clip((temperature_c - self.solidus_c) / (self.liquidus_c - self.solidus_c), 0, 1)

    def perfusion(self, temperature_c: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Heat that blood brings, W/m³, and its derivative, W/(m³ K), at temperatures in °C."""
        scale = self.perfusion_1_s * self.rho_c_blood_j_m3k
        fraction = self.liquid_fraction(temperature_c)
        mushy = (temperature_c >= self.solidus_c) & (temperature_c < self.liquidus_c)
        growth = np.where(mushy, 1 / (self.liquidus_c - self.solidus_c), 0)
        deficit = self.arterial_c - temperature_c
        return scale * fraction * deficit, scale * (growth * deficit - fraction)


@dataclass(frozen=True)
class Needle:
    """Capsule-shaped probe.

    Parameters
    ----------
    diameter_mm : float
        Diameter of tip, active part and shaft, mm.
    active_length_mm : float
        Length that freezes, from the very tip, mm.
    surface_c : float
        Temperature of that surface during a freeze, °C.
    """

    diameter_mm: float
    active_length_mm: float
    surface_c: float


@dataclass(frozen=True)
class Grid:
    """Cells around one probe: rows along the probe, columns outward; lengths in m.

    Parameters
    ----------
    radius : FloatArray
        Edges of the columns, from the surface of the probe to the outer boundary.
    angle : FloatArray
        Edges of the rows of the tip patch, rad: 0 on the axis below the tip, pi/2 at its center.
    height : FloatArray
        Edges of the rows of the shaft patch, above the center of the tip; one is where the active
        part ends.
    active_rows : int
        Rows that border the active surface, those of the tip included.
    """

    radius: FloatArray
    angle: FloatArray
    height: FloatArray
    active_rows: int

    @cached_property
    def radius_mid(self) -> FloatArray:
        """Nodes of the columns, m."""
        return (self.radius[1:] + self.radius[:-1]) / 2

    @cached_property
    def angle_mid(self) -> FloatArray:
        """Nodes of the rows of the tip patch, rad."""
        return (self.angle[1:] + self.angle[:-1]) / 2

    @cached_property
    def height_mid(self) -> FloatArray:
        """Nodes of the rows of the shaft patch, m."""
        return (self.height[1:] + self.height[:-1]) / 2

    @cached_property
    def solid_angle(self) -> FloatArray:
        """Solid angle of the rows of the tip patch, sr."""
        return 2 * np.pi * -np.diff(np.cos(self.angle))

    @cached_property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.angle_mid.size + self.height_mid.size, self.radius_mid.size

    def volumes(self) -> FloatArray:
        """Volumes of the cells, m³, in an array of rows and columns."""
        tip = np.outer(self.solid_angle, np.diff(self.radius**3) / 3)
        shaft = np.outer(np.diff(self.height), np.pi * np.diff(self.radius**2))
        return np.vstack([tip, shaft])

    def outward(self) -> FloatArray:
        """Conductances between columns per conductivity, m; the first and last are to the borders.

        They are those of a spherical and a cylindrical shell between two radii, exact for a steady
        flow: the steep profile next to a thin probe costs no accuracy.
        """
        nodes = np.concatenate([self.radius[:1], self.radius_mid, self.radius[-1:]])
        tip = np.outer(self.solid_angle, 1 / -np.diff(1 / nodes))
        shaft = np.outer(np.diff(self.height), 2 * np.pi / np.diff(np.log(nodes)))
        return np.vstack([tip, shaft])

    def along(self) -> FloatArray:
        """Conductances between rows per conductivity, m; the last is to the border at the top.

        On a cone of the tip patch the area, 2 pi r sin(angle) dr, over the distance, r d(angle),
        does not depend on the radius.
        """
        width = 2 * np.pi * np.diff(self.radius)
        tip = np.outer(np.sin(self.angle[1:-1]) / np.diff(self.angle_mid), width)
        area = np.pi * np.diff(self.radius**2)
        half_tip = (self.angle[-1] - self.angle_mid[-1]) / width
        half_shaft = self.height_mid[0] / area
        distances = np.diff(self.height_mid, append=self.height[-1])
        return np.vstack([tip, 1 / (half_tip + half_shaft), np.outer(1 / distances, area)])


def edges_by_spacing(length: float, spacing: Callable[[FloatArray], FloatArray]) -> FloatArray:
    """Cell edges from 0 to a length, as far apart as a function of position wants them, m."""
    position = np.linspace(0, length, 20001)
    density = 1 / spacing(position)
    count = np.concatenate([[0], np.cumsum((density[1:] + density[:-1]) / 2 * np.diff(position))])
    cells = max(round(count[-1]), 4)
    edges = np.interp(np.linspace(0, count[-1], cells + 1), count, position)
    edges[0], edges[-1] = 0, length
    return edges


def build_grid(needle: Needle, fineness: float = 1.0) -> Grid:
    """Lay the grid around a probe.

    Parameters
    ----------
    needle : Needle
        The probe.
    fineness : float
        Divides all spacings: 1 makes about 15 000 cells, 2 four times as many.

    Returns
    -------
    Grid
        Outward 0.1 mm at the surface, 0.2 mm up to 20 mm from it and growing geometrically
        beyond: it is across the front that cells must be thin. Along the probe 0.12 mm where the
        active part ends (the flux is singular there), up to 0.9 mm elsewhere.
    """
    tip_m = needle.diameter_mm / 2 * 1e-3
    active_m = needle.active_length_mm * 1e-3 - tip_m

    def outward(x: FloatArray) -> FloatArray:
        near = np.minimum(1.0e-4 + 0.05 * x, 2.0e-4)
        return (near + 0.08 * np.maximum(x - 20e-3, 0)) / fineness

    def active(x: FloatArray) -> FloatArray:
        ends = np.minimum(3.0e-4 + 0.1 * x, 1.2e-4 + 0.1 * (active_m - x))
        return np.minimum(ends, 9e-4) / fineness

    def shaft(x: FloatArray) -> FloatArray:
        near = np.minimum(1.2e-4 + 0.1 * x, 9e-4)
        return (near + 0.2 * np.maximum(x - 20e-3, 0)) / fineness

    angle = np.linspace(0, np.pi / 2, round(22 * fineness) + 1)
    below = edges_by_spacing(active_m, active)
    above = active_m + edges_by_spacing(BOUNDARY_M, shaft)
    return Grid(
        radius=tip_m + edges_by_spacing(BOUNDARY_M, outward),
        angle=angle,
        height=np.concatenate([below, above[1:]]),
        active_rows=angle.size - 1 + below.size - 1,
    )


@dataclass(frozen=True)
class Conduction:
    """Exchange of heat between cells and with the borders, per conductivity, in m.

    Parameters
    ----------
    volume : FloatArray
        Volumes of the cells, m³.
    matrix : csc_array
        Times the potentials of the cells: what leaves each cell, the borders at zero.
    diagonal : NDArray[np.int64]
        Where the diagonal of the matrix is in its data.
    probe, far : FloatArray
        Conductances from each cell to the active surface and to the outer boundary.
    """

    volume: FloatArray
    matrix: csc_array
    diagonal: NDArray[np.int64]
    probe: FloatArray
    far: FloatArray


def assemble(grid: Grid, freezing: bool) -> Conduction:
    """Turn a grid into a matrix, with the active surface cold or insulated."""
    cells = np.arange(grid.shape[0] * grid.shape[1]).reshape(grid.shape)
    outward, along = grid.outward(), grid.along()
    probe, far = np.zeros(grid.shape), np.zeros(grid.shape)
    if freezing:
        probe[: grid.active_rows, 0] = outward[: grid.active_rows, 0]
    far[:, -1] += outward[:, -1]
    far[-1, :] += along[-1]
    one = np.concatenate([cells[:, :-1].ravel(), cells[:-1].ravel()])
    other = np.concatenate([cells[:, 1:].ravel(), cells[1:].ravel()])
    between = np.concatenate([outward[:, 1:-1].ravel(), along[:-1].ravel()])
    border = (probe + far).ravel()
    entries = np.concatenate([-between, -between, between, between, border])
    rows = np.concatenate([one, other, one, other, cells.ravel()])
    columns = np.concatenate([other, one, one, other, cells.ravel()])
    matrix = csc_array(coo_array((entries, (rows, columns))))
    matrix.sort_indices()
    column_of = np.repeat(np.arange(cells.size), np.diff(matrix.indptr))
    diagonal = np.flatnonzero(matrix.indices == column_of)
    return Conduction(grid.volumes().ravel(), matrix, diagonal, probe.ravel(), far.ravel())


class NotConvergedError(RuntimeError):
    """Newton's method did not converge in a step."""


def implicit_step(
    medium: Medium,
    conduction: Conduction,
    inflow_w: FloatArray,
    known: FloatArray,
    step_s: float,
    guess: FloatArray,
) -> FloatArray:
    """Solve H - step dH/dt(H) = known for the enthalpy H.

    Parameters
    ----------
    medium : Medium
        What the cells are filled with.
    conduction : Conduction
        Exchange between cells and with the borders.
    inflow_w : FloatArray
        Conductances to the borders times the potentials there, W.
    known : FloatArray
        Right-hand side, J/m³.
    step_s : float
        Step that multiplies the implicit rate, s.
    guess : FloatArray
        Where to start, J/m³.

    Returns
    -------
    FloatArray
        Enthalpies, J/m³.
    """
    volume, matrix = conduction.volume, conduction.matrix
    floor = medium.enthalpy(np.array(COLDEST_C))
    enthalpy = guess
    for _ in range(NEWTON_ITERATIONS):
        enthalpy = np.maximum(enthalpy, floor)
        temperature = medium.temperature(enthalpy)
        source, source_slope = medium.perfusion(temperature)
        capacity = medium.heat_capacity(temperature)
        outflow = matrix @ medium.potential(temperature) - inflow_w - volume * source
        residual = volume * (enthalpy - known) + step_s * outflow
        # Jacobian: scale the columns by d(potential)/dH, then add to the diagonal
        mobility = step_s * medium.conductivity(temperature) / capacity
        entries = matrix.data * np.repeat(mobility, np.diff(matrix.indptr))
        entries[conduction.diagonal] += volume * (1 - step_s * source_slope / capacity)
        jacobian = csc_array((entries, matrix.indices, matrix.indptr), shape=matrix.shape)
        # columns are diagonally dominant, so that elimination needs no pivoting
        factors = splu(
            jacobian,
            permc_spec="MMD_AT_PLUS_A",
            diag_pivot_thresh=0.0,
            options={"SymmetricMode": True},
        )
        change = factors.solve(residual)
        enthalpy = enthalpy - change
        if np.max(np.abs(change)) < NEWTON_TOLERANCE * medium.latent_heat_j_m3:
            return enthalpy
    raise NotConvergedError


class Stage:
    """A freeze or a passive thaw under way: the field, its past and the size of the steps.

    Parameters
    ----------
    medium, needle, grid
        What is computed.
    start_c : float
        Temperature of the outer boundary, °C.
    freezing : bool
        Whether the active surface is cold; otherwise it is insulated.
    enthalpy : FloatArray
        The field to begin with, J/m³.
    longest_step_s : float
        What steps grow to, s.
    """

    def __init__(
        self,
        medium: Medium,
        needle: Needle,
        grid: Grid,
        start_c: float,
        freezing: bool,
        enthalpy: FloatArray,
        longest_step_s: float,
    ) -> None:
        self.medium = medium
        self.conduction = assemble(grid, freezing)
        surface, far = medium.potential(np.array([needle.surface_c, start_c]))
        self.inflow_w = self.conduction.probe * surface + self.conduction.far * far
        self.enthalpy = enthalpy
        self.longest_step_s = longest_step_s
        self._next_step_s = FIRST_STEP_S
        self._before: FloatArray | None = None  # the field one step ago
        self._last_step_s = 0.0

    def advance(self, duration_s: float) -> None:
        """Take steps that end exactly after a duration, s."""
        remaining_s = duration_s
        while remaining_s > 1e-9 * duration_s:
            # equal steps to the end rather than a stub before it
            step_s = remaining_s / np.ceil(remaining_s / self._next_step_s - 1e-9)
            try:
                self._take(step_s)
            except NotConvergedError:
                self._next_step_s = step_s / 2
                continue
            remaining_s -= step_s
            self._next_step_s = min(STEP_GROWTH * step_s, self.longest_step_s)

    def _take(self, step_s: float) -> None:
        """One step of BDF2, or of backward Euler where there is no past, s."""
        known, implicit_s, guess = self.enthalpy, step_s, self.enthalpy
        if self._before is not None:
            ratio = step_s / self._last_step_s
            leading = (1 + 2 * ratio) / (1 + ratio)
            past = ratio**2 / (1 + ratio) * self._before
            known = ((1 + ratio) * self.enthalpy - past) / leading
            implicit_s = step_s / leading
            guess = self.enthalpy + ratio * (self.enthalpy - self._before)
        solution = implicit_step(
            self.medium, self.conduction, self.inflow_w, known, implicit_s, guess
        )
        self._before, self.enthalpy, self._last_step_s = self.enthalpy, solution, step_s


def colder_measure(
    radii: FloatArray, profiles: FloatArray, isotherm_c: float, power: int
) -> FloatArray:
    """Integral of r^(power - 1) dr over the radii colder than an isotherm, one for each row.

    Parameters
    ----------
    radii : FloatArray
        Nodes, m.
    profiles : FloatArray
        Temperatures, °C: a row for each profile, linear between the nodes.
    isotherm_c : float
        The isotherm, °C.
    power : int
        2 for a plane section, 3 for a cone.

    Returns
    -------
    FloatArray
        The integrals, m to that power.
    """
    start, end = profiles[:, :-1], profiles[:, 1:]
    cold_start, cold_end = start < isotherm_c, end < isotherm_c
    rise = np.where(cold_start == cold_end, 1, end - start)
    crossing = radii[:-1] + np.diff(radii) * (isotherm_c - start) / rise
    low = np.where(cold_start, radii[:-1], crossing)
    high = np.where(cold_end, radii[1:], crossing)
    colder = np.where(cold_start | cold_end, high**power - low**power, 0)
    return colder.sum(axis=1) / power


def outermost(radii: FloatArray, profile: FloatArray, isotherm_c: float) -> float:
    """Largest radius, m, that is colder than an isotherm; the first radius where none is."""
    cold = np.flatnonzero(profile < isotherm_c)
    if cold.size == 0:
        return float(radii[0])
    last = cold[-1]
    return float(np.interp(isotherm_c, profile[last : last + 2], radii[last : last + 2]))


def subdivide(edges: FloatArray) -> FloatArray:
    """Split every interval between edges in `SUBROWS`."""
    index = np.arange(edges.size)
    return np.interp(np.linspace(0, edges.size - 1, SUBROWS * (edges.size - 1) + 1), index, edges)


class Measurement:
    """Volumes and extents of isotherms in one field.

    Parameters
    ----------
    needle, grid
        What was computed.
    temperature : FloatArray
        The field in rows and columns, °C.
    freezing : bool
        Whether the active surface is cold.
    """

    def __init__(self, needle: Needle, grid: Grid, temperature: FloatArray, freezing: bool) -> None:
        self.needle, self.grid = needle, grid
        self.radii = np.concatenate([grid.radius[:1], grid.radius_mid])
        surface = temperature[:, :1].copy()
        if freezing:
            surface[: grid.active_rows] = needle.surface_c
        profiles = np.hstack([surface, temperature])
        tip_rows = grid.angle_mid.size
        self._tip = make_interp_spline(grid.angle_mid, profiles[:tip_rows], k=1)
        self._shaft = make_interp_spline(grid.height_mid, profiles[tip_rows:], k=1)
        # even in the angle: the parabola through the first two rows, at the axis
        self._axis = (9 * profiles[0] - profiles[1]) / 8

    def volume_ml(self, isotherm_c: float) -> float:
        """Volume colder than an isotherm, without the probe, ml."""
        angle, height = subdivide(self.grid.angle), subdivide(self.grid.height)
        cones = self._tip((angle[1:] + angle[:-1]) / 2)
        sections = self._shaft((height[1:] + height[:-1]) / 2)
        solid_angle = 2 * np.pi * -np.diff(np.cos(angle))
        tip_m3 = solid_angle @ colder_measure(self.radii, cones, isotherm_c, 3)
        areas = 2 * np.pi * colder_measure(self.radii, sections, isotherm_c, 2)
        return 1e6 * float(tip_m3 + np.diff(height) @ areas)

    def mid_radius_mm(self, isotherm_c: float) -> float:
        """Radius from the axis halfway up the active length, mm; 0 where it is not that cold."""
        tip_m = self.radii[0]
        profile = self._shaft(self.needle.active_length_mm / 2 * 1e-3 - tip_m)
        radius = outermost(self.radii, profile, isotherm_c)
        return 1e3 * radius if radius > tip_m else 0.0

    def beyond_tip_mm(self, isotherm_c: float) -> float:
        """Reach below the tip on the axis, mm."""
        return 1e3 * (outermost(self.radii, self._axis, isotherm_c) - float(self.radii[0]))

    def report(self, isotherms_c: Sequence[float]) -> dict[str, dict[str, float]]:
        """All three for each isotherm, keyed by the isotherm as text, as in the references."""
        return {
            f"{isotherm:g}": {
                "volume_ml": round(self.volume_ml(isotherm), 4),
                "mid_radius_mm": round(self.mid_radius_mm(isotherm), 3),
                "beyond_tip_mm": round(self.beyond_tip_mm(isotherm), 3),
            }
            for isotherm in isotherms_c
        }


def simulate(
    medium: Medium,
    needle: Needle,
    start_c: float,
    stages: Sequence[tuple[str, float]],
    times_s: Sequence[float],
    isotherms_c: Sequence[float],
    fineness: float = 1.0,
    longest_step_s: float = LONGEST_STEP_S,
) -> list[dict[str, object]]:
    """Freeze and thaw around one probe.

    Parameters
    ----------
    medium : Medium
        What surrounds the probe.
    needle : Needle
        The probe.
    start_c : float
        Temperature at the start, and for ever at the outer boundary, °C.
    stages : sequence of (str, float)
        "freeze" or "thaw", and for how many seconds.
    times_s : sequence of float
        When to report, s from the start; a time at which stages meet belongs to the earlier one.
    isotherms_c : sequence of float
        Isotherms to report, °C.
    fineness : float
        Divides the spacings of the grid.
    longest_step_s : float
        What steps grow to, s.

    Returns
    -------
    list of dict
        For every time ``{"t_s": s, "<isotherm>": {"volume_ml", "mid_radius_mm",
        "beyond_tip_mm"}}``, the layout of the published references.
    """
    grid = build_grid(needle, fineness)
    enthalpy = medium.enthalpy(np.full(grid.shape[0] * grid.shape[1], start_c))
    begins = np.concatenate([[0], np.cumsum([seconds for _, seconds in stages])])
    timeline: list[dict[str, object]] = []
    for (kind, _), begin_s, end_s in zip(stages, begins[:-1], begins[1:], strict=True):
        freezing = {"freeze": True, "thaw": False}[kind]
        stage = Stage(medium, needle, grid, start_c, freezing, enthalpy, longest_step_s)
        reports = [time for time in sorted(times_s) if begin_s < time <= end_s]
        for since_s, until_s in pairwise([begin_s, *reports]):
            stage.advance(until_s - since_s)
            temperature = medium.temperature(stage.enthalpy).reshape(grid.shape)
            measurement = Measurement(needle, grid, temperature, freezing)
            timeline.append({"t_s": until_s, **measurement.report(isotherms_c)})
        stage.advance(end_s - max([begin_s, *reports]))
        enthalpy = stage.enthalpy
    return timeline


def freeze(
    medium: Medium,
    needle: Needle,
    start_c: float,
    times_s: Sequence[float],
    isotherms_c: Sequence[float],
    fineness: float = 1.0,
    longest_step_s: float = LONGEST_STEP_S,
) -> list[dict[str, object]]:
    """Freeze once, up to the last of the times; parameters and result are those of `simulate`."""
    stages = [("freeze", max(times_s))]
    return simulate(medium, needle, start_c, stages, times_s, isotherms_c, fineness, longest_step_s)


ICE_LIKE = Medium(0.5, 2.0, 3.6e6, 1.8e6, 250e6, -8.0, -1.0)
CASES = {
    "gel_17g_150": (ICE_LIKE, Needle(1.5, 30.0, -150.0), 37.0),
    "muscle_17g_196": (
        replace(ICE_LIKE, perfusion_1_s=7e-4, rho_c_blood_j_m3k=3.6e6),
        Needle(1.5, 30.0, -196.0),
        37.0,
    ),
    "water_24": (
        Medium(0.6, 2.22, 4.18e6, 1.91653e6, 334e6, -1.0, 0.0),
        Needle(2.4, 20.0, -120.0),
        20.0,
    ),
    "liver_15": (
        Medium(0.52, 1.93, 3.82e6, 2.04e6, 233e6, -8.0, -0.6, perfusion_1_s=0.005),
        Needle(1.5, 15.0, -170.0),
        37.0,
    ),
    "ice_law_17g": (replace(ICE_LIKE, ice_law=True), Needle(1.5, 30.0, -150.0), 37.0),
    "thick_38": (replace(ICE_LIKE, perfusion_1_s=6.7e-4), Needle(3.8, 40.0, -140.0), 37.0),
}
REFERENCE_FINENESS = 1.5
MADE_BY = (
    "tests/verification/axisymmetric.py: axisymmetric implicit enthalpy finite volumes on a grid "
    f"fitted to the probe, fineness {REFERENCE_FINENESS:g}, steps up to {LONGEST_STEP_S:g} s; one "
    "freeze, the outer boundary held at start_c; volumes exclude the probe"
)


def reference(name: str, fineness: float = REFERENCE_FINENESS) -> dict[str, object]:
    """Inputs and timeline of one of the `CASES`: a freeze of 600 s."""
    medium, needle, start_c = CASES[name]
    timeline = freeze(medium, needle, start_c, (60, 180, 300, 600), (0, -20, -40), fineness)
    return {
        "medium": asdict(medium),
        "needle": asdict(needle),
        "start_c": start_c,
        "timeline": timeline,
    }


def main() -> None:
    """Write the references of all `CASES` beside this file; takes about a quarter of an hour."""
    content = {"made_by": MADE_BY, "cases": {name: reference(name) for name in CASES}}
    target = Path(__file__).with_name("references") / "axisymmetric.json"
    target.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
