"""One cycle's scores by hand: the export files in, the rows of idx_scores out, nothing between.

What the house is measured against (docs/performance.md): the method (docs/method.md 1-5) as one
plain script in DuckDB's SQL that shares no code with the project. Belongs here: what a score needs.
Doesn't: landing, checks, lineage, disclosure, workbooks, hashed identifiers, anything kept.

Three things make it fast. Answers lie in one column a question, as whole multiples of 1/unit. What
is asked depends on the respondent's category and on the levels that a domain rates, so each such
group has a statement of its own that holds its questions only. And influences (method.md 5) are
computed storey by storey of the score's tree, not item by item for every component.

    python benchmarks/by_hand.py <landing> <seeds> <cycle_id> <scores.parquet>
"""

import csv
import math
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import groupby
from pathlib import Path

import duckdb
import pyarrow as pa
from scipy.special import stdtrit  # type: ignore[import-untyped]

DEMOGRAPHICS = ("gender", "age_group", "rank_group", "tenure_group")
CODED = ("is_complete", "is_test", "unit_id", "recipient_category_id", "role_id", *DEMOGRAPHICS)
HEADLINE = "penerima"
TRUE = "('1', 'true', 'yes', 'y')"
DATES = {"ymd": ["%Y-%m-%d", "%Y/%m/%d"], "dmy": ["%Y-%m-%d", "%d/%m/%Y"], "mdy": ["%m/%d/%Y"]}
WHOLE_NUMBER = "^[+]?0*([0-9]+)([.,](0{0,2}|0{4,}))?$"
UNSAID = {"not_available": "0", "not_used": "0", "blank": "null"}

Row = dict[str, str]
Node = tuple[str, str | None, str | None, str | None]
"""component_type, service_id, perspective_id, item_id"""


class Seeds:
    """The seeds that a cycle's scores need."""

    def __init__(self, folder: Path, cycle_id: str) -> None:
        """Read them, and refuse the few things that this script doesn't do."""

        def rows(name: str, **wanted: str) -> list[Row]:
            with (folder / f"{name}.csv").open(encoding="utf-8-sig", newline="") as file:
                found = csv.DictReader(file)
                return [row for row in found if all(row[key] == wanted[key] for key in wanted)]

        (self.cycle,) = rows("survey_cycles", cycle_id=cycle_id)
        of_method = {"method_id": self.cycle["method_id"]}
        (self.method,) = rows("methods", **of_method)
        self.modes = sorted({"none", self.method["weighting_mode"]})
        self.is_by_unit = self.method.get("poststrata") == "unit"
        self.parameters = {
            row["parameter"]: float(row["value"]) for row in rows("method_parameters", **of_method)
        }
        self.weights = {
            (row["component_type"], row["component_id"]): float(row["weight"])
            for row in rows("index_weights", **of_method)
        }
        self.bands = rows("band_schemes", band_scheme_id=self.method["band_scheme_id"])
        self.sources = rows("survey_sources", cycle_id=cycle_id, kind="landing")
        self.profiles = {row["profile_id"]: row for row in rows("export_profiles")}
        self.columns = rows("export_columns")
        self.codes: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
        for row in rows("export_codes"):
            codes = self.codes[row["profile_id"], row["target"]]
            codes[row["source_value"].strip()] = row["code"].strip()
        self.roles = [row["role_id"] for row in rows("roles")]
        self.hears: dict[str, set[str]] = defaultdict(set)
        for row in rows("category_audiences"):
            self.hears[row["recipient_category_id"]].add(row["audience_id"])
        day = self.cycle["opens_on"]
        self.units = {
            row["unit_id"]: row
            for row in rows("units")
            if row["valid_from"] <= day <= (row["valid_to"] or "9999")
        }
        self.questions = rows("questions", instrument_id=self.cycle["instrument_id"])
        self.levels = sorted({row["provider_level_id"] for row in self.questions})
        self.unit = math.lcm(
            *(int(row["scale_max"]) - int(row["scale_min"]) for row in self.questions)
        )
        if any(row["action"] == "reject" for row in rows("response_rules", **of_method)):
            raise SystemExit("by_hand.py has no flag that rejects a response (response_rules.csv)")
        if any(row.get("asks") not in (None, "", "performance") for row in self.questions):
            raise SystemExit("by_hand.py knows questions about performance only (questions.csv)")

    @cached_property
    def components(self) -> dict[Node, int]:
        """The nodes of the score's tree, numbered."""
        nodes: set[Node] = {("index", None, None, None)}
        for question in self.questions:
            service, perspective = question["service_id"], question["perspective_id"]
            nodes |= {("service", service, None, None), ("perspective", None, perspective, None)}
            nodes |= {("service_perspective", service, perspective, None)}
            nodes |= {("item", service, perspective, question["item_id"])}
        order = sorted(nodes, key=lambda node: tuple(part or "" for part in node))
        return {node: number for number, node in enumerate(order)}

    @cached_property
    def edges(self) -> list[tuple[int, int, int, int, float]]:
        """The tree's edges: number, storey, parent, child, weight; the lower storey first."""
        found = []
        for (kind, service, perspective, item), child in self.components.items():
            cell: Node = ("service_perspective", service, perspective, None)
            of_service: Node = ("service", service, None, None)
            across: Node = ("perspective", None, perspective, None)
            above: dict[str, list[tuple[int, Node, tuple[str, str]]]] = {
                "item": [(1, cell, ("item", item or ""))],
                "service_perspective": [
                    (2, of_service, ("perspective", perspective or "")),
                    (2, across, ("service", service or "")),
                ],
                "service": [(3, ("index", None, None, None), ("service", service or ""))],
            }
            for storey, parent, weighed in above.get(kind, []):
                weight = self.weights.get(weighed, 1.0)
                found.append((storey, self.components[parent], child, weight))
        return [(number, *edge) for number, edge in enumerate(sorted(found))]

    def providers(self, unit_id: str) -> dict[str, str]:
        """Return the nearest unit of each level, going up from the unit itself (method.md 1.4)."""
        nearest: dict[str, str] = {}
        while unit_id in self.units:
            nearest.setdefault(self.units[unit_id]["unit_level_id"], unit_id)
            unit_id = self.units[unit_id]["parent_unit_id"]
        return nearest

    def domains_of_units(self) -> Iterator[tuple[str, tuple[str, str], frozenset[str]]]:
        """Yield unit_id, domain and levels: the domains that a unit's staff speak for by rating."""
        for unit_id, unit in self.units.items():
            levels: dict[tuple[str, str], set[str]] = defaultdict(set)
            for level, provider in self.providers(unit_id).items():
                region = self.units[provider]["region_id"]
                for domain in (
                    ("provider_level", level),
                    ("provider_unit", provider),
                    ("provider_region", region),
                    ("provider_region_level", f"{region}|{level}"),
                    ("direction", f"{unit['unit_level_id']}>{level}"),
                ):
                    levels[domain].add(level)
            for domain, rated in levels.items():
                yield unit_id, domain, frozenset(rated.intersection(self.levels))


