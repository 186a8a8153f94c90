"""HTML that cannot be broken by what is put into it: text is escaped unless it is `Html`."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape as _escape

from ..tables import Table
from ..wording import celsius

__all__ = ["Html", "caption", "element", "facts", "items", "join", "plain_table", "table"]

_EMPTY = frozenset({"br", "img"})
_NARROW = 4  # columns that fit on a phone


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def _safe(child: str) -> str:
    return child if isinstance(child, Html) else _escape(child, quote=True)


def join(*children: str) -> Html:
    """Put pieces after each other."""
    return Html("".join(_safe(child) for child in children))


def element(name: str, *children: str, **attributes: str) -> Html:
    """Write an element; a final underscore in a keyword is dropped, others become dashes."""
    words = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_escape(value, quote=True)}"'
        for key, value in attributes.items()
    )
    if name in _EMPTY:
        return Html(f"<{name}{words}>")
    return Html(f"<{name}{words}>{join(*children)}</{name}>")


def caption(*children: str) -> Html:
    """Write what is to be read beside a picture or table."""
    return element("p", *children, class_="caption")


def items(lines: Sequence[str]) -> Html:
    """Write a list."""
    return element("ul", *[element("li", line) for line in lines])


def facts(rows: Sequence[tuple[str, str]]) -> Html:
    """Write names with one value each."""
    lines = [
        element("tr", element("th", name, scope="row"), element("td", value))
        for name, value in rows
    ]
    return element("table", element("tbody", *lines), class_="facts")


def table(headings: Sequence[str], rows: Sequence[Sequence[str]], *, words: int = 1) -> Html:
    """Write a table; a wide one turns into one card a row where the window is narrow.

    Parameters
    ----------
    words : how many of the first columns hold words, which stand left; numbers stand right.
    """
    head = [
        element("th", heading, scope="col", class_=_side(number, words))
        for number, heading in enumerate(headings)
    ]
    body = []
    for first, *others in rows:
        cells = [element("th", first, scope="row")]
        for number, (heading, cell) in enumerate(zip(headings[1:], others, strict=True), start=1):
            look = _side(number, words)
            cells.append(element("td", element("span", cell), data_label=heading, class_=look))
        body.append(element("tr", *cells))
    content = element("thead", element("tr", *head)), element("tbody", *body)
    return element("table", *content, class_="cards" if len(headings) > _NARROW else "narrow")


def plain_table(content: Table) -> Html:
    """Write a table of the report, its degrees as people write them."""
    rows = [tuple(map(celsius, row)) for row in content.rows]
    return table(tuple(map(celsius, content.headings)), rows)


def _side(number: int, words: int) -> str:
    return "words" if number < words else "number"
