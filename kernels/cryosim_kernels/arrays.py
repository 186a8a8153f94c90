"""Types of arrays that kernels are compiled for: element type, then number of axes.

They stand in the signatures of kernels. All are C-ordered; `READ_F32_3` takes read-only ones.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numba import types
from numpy.typing import NDArray

F32_1 = Annotated[NDArray[np.float32], types.float32[::1]]
F32_2 = Annotated[NDArray[np.float32], types.float32[:, ::1]]
F32_3 = Annotated[NDArray[np.float32], types.float32[:, :, ::1]]
F32_4 = Annotated[NDArray[np.float32], types.float32[:, :, :, ::1]]
READ_F32_3 = Annotated[NDArray[np.float32], types.Array(types.float32, 3, "C", readonly=True)]
F64_1 = Annotated[NDArray[np.float64], types.float64[::1]]
F64_2 = Annotated[NDArray[np.float64], types.float64[:, ::1]]
F64_3 = Annotated[NDArray[np.float64], types.float64[:, :, ::1]]
I64_1 = Annotated[NDArray[np.int64], types.int64[::1]]
I64_2 = Annotated[NDArray[np.int64], types.int64[:, ::1]]
U64_2 = Annotated[NDArray[np.uint64], types.uint64[:, ::1]]
U8_1 = Annotated[NDArray[np.uint8], types.uint8[::1]]
U8_3 = Annotated[NDArray[np.uint8], types.uint8[:, :, ::1]]
U8_4 = Annotated[NDArray[np.uint8], types.uint8[:, :, :, ::1]]
BOOL_2 = Annotated[NDArray[np.bool_], types.boolean[:, ::1]]
