"""Surfaces as files for other programs, in LPS millimeters, and they say so."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError

if TYPE_CHECKING:
    import pyvista

__all__ = ["SURFACE_ENDINGS", "write_mesh"]

SURFACE_ENDINGS = ("stl", "ply", "vtp")
# What 3D Slicer writes and looks for; without it, it takes files as LPS too.
_SPACE = ("SPACE", "LPS")


def write_mesh(mesh: pyvista.PolyData, path: str | Path) -> None:
    """Write triangles as STL or PLY (both binary), or VTP, as the file's name ends.

    The file states that it is in LPS, in the way 3D Slicer does: in the header, or in VTP as field
    data.

    Raises
    ------
    InputError
        When the name ends otherwise, or the file cannot be written.
    """
    path = Path(path)
    ending = path.suffix.lower().removeprefix(".")
    if ending not in SURFACE_ENDINGS:
        raise InputError(f"surface {path}: the name must end in .{', .'.join(SURFACE_ENDINGS)}")
    triangles = mesh.triangulate()
    triangles.clear_data()
    writer = _writer(ending, triangles)
    writer.SetFileName(str(path))
    writer.SetInputData(triangles)
    # VTK prints its own complaint where it cannot write; ours is enough.
    if not path.parent.is_dir() or writer.Write() != 1 or not path.is_file():
        raise InputError(f"surface {path}: cannot be written")


def _writer(ending: str, triangles: Any) -> Any:
    comment = f"cryosim, millimeters, {'='.join(_SPACE)}"
    if ending == "stl":
        from vtkmodules.vtkIOGeometry import vtkSTLWriter

        stl = vtkSTLWriter()
        stl.SetHeader(comment)
        stl.SetFileTypeToBinary()
        return stl
    if ending == "ply":
        from vtkmodules.vtkIOPLY import vtkPLYWriter

        ply = vtkPLYWriter()
        ply.AddComment(comment)
        ply.SetFileTypeToBinary()
        return ply
    from vtkmodules.vtkCommonCore import vtkStringArray
    from vtkmodules.vtkIOXML import vtkXMLPolyDataWriter

    space = vtkStringArray()
    space.SetName(_SPACE[0])
    space.InsertNextValue(_SPACE[1])
    triangles.GetFieldData().AddArray(space)
    return vtkXMLPolyDataWriter()
