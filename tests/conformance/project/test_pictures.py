"""The labels of the drawings of docs/pictures stay inside their boxes, and can be read on a phone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import pytest
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

ROOT = Path(__file__).resolve().parents[3]
DRAWINGS = sorted((ROOT / "docs/pictures").glob("*.svg"))
INHERITED = {"font-size": "16", "font-weight": "400", "text-anchor": "start"}
"""What a label has from the groups around it, and else from the browser."""
BOLD = {"bold", "600", "700", "800", "900"}
MARGIN = 4
"""How far a label stays from the edge of its box, in units of the drawing."""
PHONE = 330
"""Pixels of text on a narrow phone, beside the margins of the page."""
LEGIBLE = 11
"""The smallest letters, in pixels."""


@dataclass(frozen=True)
class Box:
    """A rectangle, by its edges."""

    left: float
    top: float
    right: float
    bottom: float

    def contains(self, other: Box, margin: float = 0) -> bool:
        """Return whether another box lies inside, by a margin on each side."""
        return (
            self.left + margin <= other.left
            and self.top + margin <= other.top
            and other.right <= self.right - margin
            and other.bottom <= self.bottom - margin
        )


@dataclass(frozen=True)
class Label:
    """A text of a drawing, and the place that it takes in DejaVu Sans, a wide font."""

    text: str
    size: float
    start: Box
    place: Box


def local(element: ElementTree.Element) -> str:
    """Return the tag without its namespace."""
    return element.tag.rpartition("}")[2]


def view(root: ElementTree.Element) -> Box:
    """Return the whole drawing."""
    left, top, width, height = map(float, root.attrib["viewBox"].split())
    return Box(left, top, left + width, top + height)


def boxes(root: ElementTree.Element) -> list[Box]:
    """Return the rectangles of a drawing."""
    edges = [
        [float(e.get(key, 0)) for key in ("x", "y", "width", "height")]
        for e in root.iter()
        if local(e) == "rect"
    ]
    return [Box(x, y, x + width, y + height) for x, y, width, height in edges]


def labels(element: ElementTree.Element, given: dict[str, str]) -> Iterator[Label]:
    """Yield the labels below an element, which inherits the style of its parents."""
    if "transform" in element.attrib and any(local(e) == "text" for e in element.iter()):
        raise AssertionError("a label under a transform cannot be measured here: give its place by x and y")
    style = {name: element.get(name, value) for name, value in given.items()}
    if local(element) == "text":
        yield measured(element, style)
    for child in element:
        yield from labels(child, style)


def measured(element: ElementTree.Element, style: dict[str, str]) -> Label:
    """Return a label with its place, by the metrics of the font."""
    text, size = "".join(element.itertext()), float(style["font-size"].removesuffix("px"))
    weight = "bold" if style["font-weight"] in BOLD else "normal"
    font = FontProperties(family="DejaVu Sans", size=size, weight=weight)
    width, height, descent = text_to_path.get_text_width_height_descent(text, font, ismath=False)
    x, baseline = float(element.attrib["x"]), float(element.attrib["y"])
    left = x - {"start": 0, "middle": width / 2, "end": width}[style["text-anchor"]]
    place = Box(left, baseline - (height - descent), left + width, baseline + descent)
    return Label(text, size, Box(x, baseline, x, baseline), place)


def outside(root: ElementTree.Element) -> list[str]:
    """Return the labels that leave the smallest box that they begin in, or the drawing."""
    whole, found = view(root), []
    for label in labels(root, INHERITED):
        around = [box for box in boxes(root) if box.contains(label.start)]
        box = min(around, key=lambda b: (b.right - b.left) * (b.bottom - b.top), default=whole)
        if not box.contains(label.place, MARGIN):
            found.append(label.text)
    return found


@pytest.mark.parametrize("path", DRAWINGS, ids=lambda path: path.name)
def test_no_label_leaves_its_box(path: Path) -> None:
    assert outside(ElementTree.parse(path).getroot()) == []


def test_the_drawing_of_the_first_page_can_be_read_on_a_phone() -> None:
    root = ElementTree.parse(ROOT / "docs/pictures/house.svg").getroot()
    scale = PHONE / (view(root).right - view(root).left)
    assert min(label.size * scale for label in labels(root, INHERITED)) >= LEGIBLE


@pytest.mark.parametrize("drawn", ["a label of many words", "two words"])
def test_a_label_that_is_too_wide_is_found(drawn: str) -> None:
    box = '<rect x="10" y="10" width="120" height="40"/>'
    svg = f'<svg viewBox="0 0 300 60">{box}<text x="20" y="30">{drawn}</text></svg>'
    assert (outside(ElementTree.fromstring(svg)) == []) == (drawn == "two words")
