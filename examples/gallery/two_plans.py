"""Two plans in one picture.

Coldest isotherms and needles of the first (A, solid) and the second (B, dashed), in three planes.

Usage: python two_plans.py DIR DIR [PICTURE.png], with folders that `cryosim run` or `demo` wrote.
"""

import sys
from pathlib import Path

import cryosim
from cryosim.pictures import draw_overlay


def main(first: str, second: str, picture: str = "two_plans.png") -> None:
    results = [cryosim.load_result(Path(folder) / "result.vtkhdf") for folder in (first, second)]
    figure = draw_overlay(*results, (Path(first).name, Path(second).name))
    figure.savefig(picture, dpi=80)


if __name__ == "__main__":
    main(*sys.argv[1:])
