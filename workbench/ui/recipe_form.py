"""A form for recipes: one section to fold out for each of theirs, one field for each key."""

from collections.abc import Sequence
from itertools import islice
from typing import Any

import gradio as gr
from gradio.components import Component
from markupsafe import Markup

from workbench.recipe import Recipe
from workbench.search_recipe import SearchRecipe
from workbench.ui.recipe_fields import MOST_PARTS, Field, RecipeFields, Section

__all__ = ["RecipeForm"]

_WIDTH_PX = 220
AnyRecipe = Recipe | SearchRecipe


class RecipeForm:
    """To be placed once, filled with ``recipe``: fields for each kind of recipe, of which those of one are seen.

    ``inputs`` are what ``overrides`` is given the values of.
    """

    def __init__(self, recipe: AnyRecipe) -> None:
        self._kinds = [_KindForm(kind, recipe) for kind in (Recipe, SearchRecipe)]
        self.inputs = [one for form in self._kinds for one in form.inputs]
        self.outputs = [one for form in self._kinds for one in form.outputs]

    @property
    def events(self) -> list[Any]:
        """Return what happens when somebody has changed a value."""
        is_typed = (gr.Number, gr.Textbox)
        components = [one for form in self._kinds for one in form.components]
        return [one.blur if isinstance(one, is_typed) else one.input for one in components]

    def show(self, recipe: AnyRecipe) -> list[Any]:
        """Return the values of ``outputs`` that show ``recipe``."""
        return [value for form in self._kinds for value in form.show(recipe)]

    def overrides(self, values: Sequence[Any]) -> list[str]:
        """Return what was changed; what is not seen is as it was filled."""
        left, found = iter(values), []
        for form in self._kinds:
            filled, *own = islice(left, len(form.inputs))
            found += form.fields.overrides(own, filled)
        return found


class _KindForm:
    """The fields of one kind of recipe, hidden while a recipe of the other is shown.

    ``components`` stand in the order of the ``fields``; before them in ``inputs`` are the values that they were filled
    with, which are kept with the page.
    """

    def __init__(self, kind: type[Recipe] | type[SearchRecipe], recipe: AnyRecipe) -> None:
        self.fields = RecipeFields(kind)
        self.components: list[Component] = []
        self._kind = kind
        self._parts: list[tuple[gr.Column, gr.HTML]] = []
        shown = self._shown(recipe)
        with gr.Column(visible=isinstance(recipe, kind)) as whole:
            for section in self.fields.sections:
                with gr.Accordion(section.title, open=False, elem_classes="wb-recipe-section"):
                    self._place(section)
        filled = gr.State(shown.flat())
        blocks, headings = zip(*self._parts, strict=True)
        self.inputs = [filled, *self.components]
        self.outputs = [whole, *self.components, *blocks, *headings, filled]
        self._fill(shown)

    def show(self, recipe: AnyRecipe) -> list[Any]:
        shown = self._shown(recipe)
        titles = _part_titles(shown)
        blocks = [gr.Column(visible=bool(title)) for title in titles]
        whole = gr.Column(visible=isinstance(recipe, self._kind))
        return [whole, *self.fields.values(shown), *blocks, *titles, shown.flat()]

    def _shown(self, recipe: AnyRecipe) -> AnyRecipe:
        return recipe if isinstance(recipe, self._kind) else self._kind()

    def _fill(self, recipe: AnyRecipe) -> None:
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


def _part_titles(recipe: AnyRecipe) -> list[Markup]:
    """Return a heading for each place of a part, empty where the recipe has fewer."""
    named = [
        Markup("<h4>{} <span>{}</span></h4>").format(name, part.path)
        for name, part in list(recipe.parts.items())[:MOST_PARTS]
    ]
    return [*named, *[Markup("")] * (MOST_PARTS - len(named))]