class Group:
    """Questions that are asked together, and the part of the tree that stands on them."""

    def __init__(self, seeds: Seeds, questions: Iterable[tuple[int, Row]]) -> None:
        """Find each item's columns q_<n>, and the items (leaves) below each component."""
        numbers = {node[3]: number for node, number in seeds.components.items() if node[3]}
        self.items: dict[int, list[str]] = defaultdict(list)
        for n, question in questions:
            self.items[numbers[question["item_id"]]].append(f"q_{n}")
        self.leaves = {item: [item] for item in self.items}
        self.edges = []
        for number, storey, parent, child, _ in seeds.edges:
            if child in self.leaves:
                self.edges.append((number, storey, parent, child))
                below = self.leaves.setdefault(parent, [])
                below += [item for item in self.leaves[child] if item not in below]

    def ratings(self) -> str:
        """Return the columns y_<item> and v_<item> of a respondent (method.md 3)."""
        return ", ".join(
            f"{' + '.join(columns)} as y_{item}, "
            f"{' + '.join(f'({column} > 0)::utinyint' for column in columns)} as v_{item}"
            for item, columns in self.items.items()
        )

    def influences(self, source: str) -> str:
        """Return SELECT * with z_<component>, the influence on each, storey by storey.

        An item's is not divided by its weighted count yet: the edges above it hold that.
        """
        items = ", ".join(f"y_{i} - ratio_{i} * v_{i} as z_{i}" for i in self.items)
        sql = f"select *, {items} from ({source})"
        for _, storey in groupby(self.edges, key=lambda edge: edge[1]):
            terms: dict[int, list[str]] = defaultdict(list)
            for number, _, parent, child in storey:
                terms[parent].append(f"share_{number} * z_{child}")
            sums = ", ".join(f"{' + '.join(each)} as z_{parent}" for parent, each in terms.items())
            sql = f"select *, {sums} from ({sql})"
        return sql


def table(
    con: duckdb.DuckDBPyConnection, name: str, columns: str, rows: Sequence[Sequence[object]]
) -> None:
    """Make a small table of Python rows; the columns' names are set apart by blanks."""
    lists = map(list, zip(*rows, strict=True))
    con.register("rows", pa.table(dict(zip(columns.split(), lists, strict=True))))
    con.execute(f"create temp table {name} as from rows")
    con.unregister("rows")


def text(value: object) -> str:
    """Quote an SQL text."""
    return "'" + str(value).replace("'", "''") + "'"


