"""Tests that the labels of the drawings of the docs stay inside their boxes, and can be read on a phone."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import pytest
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

ROOT = Path(__file__).resolve().parents[3]
DRAWINGS = sorted((ROOT / "docs").rglob("*.svg"))
INHERITED = {"font-size": "16", "font-weight": "400", "text-anchor": "start"}
"""What a label has from the groups around it, and else from the browser."""
BOLD = {"bold", "600", "700", "800", "900"}
MARGIN = 4
"""How far a label stays from the sides of its box, in units of the drawing; half of it above and below."""
PHONE = 330
"""Pixels of text on a narrow phone, beside the margins of the page."""
LEGIBLE = 11
"""The smallest letters, in pixels."""
GLYPHS = re.compile(r"translate\((\S+) (\S+)\)( rotate\(-90\))? scale\((\S+) -\S+\)")
"""How Matplotlib places letters that it draws as paths; it scales by a hundredth of the size of the font."""


@dataclass(frozen=True)
class Box:
    """A rectangle, by its edges."""

    left: float
    top: float
    right: float
    bottom: float

    def contains(self, other: Box, margin: float = 0) -> bool:
        """Return whether another box lies inside, by a margin at the sides and half of it above and below."""
        return (
            self.left + margin <= other.left
            and self.top + margin / 2 <= other.top
            and other.right <= self.right - margin
            and other.bottom <= self.bottom - margin / 2
        )

    def meets(self, other: Box) -> bool:
        """Return whether the two have a part in common."""
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )


@dataclass(frozen=True)
class Label:
    """A text of a drawing, and the place that it takes in DejaVu Sans, a wide font."""

    text: str
    size: float
    start: Box
    place: Box


def local(element: ElementTree.Element) -> str:
    """Return the tag without its namespace; of a comment, nothing."""
    return "" if element.tag is ElementTree.Comment else element.tag.rpartition("}")[2]


def view(root: ElementTree.Element) -> Box:
    """Return the whole drawing."""
    whole = root.get("viewBox") or f"0 0 {root.attrib['width']} {root.attrib['height']}"
    left, top, width, height = map(float, whole.split())
    return Box(left, top, left + width, top + height)


def boxes(root: ElementTree.Element) -> list[Box]:
    """Return the rectangles of a drawing."""
    edges = [
        [float(e.get(key, 0)) for key in ("x", "y", "width", "height")]
        for e in root.iter()
        if local(e) == "rect"
    ]
    return [Box(x, y, x + width, y + height) for x, y, width, height in edges]


def parse(path: Path) -> ElementTree.Element:
    """Return a drawing with its comments, in which Matplotlib keeps the words of a label."""
    builder = ElementTree.TreeBuilder(insert_comments=True)
    return ElementTree.parse(path, ElementTree.XMLParser(target=builder)).getroot()


def labels(element: ElementTree.Element, given: dict[str, str]) -> Iterator[Label]:
    """Yield the labels below an element, which inherits the style of its parents."""
    if "transform" in element.attrib and any(local(e) == "text" for e in element.iter()):
        raise AssertionError("a label under a transform cannot be measured here: give its place by x and y")
    style = {name: element.get(name, value) for name, value in given.items()}
    if local(element) == "text":
        yield measured(element, style)
    if element.get("id", "").startswith("text_"):
        yield drawn_as_paths(element)
    for child in element:
        yield from labels(child, style)


def measured(element: ElementTree.Element, style: dict[str, str]) -> Label:
    """Return a label with its place, by the metrics of the font."""
    text, size = "".join(element.itertext()), float(style["font-size"].removesuffix("px"))
    width, height, descent = extent(text, size, bold=style["font-weight"] in BOLD)
    width = float(element.get("textLength", width))
    x, baseline = float(element.attrib["x"]), float(element.attrib["y"])
    left = x - {"start": 0, "middle": width / 2, "end": width}[style["text-anchor"]]
    place = Box(left, baseline - (height - descent), left + width, baseline + descent)
    return Label(text, size, Box(x, baseline, x, baseline), place)


def drawn_as_paths(group: ElementTree.Element) -> Label:
    """Return a label of Matplotlib, whose words are a comment and whose letters are paths of DejaVu Sans."""
    text = next(str(e.text).strip() for e in group if not local(e))
    match = GLYPHS.fullmatch(next(e.get("transform", "") for e in group if local(e)))
    assert match, f"the place of the label {text!r} cannot be read: adapt GLYPHS to this Matplotlib"
    x, baseline, size = float(match[1]), float(match[2]), 100 * float(match[4])
    width, height, descent = extent(text, size, math="$" in text)
    place = Box(x, baseline - (height - descent), x + width, baseline + descent)
    if match[3]:
        place = Box(x - (height - descent), baseline - width, x + descent, baseline)
    return Label(text, size, Box(x, baseline, x, baseline), place)


def extent(text: str, size: float, *, bold: bool = False, math: bool = False) -> tuple[float, float, float]:
    """Return the width of a text, its height, and how far it goes below its baseline."""
    font = FontProperties(family="DejaVu Sans", size=size, weight="bold" if bold else "normal")
    return text_to_path.get_text_width_height_descent(text, font, ismath=math)


def outside(root: ElementTree.Element) -> list[str]:
    """Return the labels that leave the smallest box that they begin in, or the drawing."""
    whole, crossing = view(root), []
    for label in labels(root, INHERITED):
        around = [box for box in boxes(root) if box.contains(label.start)]
        box = min(around, key=lambda b: (b.right - b.left) * (b.bottom - b.top), default=whole)
        if not box.contains(label.place, MARGIN if around else 0):
            crossing.append(label.text)
    return crossing


def overlapping(root: ElementTree.Element) -> list[tuple[str, str]]:
    """Return the pairs of labels of which one covers a part of the other."""
    pairs = itertools.combinations(labels(root, INHERITED), 2)
    return [(one.text, other.text) for one, other in pairs if one.place.meets(other.place)]


@pytest.mark.parametrize("path", DRAWINGS, ids=lambda path: path.name)
def test_no_label_leaves_its_box_or_covers_another(path: Path) -> None:
    root = parse(path)
    assert list(labels(root, INHERITED)), f"{path.name} has no label that can be measured here"
    assert outside(root) == []
    assert overlapping(root) == []


def test_the_drawing_of_the_first_page_can_be_read_on_a_phone() -> None:
    root = parse(ROOT / "docs/pictures/house.svg")
    scale = PHONE / (view(root).right - view(root).left)
    assert min(label.size * scale for label in labels(root, INHERITED)) >= LEGIBLE


@pytest.mark.parametrize("drawn", ["a label of many words", "two words"])
def test_a_label_that_is_too_wide_is_found(drawn: str) -> None:
    box = '<rect x="10" y="10" width="120" height="40"/>'
    svg = f'<svg viewBox="0 0 300 60">{box}<text x="20" y="30">{drawn}</text></svg>'
    assert (outside(ElementTree.fromstring(svg)) == []) == (drawn == "two words")


@pytest.mark.parametrize(("left", "crossing"), [(5, []), (120, ["a label of many words"])])
def test_a_label_of_letters_that_are_paths_is_measured(left: int, crossing: list[str]) -> None:
    letters = f'<g transform="translate({left} 30) scale(0.1 -0.1)"/>'
    text = f'<g id="text_1"><!-- a label of many words -->{letters}</g>'
    builder = ElementTree.TreeBuilder(insert_comments=True)
    svg = f'<svg viewBox="0 0 200 60">{text}</svg>'
    assert outside(ElementTree.fromstring(svg, ElementTree.XMLParser(target=builder))) == crossing
