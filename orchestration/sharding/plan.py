"""Which models are computed in shards, and when each of all others is built.

Belongs here: reading the `shards` of models' YAML and putting dbt's nodes in stages. Doesn't:
running any of it (build.py, tasks.py).

A model whose YAML says `config: {meta: {shards: ...}}` is a function of any part of the people:

- `dealt`: dealt to the shards instead of computed (dealing.py);
- `view`: a view in each shard, and over all rows in the warehouse;
- `inside`: rows that no model outside the shards reads; in the warehouse it is empty;
- `rows`: rows that the warehouse holds too: of all shards, one after the other;
- `files`: rows that stay in the shards' files, which the warehouse reads (response_files.py);
- a mapping: sums, which are added up over shards: `by` names their keys, `numbered` the lists among
  them, each with the columns that say what its numbers are about (merging.py).

Every other model is computed once, from the warehouse. `shards_with_previous`: beside the rows of
this cycle shards find those of the previous one, of the same persons.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest

RESPONSES_OF_A_SHARD = 600_000
"""Some 1.5 GB of 68 questions."""
MOST_AT_ONCE = 1_500_000  # a shard costs 4 CPU seconds: memory must need them

DEALT, VIEW, INSIDE, ROWS, FILES = "dealt", "view", "inside", "rows", "files"


@dataclass(frozen=True)
class Stage:
    """Nodes by unique id: what shards compute first, and what dbt builds after it."""

    in_shards: tuple[str, ...]
    built: tuple[str, ...]


def shards_for(response_count: int) -> int:
    """Return in how many shards so many responses are computed where nobody says it."""
    if response_count <= MOST_AT_ONCE:
        return 1
    return -(-response_count // RESPONSES_OF_A_SHARD)


def shards_of(node: Any) -> str | Mapping[str, Any] | None:  # noqa: ANN401  # dbt's nodes
    """Return what a node's YAML says of shards; None where it is computed from the warehouse."""
    said: str | Mapping[str, Any] | None = node.config.meta.get("shards")
    return said


def sums_of(node: Any) -> Mapping[str, Any] | None:  # noqa: ANN401
    """Return how a node's rows are added up over shards; None where they are no sums."""
    said = shards_of(node)
    return said if isinstance(said, Mapping) else None


def has_previous(node: Any) -> bool:  # noqa: ANN401
    """Whether shards find the previous cycle's rows beside this one's."""
    return bool(node.config.meta.get("shards_with_previous"))


def stages(manifest: "Manifest") -> list[Stage]:
    """Return the stages of a build in which each node finds what it reads.

    A model in shards reads shards of the same stage and what earlier ones built; all else reads
    what shards of its own stage brought. The first stage has nothing in shards.
    """
    nodes = {
        unique_id: node
        for unique_id, node in manifest.nodes.items()
        if node.resource_type in ("model", "seed", "test") and node.config.enabled
    }

    @cache
    def stage_of(unique_id: str) -> int:
        parents = [of for of in nodes[unique_id].depends_on_nodes if of in nodes]
        is_sharded = _is_computed_in_shards(nodes[unique_id])
        return max(
            (
                stage_of(of) + (is_sharded and not _is_computed_in_shards(nodes[of]))
                for of in parents
            ),
            default=int(is_sharded),
        )

    @cache
    def depth_of(unique_id: str) -> int:
        parents = [of for of in nodes[unique_id].depends_on_nodes if of in nodes]
        return 1 + max(map(depth_of, parents), default=0)

    ordered = sorted(nodes, key=lambda of: (depth_of(of), of))
    last = max(map(stage_of, nodes), default=0)
    return [
        Stage(
            in_shards=tuple(
                of for of in ordered if stage_of(of) == number and _is_computed_in_shards(nodes[of])
            ),
            built=tuple(of for of in ordered if stage_of(of) == number),
        )
        for number in range(last + 1)
    ]


def _is_computed_in_shards(node: Any) -> bool:  # noqa: ANN401
    return node.resource_type == "model" and shards_of(node) not in (None, DEALT)