def trimmed(column: str) -> str:
    """Trim blanks, non-breaking ones too."""
    return f"trim({column}, ' ' || chr(160) || chr(9) || chr(10) || chr(13))"


# --- 1. From a raw answer to a valid answer ------------------------------------------------------


def read_answers(con: duckdb.DuckDBPyConnection, seeds: Seeds, landing: Path) -> None:
    """Make `answers`, a row a response: attributes, and q_<n> NULL, 0 (no rating) or the score."""
    audiences = sorted({question["audience_id"] for question in seeds.questions})
    has = [f"has_{level}" for level in seeds.levels]
    units = [
        (
            unit_id,
            row["unit_level_id"],
            row["region_id"],
            *(level in seeds.providers(unit_id) for level in seeds.levels),
        )
        for unit_id, row in seeds.units.items()
    ]
    table(con, "units", f"unit_id unit_level_id region_id {' '.join(has)}", units)
    hearing = [
        (c, *(audience in heard for audience in audiences)) for c, heard in seeds.hears.items()
    ]
    table(
        con,
        "categories",
        f"recipient_category_id {' '.join(f'hears_{a}' for a in audiences)}",
        hearing,
    )
    unit_codes = [
        (profile_id, word, code)
        for (profile_id, target), codes in seeds.codes.items()
        for word, code in codes.items()
        if target == "unit_id"
    ]
    table(con, "unit_codes", "profile_id word code", unit_codes)
    exports = []
    landed = {path for each in seeds.sources for path in landing.glob(each["location"])}
    in_order = [str(path) for path in sorted(landed, key=by_name)]
    for source in seeds.sources:
        paths = sorted(landing.glob(source["location"]))
        if any(path.suffix != ".csv" for path in paths):
            raise SystemExit(f"by_hand.py reads CSV only, not {source['location']}")
        if paths:
            profile = seeds.profiles[source["profile_id"]]
            exports.append(export_select(seeds, profile, source["location"], paths, in_order))
    routes: dict[str, list[int]] = defaultdict(list)
    for n, question in enumerate(seeds.questions):
        routes[f"hears_{question['audience_id']} and has_{question['provider_level_id']}"].append(n)
    flags = ", ".join(f"coalesce({route}, false) as on_{r}" for r, route in enumerate(routes))
    answers = ", ".join(
        f"case when on_{r} then q_{n} end as q_{n}"
        for r, ns in enumerate(routes.values())
        for n in ns
    )
    con.execute(f"""
        create temp table answers as
        with placed as (
            select
                exported.*,
                units.unit_level_id,
                {base_stratum(seeds, "exported")} as base_stratum_id,
                categories.recipient_category_id is not null as is_category_known,
                {flags},
            from ({" union all ".join(exports)}) as exported
            left join units using (unit_id)
            left join categories
                on categories.recipient_category_id = exported.recipient_category_id
        ),
        routed as (select * replace ({answers}) from placed)
        select
            * exclude ({", ".join(f"on_{r}" for r in range(len(routes)))}),
            {" + ".join(f"(q_{n} is not null)::utinyint" for n in range(len(seeds.questions)))}
                as answered_count,
            {" + ".join(f"{len(ns)} * on_{r}::utinyint" for r, ns in enumerate(routes.values()))}
                as routed_count,
        from routed
    """)


def header_of(path: Path) -> tuple[str, tuple[str, ...]]:
    """Return a file's delimiter, under which its header is widest, and its headings."""
    found = []
    for delimiter in ",;\t":
        with path.open(encoding="utf-8-sig", newline="") as file:
            found.append((delimiter, tuple(next(csv.reader(file, delimiter=delimiter)))))
    return max(found, key=lambda header: len(header[1]))


def by_name(path: Path) -> list[tuple[list[str | int], str]]:
    """Return the key of a file's place in a pull: by name, numbers in it as numbers."""
    return [
        ([int(s) if at % 2 else s for at, s in enumerate(re.split("([0-9]+)", Path(part).stem))],
         Path(part).suffix)
        for part in path.parts
    ]  # fmt: skip


