"""Growth of the ice.

Volumes inside the isotherms over the protocol, freezes shaded.

Usage: python growth.py DIR [PICTURE.png], with a folder that `cryosim run` or `demo` wrote.
"""

import sys
from pathlib import Path

import cryosim


def main(folder: str, picture: str = "growth.png") -> None:
    result = cryosim.load_result(Path(folder) / "result.vtkhdf")
    axes = cryosim.plot_growth(result)
    axes.figure.savefig(picture, dpi=110)


if __name__ == "__main__":
    main(*sys.argv[1:])
