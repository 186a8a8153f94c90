"""Open a result in PyVista and add something of your own to the scene.

Usage: python iceball_in_pyvista.py FOLDER [PICTURE.png]
With a picture's name nothing is opened: it is rendered off screen.
"""

import sys
from pathlib import Path

import pyvista

import cryosim


def main(folder: str, picture: str | None = None) -> None:
    result = cryosim.load_result(Path(folder) / "result.vtkhdf")
    plotter = cryosim.show(result, isotherms_c=(0, -40), off_screen=picture is not None)

    # The plotter is PyVista's: compose it with anything, here a 10 mm sphere at a probe's tip.
    tip_mm = result.plan.probe[0].tip_mm
    plotter.add_mesh(pyvista.Sphere(radius=5, center=tip_mm), color="gold", opacity=0.5)

    if picture is None:
        plotter.show()
    else:
        plotter.screenshot(picture)
        plotter.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