def export_select(
    seeds: Seeds, profile: Row, location: str, paths: list[Path], in_order: list[str]
) -> str:
    """Return SELECT: one tool's files under our names, codes translated, times read."""
    headers = {header_of(path) for path in paths}
    if len(headers) > 1:
        raise SystemExit(f"the files of {profile['profile_id']} have different columns")
    ((delimiter, names),) = headers
    types = ", ".join(f"{text(name)}: 'VARCHAR'" for name in names)
    export = f"""read_csv({[str(path) for path in paths]}, auto_detect = false, header = true,
        delim = {text(delimiter)}, quote = '"', escape = '"', columns = {{{types}}},
        filename = 'export_file')"""

    quoted = {" ".join(name.split()): '"' + name.replace('"', '""') + '"' for name in names}
    cell = {
        row["target"]: quoted[" ".join(row["source_column"].split())]
        for row in seeds.columns
        if row["profile_id"] == profile["profile_id"] and row["target_kind"] != "ignore"
    }
    value = defaultdict(lambda: "null::varchar")
    for target, column in cell.items():
        plain = f"nullif({trimmed(column)}, '')"
        codes = seeds.codes[profile["profile_id"], target]
        words = " ".join(f"when {text(word)} then {text(code)}" for word, code in codes.items())
        if target == "unit_id":  # hundreds of words: a join
            value[target] = f"coalesce(unit_codes.code, {plain})"
        elif words:
            value[target] = f"case {column} {words} else case {plain} {words} else {plain} end end"
        else:
            value[target] = plain
    if "role_id" not in cell:
        value["role_id"] = text(HEADLINE)
    if "recipient_category_id" not in cell and len(seeds.hears) == 1:
        value["recipient_category_id"] = text(*seeds.hears)
    formats = [
        d + t for d in DATES[profile["date_order"] or "dmy"] for t in (" %H:%M:%S", " %H:%M")
    ]
    is_complete = f"lower({value['is_complete']}) in {TRUE}" if "is_complete" in cell else "true"
    if "submitted_at" in cell:
        is_complete += f" and {value['submitted_at']} is not null"
    scores = ", ".join(
        f"{score_of_cell(seeds, question, profile, cell.get(question['question_id']))} as q_{n}"
        for n, question in enumerate(seeds.questions)
    )
    return f"""
        select
            {value["respondent_identifier"]} as respondent,
            {text(profile["profile_id"] + " " + location)} as source,
            regexp_replace({value["response_id"]}, '{WHOLE_NUMBER}', '\\1') as response_id,
            -- DuckDB keeps the order of a file's rows, not always that of files.
            list_position({in_order}, export.export_file) as export_file,
            -- LimeSurvey writes 1980 where a response is complete and its date was not kept.
            coalesce({value["submitted_at"]} like '1980-01-01 00:00%', {"submitted_at" not in cell})
                as is_date_unknown,
            case when not is_date_unknown then try_strptime({value["submitted_at"]}, {formats}) end
                as local_time,
            timezone({text(profile["timezone"])}, local_time) as submitted_at,
            {is_complete} as is_complete,
            coalesce(lower({value["is_test"]}) in {TRUE}, false) as is_test,
            {", ".join(f"{value[attribute]} as {attribute}" for attribute in CODED[2:])},
            {scores},
        from {export} as export
        left join unit_codes
            on unit_codes.profile_id = {text(profile["profile_id"])}
            and unit_codes.word = {trimmed(cell["unit_id"])}
    """


def score_of_cell(seeds: Seeds, question: Row, profile: Row, cell: str | None) -> str:
    """Return the SQL of one answer: its score in 1/unit, 0 for no rating, NULL for no answer."""
    if cell is None:
        return "null::usmallint"
    low, high = int(question["scale_min"]), int(question["scale_max"])
    is_reverse = question["is_reverse_scored"].lower() in ("true", "1", "t")

    def score(code: float) -> str:
        if code != int(code) or not low <= code <= high:
            return "null"
        share = 3 * seeds.unit * (int(code) - low) // (high - low)
        return str(4 * seeds.unit - share if is_reverse else seeds.unit + share)

    codes = seeds.codes[profile["profile_id"], "*"]
    codes = codes | seeds.codes[profile["profile_id"], question["question_id"]]
    said = {word: UNSAID.get(code) or score(float(code)) for word, code in codes.items()}
    mark = profile["decimal"] or "."
    said = {f"{c}{end}": score(c) for end in ("", f"{mark}0") for c in range(low, high + 1)} | said
    words = sorted(said, key=lambda word: word not in codes)  # the tool's own first
    cases = " ".join(f"when {text(word)} then {said[word]}" for word in words)
    number = f"'^[+]?(-?)0*([0-9]+)([{mark}]0*)?$'"
    # Almost every cell is a known word as it stands: only the others are trimmed and parsed.
    return f"""(case when {cell} is not null then case {cell} when '' then null {cases} else
        case regexp_replace({trimmed(cell)}, {number}, '\\1\\2') {cases} end end end)::usmallint"""


