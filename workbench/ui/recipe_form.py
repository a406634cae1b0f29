"""A form for recipes: one section to fold out for each of theirs, one field for each key."""

from typing import Any

import gradio as gr
from gradio.components import Component
from markupsafe import Markup

from workbench.recipe import Recipe
from workbench.ui.recipe_fields import MOST_PARTS, Field, RecipeFields, Section

__all__ = ["RecipeForm"]

_WIDTH_PX = 220


class RecipeForm:
    """To be placed once, filled with ``recipe``.

    ``components`` stand in the order of the ``fields``. ``filled`` are the recipe's values as the form shows them,
    which are kept with the page.
    """

    def __init__(self, recipe: Recipe) -> None:
        self.fields = RecipeFields()
        self.components: list[Component] = []
        self._parts: list[tuple[gr.Column, gr.HTML]] = []
        with gr.Column() as whole:
            for section in self.fields.sections:
                with gr.Accordion(section.title, open=False, elem_classes="wb-recipe-section"):
                    self._place(section)
        self.filled = gr.State(recipe.flat())
        blocks, headings = zip(*self._parts, strict=True)
        self.outputs = [whole, *self.components, *blocks, *headings, self.filled]
        self._fill(recipe)

    @property
    def events(self) -> list[Any]:
        """Return what happens when somebody has changed a value."""
        is_typed = (gr.Number, gr.Textbox)
        return [one.blur if isinstance(one, is_typed) else one.input for one in self.components]

    def show(self, recipe: Recipe | None) -> list[Any]:
        """Return the values of ``outputs`` that show ``recipe``; with None the form is hidden, and changes nothing."""
        shown = recipe or Recipe()
        titles = _part_titles(shown)
        blocks = [gr.Column(visible=bool(title)) for title in titles]
        whole = gr.Column(visible=recipe is not None)
        return [whole, *self.fields.values(shown), *blocks, *titles, shown.flat()]

    def _fill(self, recipe: Recipe) -> None:
        for component, value in zip(self.components, self.fields.values(recipe), strict=True):
            component.value = value
        for (block, heading), title in zip(self._parts, _part_titles(recipe), strict=True):
            block.visible, heading.value = bool(title), title

    def _place(self, section: Section) -> None:
        with gr.Row():
            self.components += [_component(field) for field in section.fields]
        for inner in section.nested:
            with gr.Column() as block:
                heading = gr.HTML(Markup("<h4>{}</h4>").format(inner.title))
                self._place(inner)
            if not inner.title:
                self._parts.append((block, heading))


def _component(field: Field) -> Component:
    about = {"label": field.name, "info": field.info, "interactive": True, "min_width": _WIDTH_PX}
    match field.kind:
        case "choice":
            return gr.Dropdown(choices=list(field.choices), **about)
        case "switch":
            return gr.Checkbox(**about)
        case "whole":
            return gr.Number(precision=0, **about)
        case "number":
            return gr.Number(**about)
    return gr.Textbox(max_lines=1, **about)


def _part_titles(recipe: Recipe) -> list[Markup]:
    """Return a heading for each place of a part, empty where the recipe has fewer."""
    named = [
        Markup("<h4>{} <span>{}</span></h4>").format(name, part.path)
        for name, part in list(recipe.parts.items())[:MOST_PARTS]
    ]
    return [*named, *[Markup("")] * (MOST_PARTS - len(named))]
