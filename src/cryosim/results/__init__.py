"""Files that come back: results, and fingerprints that tell whether they still hold."""

from .fingerprint import digest, input_fingerprints, program_fingerprint
from .store import FORMAT_VERSION, load_result, save_result

__all__ = [
    "FORMAT_VERSION",
    "digest",
    "input_fingerprints",
    "load_result",
    "program_fingerprint",
    "save_result",
]