def judge(con: duckdb.DuckDBPyConnection, seeds: Seeds) -> None:
    """Make `accepted`: the responses that count, by rowid of `answers`."""
    opens, closes = text(seeds.cycle["opens_on"]), text(seeds.cycle["closes_on"])
    con.execute(f"""
        create temp table passed as
        select rowid as response, role_id, base_stratum_id, respondent
        from answers
        where
            not is_test and is_complete
            and (is_date_unknown or local_time::date between {opens}::date and {closes}::date)
            and unit_level_id is not null and is_category_known
            and role_id in ({", ".join(map(text, seeds.roles))})
            and answered_count >= {seeds.parameters.get("min_answered_share", 0.5)} * routed_count
            -- Of a response that lies in several exports the last one.
            and rowid not in (
                select unnest(list(rowid order by export_file, rowid)[:-2]) from answers
                where response_id is not null group by source, response_id having count(*) > 1
            )
    """)
    # Who sent again: the last; of equal times a source's highest number; then the row further on.
    con.execute("""
        create temp table accepted as
        with again as (
            select respondent from passed where respondent is not null
            group by all having count(*) > 1
        ),
        sent as (
            select
                rowid as response, respondent, submitted_at, export_file,
                try_cast(response_id as hugeint) as number,
                number is not null and rank() over (
                    partition by respondent, submitted_at, source order by number desc nulls last
                ) > 1 as is_lower,
            from answers
            where rowid in (select response from passed semi join again using (respondent))
        )
        select response, role_id, base_stratum_id from passed
        where response not in (
            select response from sent
            qualify row_number() over (
                partition by respondent
                order by submitted_at desc nulls last, is_lower, export_file desc, response desc
            ) > 1
        )
    """)


# --- 2. Strata and weights -----------------------------------------------------------------------


def base_stratum(seeds: Seeds, of: str) -> str:
    """Return the SQL of a base stratum's id, of a relation with unit and category beside units."""
    parts = ["coalesce(units.region_id, '')", "units.unit_level_id", f"{of}.recipient_category_id"]
    return " || '|' || ".join([*parts, f"{of}.unit_id"] if seeds.is_by_unit else parts)


def weigh(con: duckdb.DuckDBPyConnection, seeds: Seeds, landing: Path) -> None:
    """Make `strata` (base to final, numbered) and `weights` (a row a mode and final stratum)."""
    frame = landing / seeds.cycle["cycle_id"] / "staff_frame.csv"
    least = seeds.parameters.get("min_stratum_n", 5)
    con.execute(f"""
        create temp table strata as
        with counted as (
            select
                role_id,
                {base_stratum(seeds, "frame")} as base_stratum_id,
                staff_count::bigint as staff,
                0 as n,
            from read_csv({text(frame)}, all_varchar = true, header = true) as frame
            inner join units using (unit_id)
            union all
            select role_id, base_stratum_id, 0 as staff, 1 as n from accepted
        ),
        base as (
            select
                role_id,
                base_stratum_id,
                split_part(base_stratum_id, '|', 2) as level,
                level || '|' || split_part(base_stratum_id, '|', 3) as kind,
                split_part(base_stratum_id, '|', 1) || '|' || kind as place,
                sum(staff)::bigint as staff,
                sum(n)::bigint as n,
            from counted
            where staff > 0 or n > 0
            group by all
        ),
        -- Units' strata join within their place first; strata by place are one in it.
        placed as (
            select
                *,
                sum(n) filter (n < {least}) over of_place as few,
                case
                    when n >= {least} or count(*) over of_place = 1 then base_stratum_id
                    when max(n) over of_place < {least} then place
                    when few >= {least} then place || '|joined'
                    else first_value(base_stratum_id) over (
                        of_place order by n desc, base_stratum_id
                    )
                end as place_id,
                sum(n) over of_place < {least} as is_few,
            from base
            window of_place as (partition by role_id, place)
        ),
        joined as (
            select
                *,
                is_few and count(distinct place) filter (is_few) over (partition by role_id, kind)
                    > 1 as is_joined,
                case when is_joined then kind || '|joined' else place_id end as joined_id,
            from placed
        ),
        grown as (
            select *, sum(n) over (partition by role_id, joined_id) as joined_n from joined
        ),
        final as (
            select
                *,
                case
                    when joined_n >= {least} then joined_id
                    when max(joined_n) over of_level >= {least} then first_value(joined_id) over (
                        of_level order by joined_n desc, joined_id
                    )
                    else first_value(joined_id) over (
                        partition by role_id order by joined_n desc, joined_id
                    )
                end as stratum_id,
            from grown
            window of_level as (partition by role_id, level)
        )
        select
            role_id,
            base_stratum_id,
            dense_rank() over (order by role_id, stratum_id)::integer as stratum,
            sum(staff) over (partition by role_id, stratum_id)::bigint as staff,
            sum(n) over (partition by role_id, stratum_id)::bigint as n,
            sum(staff) over (partition by role_id)::bigint as staff_of_role,
        from final
    """)
    con.execute(f"""
        create temp table weights as
        select distinct
            mode,
            stratum,
            staff,
            n,
            case when mode = 'none' or staff_of_role = 0 then 1e0 else staff / n end as weight,
            case
                when staff_of_role = 0 then 0e0
                when staff = 0 then 1e0
                else least(1e0, n / staff)
            end as fraction,
        from strata
        cross join (select unnest({seeds.modes}) as mode)
        where n > 0
    """)


