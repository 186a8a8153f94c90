"""Three planes through the target.

Isotherms at the end of the last freeze on the CT, hung as radiologists do.

Usage: python three_planes.py DIR [PICTURE.png], with a folder that `cryosim run` or `demo` wrote.
"""

import sys
from pathlib import Path

import cryosim


def main(folder: str, picture: str = "three_planes.png") -> None:
    result = cryosim.load_result(Path(folder) / "result.vtkhdf")
    axial, _, _ = cryosim.plot_slices(result)
    axial.figure.savefig(picture, dpi=80)


if __name__ == "__main__":
    main(*sys.argv[1:])
