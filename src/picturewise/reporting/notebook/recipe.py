"""`recipe_html`: a recipe as TOML, as its file has it."""

from __future__ import annotations

from picturewise.recipes.recipe import Recipe
from picturewise.reporting.notebook.markup import block, escaped

_LONGEST = 20_000


def recipe_html(recipe: Recipe) -> str:
    """Return a recipe as HTML."""
    # Line by line, because everything that is escaped becomes one line.
    text = "\n".join(escaped(row) for row in recipe.to_toml()[:_LONGEST].splitlines())
    return block(
        type(recipe).__name__, f'<pre style="color:inherit;background:transparent;margin:0">{text}</pre>'
    )
