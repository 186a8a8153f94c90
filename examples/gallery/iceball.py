"""The iceball in 3-D.

Isotherms open to the viewer, the target in the colors of its ice margin, organs at risk and probes,
on three planes of the CT.

Usage: python iceball.py DIR [PICTURE.png], with a folder that `cryosim run` or `demo` wrote.
"""

import sys
from pathlib import Path

import cryosim


def main(folder: str, picture: str = "iceball.png") -> None:
    result = cryosim.load_result(Path(folder) / "result.vtkhdf")
    plotter = cryosim.show(result, off_screen=True)
    plotter.screenshot(picture, scale=2)
    plotter.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
