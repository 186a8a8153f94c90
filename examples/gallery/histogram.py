"""How cold was how much.

Share of target and organs at risk that has ever been at or below a temperature.

Usage: python histogram.py DIR [PICTURE.png], with a folder that `cryosim run` or `demo` wrote.
"""

import sys
from pathlib import Path

import cryosim


def main(folder: str, picture: str = "histogram.png") -> None:
    result = cryosim.load_result(Path(folder) / "result.vtkhdf")
    axes = cryosim.plot_histogram(result)
    axes.figure.savefig(picture, dpi=110)


if __name__ == "__main__":
    main(*sys.argv[1:])