# --- 3. Who speaks for which domain, sums by domain and stratum, scores --------------------------


def route(con: duckdb.DuckDBPyConnection, seeds: Seeds) -> dict[str, tuple[Group, str]]:
    """Make `ratings` (accepted responses with the keys that lead to domains), `domains`, `routes`.

    Returns the groups by name, each with the SELECT of its respondents' key, stratum, y and v.
    """
    every = frozenset(seeds.levels)
    routes = [
        (("unit_id", unit_id), domain, levels)
        for unit_id, domain, levels in seeds.domains_of_units()
        if levels
    ]
    for role in seeds.roles:
        for category in seeds.hears:
            position = ("position", f"{role}|{category}")
            routes.append((position, ("role", role), every))
            for level in seeds.levels if role != HEADLINE else []:
                domain = ("role_provider_level", f"{role}|{level}")
                routes.append((position, domain, frozenset({level})))
            if role == HEADLINE:
                routes.append((position, ("national", "national"), every))
                routes.append((position, ("recipient_category", category), every))
    for attribute in DEMOGRAPHICS:
        for (value,) in con.execute(f"select distinct {attribute} from answers").fetchall():
            if value is not None:
                routes.append(((attribute, value), (attribute, value), every))
    keys = {key: n for n, key in enumerate(dict.fromkeys(key for key, _, _ in routes))}
    domains = {
        domain: n for n, domain in enumerate(dict.fromkeys(domain for _, domain, _ in routes))
    }
    table(con, "keys", "attribute value key", [(*key, n) for key, n in keys.items()])
    table(con, "domains", "domain_type domain_id domain", [(*d, n) for d, n in domains.items()])
    named = [(keys[key], domains[domain], "|".join(sorted(ls))) for key, domain, ls in routes]
    table(con, "routes", "key domain levels", named)

    values = {"unit_id": "unit_id", "position": "answers.role_id || '|' || recipient_category_id"}
    values |= {attribute: attribute for attribute in DEMOGRAPHICS}
    joins = ""
    for attribute, value in values.items():
        joins += f"""
            left join keys as key_{attribute}
                on key_{attribute}.attribute = {text(attribute)}
                and key_{attribute}.value = {value}"""
        if attribute != "position":
            joins += f" and answers.role_id = {text(HEADLINE)}"
    con.execute(f"""
        create temp table ratings as
        select
            recipient_category_id,
            stratum,
            [{", ".join(f"key_{attribute}.key" for attribute in values)}] as keys,
            {", ".join(f"coalesce(q_{n}, 0) as q_{n}" for n in range(len(seeds.questions)))},
        from answers
        inner join accepted on accepted.response = answers.rowid
        inner join strata
            on strata.role_id = accepted.role_id
            and strata.base_stratum_id = accepted.base_stratum_id
        {joins}
    """)
    con.execute("drop table answers")
    groups = {}
    for levels in sorted({levels for _, _, levels in routes}, key=sorted):
        # About some levels speak a recipient's unit, or another role's position: never both.
        key = "unnest(keys)" if levels == every else "coalesce(keys[1], keys[2])"
        for category, heard in seeds.hears.items():
            asked = [
                (n, question)
                for n, question in enumerate(seeds.questions)
                if question["audience_id"] in heard and question["provider_level_id"] in levels
            ]
            if asked:
                group = Group(seeds, asked)
                ratings = f"""
                    select {key} as key, stratum, {group.ratings()}
                    from ratings where recipient_category_id = {text(category)}
                """
                groups[f"{category}:{'|'.join(sorted(levels))}"] = group, ratings
    return groups


