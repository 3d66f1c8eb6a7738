"""A change that Cosmic Ray does not have: a statement is left out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cosmic_ray.operators.operator import Operator
from parso.python.tree import Name


class RemoveStatement(Operator):  # type: ignore[misc] # it has no type hints
    """Replace a call whose result is not used, or a `raise`, by `pass`."""

    def mutation_positions(self, node: Any) -> Iterator[tuple[Any, Any]]:
        if node.type == "simple_stmt" and node.children[0].type in {"atom_expr", "raise_stmt"}:
            yield node.children[0].start_pos, node.children[0].end_pos

    def mutate(self, node: Any, index: int) -> Any:
        removed = node.children[0]
        node.children[0] = Name("pass", removed.start_pos, removed.get_first_leaf().prefix)
        return node

    @classmethod
    def examples(cls) -> tuple[()]:
        return ()
