"""Where the margin is small.

Ice margin over the target's surface, by the side that it faces; the cross is the smallest.

Usage: python margin_map.py DIR [PICTURE.png], with a folder that `cryosim run` or `demo` wrote.
"""

import sys
from pathlib import Path

import cryosim


def main(folder: str, picture: str = "margin_map.png") -> None:
    result = cryosim.load_result(Path(folder) / "result.vtkhdf")
    axes = cryosim.plot_margin_map(result)
    axes.figure.savefig(picture, dpi=110)


if __name__ == "__main__":
    main(*sys.argv[1:])