def score(
    con: duckdb.DuckDBPyConnection, seeds: Seeds, groups: dict[str, tuple[Group, str]]
) -> None:
    """Make `sums` (a row a domain and stratum, y, v and n in columns) and `scores`."""
    selects = []
    for name, (group, ratings) in groups.items():
        sums = [f"sum({part}_{i}) as {part}_{i}" for i in group.items for part in "yv"]
        for component, leaves in group.leaves.items():
            rated = " + ".join(f"v_{item}" for item in leaves)
            sums.append(f"sum(({rated} > 0)::utinyint) as n_{component}")
        selects.append(f"""
            select domain, by_key.* exclude (key)
            from (select key, stratum, {", ".join(sums)} from ({ratings}) group by all) as by_key
            inner join routes on routes.key = by_key.key and levels = {text(name.split(":")[1])}
        """)
    con.execute(f"""
        create temp table sums as
        select domain, stratum, coalesce(sum(columns('^[yvn]_')), 0)::bigint as '\\0'
        from ({" union all by name ".join(selects)})
        group by all
    """)
    whole = Group(seeds, enumerate(seeds.questions))
    pairs = ", ".join(f"(y_{i}, v_{i}) as '{i}'" for i in whole.items)
    least_share = seeds.parameters.get("min_weight_share", 2 / 3) - 1e-12
    table(con, "edges", "edge storey parent child weight", seeds.edges)

    def storey(number: int, children: str) -> str:
        return f"""
            select
                mode,
                domain,
                parent as component,
                sum(weight) as weight_with_value,
                sum(weight) / any_value(weight_of_children) as weight_share,
                case
                    when sum(weight) / any_value(weight_of_children) >= {least_share}
                        then sum(weight * score) / sum(weight)
                end as score,
                null::double as x,
            from {children}
            inner join weighed_edges on child = component and storey = {number}
            where score is not null
            group by all
        """

    con.execute(f"""
        create temp table scores as
        with weighed_edges as (
            select *, sum(weight) over (partition by parent) as weight_of_children from edges
        ),
        items as (
            select
                mode,
                domain,
                component::bigint as component,
                null::double as weight_with_value,
                null::double as weight_share,
                sum(weight * y) / {seeds.unit} / nullif(sum(weight * v), 0) as score,
                sum(weight * v) as x,
            from (unpivot sums on {pairs} into name component value y, v)
            inner join weights using (stratum)
            where v > 0
            group by all
        ),
        service_perspectives as ({storey(1, "items")}),
        services_and_perspectives as ({storey(2, "service_perspectives")}),
        indexes as ({storey(3, "services_and_perspectives")})
        from items
        union all from service_perspectives
        union all from services_and_perspectives
        union all from indexes
    """)


# --- 5. Uncertainty ------------------------------------------------------------------------------


def linearise(
    con: duckdb.DuckDBPyConnection, seeds: Seeds, groups: dict[str, tuple[Group, str]]
) -> None:
    """Make `variances`: Taylor linearisation, stratified, with finite population correction."""
    whole = Group(seeds, enumerate(seeds.questions))
    ratios = ", ".join(
        f"coalesce({seeds.unit} * max(score) filter (component = {i}), 0) as ratio_{i}"
        for i in whole.items
    )
    shares = ", ".join(
        f"coalesce(max(share) filter (edge = {edge}), 0) as share_{edge}"
        for edge, *_ in whole.edges
    )
    con.execute(f"""
        create temp table coefficients as
        with ratios as (select mode, domain, {ratios} from scores group by all),
        linked as (
            select
                mode,
                domain,
                edge,
                weight / parents.weight_with_value
                    / case when storey = 1 then {seeds.unit} * children.x else 1 end as share,
            from edges
            inner join scores as children on children.component = child
            inner join scores as parents using (mode, domain)
            where parents.component = parent and children.score + parents.score is not null
        ),
        shares as (select mode, domain, {shares} from linked group by all)
        select * from ratios inner join shares using (mode, domain)
    """)
    selects = []
    for name, (group, ratings) in groups.items():
        used = [f"ratio_{item}" for item in group.items] + [f"share_{e}" for e, *_ in group.edges]
        source = f"""
            select ratings.*, led.* exclude (key)
            from ({ratings}) as ratings
            inner join (
                select key, mode, domain, {", ".join(used)}
                from routes inner join coefficients using (domain)
                where levels = {text(name.split(":")[1])}
            ) as led using (key)
        """
        squares = ", ".join(f"sum(z_{c} * z_{c}) as square_{c}" for c in group.leaves)
        selects.append(f"""
            select mode, domain, stratum, {squares} from ({group.influences(source)}) group by all
        """)
    # Where everybody's influence is the same, what is left of the difference is rounding.
    terms = ", ".join(
        f"sum(factor * (square_{c} - z_{c} * z_{c} / n)) "
        f'filter (square_{c} - z_{c} * z_{c} / n > 1e-12 * square_{c}) as "{c}"'
        for c in whole.leaves
    )
    con.execute(f"""
        create temp table variances as
        with squares as (
            select mode, domain, stratum, sum(columns('^square_')) as '\\0'
            from ({" union all by name ".join(selects)})
            group by all
        ),
        means as ({whole.influences("from sums inner join coefficients using (domain)")}),
        factors as (
            select *, (1 - fraction) * n / nullif(n - 1, 0) * weight * weight as factor from weights
        ),
        wide as (
            select mode, domain, {terms}
            from squares
            inner join means using (mode, domain, stratum)
            inner join factors using (mode, stratum)
            group by all
        )
        select mode, domain, component::bigint as component, variance
        from (unpivot wide on columns('^[0-9]+$') into name component value variance)
    """)


