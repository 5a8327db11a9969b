"""The score's tree, written down a second time: what share each item has in a component.

Belongs here: components as people name them, and method.md 3 as a recursion over services,
perspectives and items. Doesn't: values; who has one is all that matters here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from orchestration.auditing.opening import AuditError

_COMPONENT_KEYS = {
    "index": (),
    "service": ("service_id",),
    "perspective": ("perspective_id",),
    "service_perspective": ("service_id", "perspective_id"),
    "item": ("item_id",),
}


@dataclass(frozen=True)
class Component:
    """A part of the score's tree: its type and the ids that name it."""

    component_type: str
    ids: Mapping[str, str]

    @property
    def name(self) -> str:
        """As it is typed: `index`, `service=sdm`, `service_perspective=sdm/reliability`."""
        return "=".join(filter(None, [self.component_type, "/".join(self.ids.values())]))

    @classmethod
    def named(cls, name: str) -> "Component":
        """Return the component of that name, or raise AuditError that says how names look."""
        component_type, _, value = name.partition("=")
        keys = _COMPONENT_KEYS.get(component_type)
        ids = value.split("/") if value else []
        if keys is None or len(ids) != len(keys):
            raise AuditError(
                f"Komponen tidak dikenal / unknown component '{name}': index, service=sdm, "
                "perspective=reliability, service_perspective=sdm/reliability, item=ITEM_ID"
            )
        return cls(component_type, dict(zip(keys, ids, strict=True)))


@dataclass(frozen=True)
class Tree:
    """A cycle's tree of services, perspectives and items, with the weights of index_weights.csv.

    `items` are (service_id, perspective_id, item_id); `weights` by component type and id, 1 where
    there is none.
    """

    items: list[tuple[str, ...]]
    weights: Mapping[tuple[str, str], float]
    min_weight_share: float

    def shares(self, component: Component, rated: set[str]) -> dict[str, float]:
        """Return k_i of the items that have a ratio; none where the component has no score."""
        services = dict.fromkeys(service for service, _, _ in self.items)
        kind, ids = component.component_type, component.ids
        match kind:
            case "item":
                found = self._item(ids["item_id"], rated)
            case "service_perspective":
                found = self._cell(ids["service_id"], ids["perspective_id"], rated)
            case "service":
                found = self._service(ids["service_id"], rated)
            case "perspective":
                found = self._mean(
                    ("service", service, self._cell(service, ids["perspective_id"], rated))
                    for service in services
                )
            case _:
                found = self._mean(
                    ("service", service, self._service(service, rated)) for service in services
                )
        return found or {}

    def _service(self, service: str, rated: set[str]) -> dict[str, float] | None:
        perspectives = dict.fromkeys(p for s, p, _ in self.items if s == service)
        return self._mean(
            ("perspective", perspective, self._cell(service, perspective, rated))
            for perspective in perspectives
        )

    def _cell(self, service: str, perspective: str, rated: set[str]) -> dict[str, float] | None:
        return self._mean(
            ("item", item, self._item(item, rated))
            for s, p, item in self.items
            if (s, p) == (service, perspective)
        )

    @staticmethod
    def _item(item: str, rated: set[str]) -> dict[str, float] | None:
        return {item: 1.0} if item in rated else None

    def _mean(
        self, children: Iterable[tuple[str, str, dict[str, float] | None]]
    ) -> dict[str, float] | None:
        """Merge the children that have a value; None where they carry too little weight."""
        weighted = [(self.weights.get((kind, name), 1.0), below) for kind, name, below in children]
        of_all = sum(weight for weight, _ in weighted)
        with_value = sum(weight for weight, below in weighted if below is not None)
        if with_value == 0 or with_value / of_all < self.min_weight_share - 1e-12:
            return None
        return {
            item: weight / with_value * share
            for weight, below in weighted
            if below is not None
            for item, share in below.items()
        }
