"""A chart as a picture: chart in, SVG or Mermaid text out; pure, deterministic, without a dependency.

Layout is layered and recursive. Every state with states inside is a small graph of its own: its children stand in *rows*, each
transition leads from an upper row to a lower one (those of a circle are turned round for that), and passes the rows between
in *slots* that keep room for it, so no line runs through a box. A label is a slot too, so none lies on another. What leads
into or out of a box passes its border at a *gate*, which is an item of the box's first or last row. Ties are broken by
document order, so two versions of a chart give pictures that can be compared.

::

    words      how wide a text is, how it is wrapped
    drawing    what there is to draw: boxes, links, and which boxes a link passes
    rows       which row, and where in it
    layout     the coordinates of everything, inside out
    svg        the picture
    mermaid    the same chart as text for Markdown
"""

from wabox.diagram.drawing import mark_of
from wabox.diagram.mermaid import mermaid
from wabox.diagram.svg import style, svg

__all__ = ["mark_of", "mermaid", "style", "svg"]