# --- Figures beside the score, 4. bands ----------------------------------------------------------


def finish(con: duckdb.DuckDBPyConnection, seeds: Seeds, target: Path) -> None:
    """Write the rows of idx_scores."""
    nodes = [(*node, number) for node, number in seeds.components.items()]
    table(con, "components", "component_type service_id perspective_id item_id component", nodes)
    bands = [(row["band"], float(row["lower_100"]), float(row["upper_100"])) for row in seeds.bands]
    table(con, "bands", "band low high", bands)
    leaves = Group(seeds, enumerate(seeds.questions)).leaves
    rated = ", ".join(f'n_{component} as "{component}"' for component in leaves)
    answered = ", ".join(
        f'{" + ".join(f"v_{item}" for item in items)} as "{component}"'
        for component, items in leaves.items()
    )
    con.execute(f"""
        create temp table estimates as
        with rated as (
            select stratum, domain, component::bigint as component, rated,
            from (unpivot (select domain, stratum, {rated} from sums)
                on columns('^[0-9]+$') into name component value rated)
            where rated > 0
        ),
        answered as (
            select domain, component::bigint as component, sum(answers)::bigint as answer_count,
            from (unpivot (select domain, {answered} from sums)
                on columns('^[0-9]+$') into name component value answers)
            group by all
        ),
        bases as (
            select
                mode,
                domain,
                component,
                sum(rated)::bigint as respondent_count,
                sum(rated)::bigint - count(*) as df,
                sum(weight * rated) as w,
                sum(weight * weight * rated) as ww,
                bool_or(n = 1 and staff <> 1) as has_lone_respondent,
            from rated
            inner join weights using (stratum)
            group by all
        ),
        middles as (
            select mode, 'equal_level' as domain_type, avg(score) as score,
            from scores inner join domains using (domain) inner join components using (component)
            where component_type = 'index' and domain_type = 'provider_level'
            group by mode
        )
        select
            mode as weighting_mode, domain_type, domain_id, component_type, service_id,
            perspective_id, item_id, score, df, respondent_count, answer_count,
            w * w / nullif(ww, 0) as effective_respondent_count,
            respondent_count * ww / nullif(w * w, 0) as design_effect,
            case when component_type <> 'item' then coalesce(weight_share, 0) end as weight_share,
            case
                when df >= 1 and score is not null and not has_lone_respondent
                    then sqrt(coalesce(variance, 0))
                    / case when component_type = 'item' then {seeds.unit} * x else 1 end
            end as se,
        from bases
        inner join answered using (domain, component)
        inner join domains using (domain)
        inner join components using (component)
        left join scores using (mode, domain, component)
        left join variances using (mode, domain, component)
        union all by name
        select
            mode as weighting_mode, domain_type, 'national' as domain_id, 'index' as component_type,
            score,
        from middles
        where score is not null
    """)
    degrees = con.execute("select distinct df from estimates where df >= 1").fetchall()
    at = (1 + seeds.parameters.get("ci_level", 0.95)) / 2
    quantiles = [(df, float(stdtrit(df, at))) for (df,) in degrees]
    table(con, "quantiles", "df t", [(0, math.nan), *quantiles])

    def band(score: str) -> str:
        rounded = f"floor(2500 * {score} + 0.5 + 1e-9) / 100"
        return f"(select band from bands where {rounded} between low - 1e-6 and high + 1e-6)"

    con.execute(f"""
        copy (
            with bounded as (
                select
                    *,
                    case when se is not null then 'wald' end as ci_method,
                    case when se is not null then greatest(1, score - t * se) end as ci_low,
                    case when se is not null then least(4, score + t * se) end as ci_high,
                from estimates
                left join quantiles using (df)
            )
            select
                {text(seeds.cycle["cycle_id"])} as cycle_id,
                {text(seeds.method["method_id"])} as method_id,
                * exclude (t),
                25 * score as score_100,
                {band("score")} as band,
                case when ci_high - ci_low > 1e-9 then {band("ci_low")} = {band("ci_high")} end
                    as is_band_certain,
                case when score is null then 'too_few_children' end as null_reason,
            from bounded
        ) to {text(target)} (format parquet)
    """)


def main(landing: Path, seeds_dir: Path, cycle_id: str, target: Path) -> None:
    """Read, judge, weigh, score, write."""
    seeds = Seeds(seeds_dir, cycle_id)
    with duckdb.connect() as con:
        read_answers(con, seeds, landing)
        judge(con, seeds)
        weigh(con, seeds, landing)
        groups = route(con, seeds)
        score(con, seeds, groups)
        linearise(con, seeds, groups)
        finish(con, seeds, target)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], Path(sys.argv[4]))
