"""Names of label values: the NIfTI header extension of TotalSegmentator, or a CSV file."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path
from xml.etree import ElementTree as ET

from ..errors import InputError

__all__ = ["names_from_csv", "names_from_xml", "xml_from_names"]

_NAME_COLUMNS = ("structure", "name")


def names_from_xml(header_texts: Iterable[bytes]) -> dict[int, str]:
    """Return the names in the first header text with a label table; none when there is none.

    Parameters
    ----------
    header_texts : contents of the NIfTI header extensions.

    Raises
    ------
    InputError
        When the label table cannot be parsed.
    """
    for text in header_texts:
        # Extensions are padded to multiples of 16 bytes, with zeros or blanks.
        content = text.strip(b"\0 \r\n\t")
        if b"<LabelTable" not in content:
            continue
        try:
            entries = ET.fromstring(content).iter("Label")
            return {int(entry.attrib["Key"]): (entry.text or "").strip() for entry in entries}
        except (ET.ParseError, KeyError, ValueError):
            raise InputError(
                "the label names in the header are damaged; give them in a CSV file"
            ) from None
    return {}


def xml_from_names(names: Mapping[int, str]) -> bytes:
    """Write names as the XML text that `names_from_xml` reads."""
    root = ET.Element("CaretExtension")
    information = ET.SubElement(root, "VolumeInformation", Index="0")
    table = ET.SubElement(information, "LabelTable")
    for value, name in sorted(names.items()):
        ET.SubElement(table, "Label", Key=str(value)).text = name
    ET.SubElement(information, "VolumeType").text = "Label"
    text: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return text


def names_from_csv(path: Path) -> dict[int, str]:
    """Read names from a CSV file with columns `id` and `structure` (or `name`).

    Raises
    ------
    InputError
        When the file cannot be read, a column is missing, or an id is not a number or not unique.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            columns = reader.fieldnames or []
            rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot read the label names ({error})") from None
    name_column = next((column for column in _NAME_COLUMNS if column in columns), None)
    if "id" not in columns or name_column is None:
        raise InputError(
            f"{path}: needs columns 'id' and 'structure', has {', '.join(columns) or 'none'}"
        )
    names: dict[int, str] = {}
    for line, row in enumerate(rows, start=2):
        text = (row["id"] or "").strip()
        if not text.isdigit():
            raise InputError(f"{path}: id '{text}' in line {line} is not a whole number")
        if int(text) in names:
            raise InputError(f"{path}: id {text} in line {line} is given twice")
        names[int(text)] = (row[name_column] or "").strip()
    return names
