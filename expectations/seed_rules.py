"""What the seeds must agree on, as data: closed lists, keys, references, and queries to be empty.

Belongs here: every demand on the folder of seeds with its sentence. Doesn't: reading the files and
running the rules (expectations/seeds.py), types of columns (models/_seeds.yml declares them).

A `SeedRule` is a query over the seeds, each a table of its name with its columns typed, empty cells
NULL, and `line`, where the row stands in its file. Each row that it finds is a contradiction of the
seed the rule is named for, or of `in_seed`; its columns fill the sentence.

Beside the seeds stand `DERIVED` (orchestration/seeds/seed_expansion.py): `questions` are those that
an instrument asks, taken over from its base or its own.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from orchestration.engine_macros import EngineMacros
from orchestration.metadata.forms import FIELDS, SEED
from orchestration.seeds.seed_expansion import HIGHEST
from orchestration.survey_terms import ATTRIBUTES, HEADLINE_ROLE, PARAMETER_DEFAULTS
from orchestration.words import FaultText


@dataclass(frozen=True)
class SeedRule:
    """A query that must find nothing, and what is said of each row that it finds."""

    name: str
    seed: str
    sql: str
    text: FaultText


# What a folder of seeds may leave out: columns, and cells of the other columns.
OPTIONAL_COLUMNS = {
    "code_lists": ("lower_bound",),
    "export_codes": ("code_list_id",),
    "export_profiles": (
        "instrument_id", "date_order", "delimiter", "encoding", "sheet", "decimal",
        "written_timezone", "identifier_kind",
    ),
    "indexes": ("reported_scale",),
    "methods": ("poststrata", "interval_method", "change_test", "importance"),
    "questions": ("asks", "is_asked"),
    "regions": ("tile_row", "tile_column"),
    SEED: ("cycle_id",),
    "survey_cycles": ("reports",),
    "survey_sources": ("fresh_within_days",),
}  # fmt: skip
MAY_BE_EMPTY = {
    "code_lists": ("source_value",),  # listed_codes_have_a_value_or_a_bound
    "export_codes": ("source_value", "code"),  # codes_are_stated_once demands them
    "export_columns": ("target",),
    "export_profiles": ("description",),
    "methods": ("description",),
    # questions_name_what_they_ask_about demands both ids but of what asks about everything
    "questions": ("question_text", "service_id", "perspective_id"),
    "region_contacts": ("region_id",),
    "regions": ("iso_3166_2", "island_group"),
    SEED: ("value",),
    "survey_cycles": ("previous_cycle_id",),
    "targets": ("unit_level_id",),
    "units": ("unit_type", "region_id", "parent_unit_id", "valid_to"),
    "verifications": ("service_id", "score", "minutes", "standard_minutes", "note"),
}

ONE_OF = {
    ("export_columns", "target_kind"): ("attribute", "question", "ignore"),
    ("export_profiles", "date_order"): ("dmy", "mdy", "ymd"),
    ("export_profiles", "decimal"): (".", ","),
    ("export_profiles", "identifier_kind"): ("nip", "email", "token"),
    ("export_profiles", "tool"): (
        "limesurvey", "kobo", "google_forms", "ms_forms", "qualtrics", "surveymonkey", "spss",
        "plain",
    ),
    ("indexes", "reported_scale"): ("4", "100"),
    ("index_weights", "component_type"): ("service", "perspective", "item"),
    ("follow_ups", "status"): ("planned", "under_way", "done", "dropped"),
    ("method_parameters", "parameter"): tuple(PARAMETER_DEFAULTS),
    ("methods", "weighting_mode"): ("none", "poststrat", "rake"),
    ("methods", "poststrata"): ("region_level", "unit"),
    ("methods", "interval_method"): ("wald", "wilson"),
    ("methods", "change_test"): ("z_independent", "t_overlap"),
    ("methods", "importance"): ("part_whole", "disattenuated"),
    ("questions", "asks"): ("performance", "expectation", "importance", "overall"),
    ("questions", "is_asked"): ("true", "false"),
    ("questions", "is_reverse_scored"): ("true", "false"),
    ("response_rules", "action"): ("reject", "flag"),
    ("response_rules", "reason"): ("straight_lining", "speeding", "category_mismatch"),
    ("survey_cycles", "reports"): ("true", "false"),
    ("survey_cycles", "semester"): tuple(str(number) for number in range(1, 13)),
    ("survey_cycles", "status"): ("planned", "open", "closed", "final"),
    ("survey_sources", "kind"): ("landing", "limesurvey", "kobo", "odk"),
    ("verifications", "source"): ("interview", "document", "service_record"),
}  # fmt: skip

# Ids that name folders, files, partitions, domains or columns of SQL: plain words.
PLAIN_IDS = (
    "cycle_id", "profile_id", "instrument_id", "unit_id", "service_id", "perspective_id",
    "audience_id", "unit_level_id", "provider_level_id", "region_id", "role_id",
)  # fmt: skip

KEYS = {
    "band_schemes": ("band_scheme_id", "band"),
    "category_audiences": ("recipient_category_id", "audience_id"),
    "demographics": ("demographic_id",),
    "export_profiles": ("profile_id",),
    "follow_ups": ("cycle_id", "unit_id", "perspective_id"),
    "index_weights": ("method_id", "component_type", "component_id"),
    "indexes": ("index_id",),
    "instruments": ("instrument_id",),
    "method_parameters": ("method_id", "parameter"),
    "methods": ("method_id",),
    "perspectives": ("index_id", "perspective_id"),
    "questions": ("instrument_id", "question_id"),
    "recipient_categories": ("recipient_category_id",),
    "region_contacts": ("region_id", "address"),
    "regions": ("region_id",),
    "response_rules": ("method_id", "reason"),
    "roles": ("role_id",),
    "services": ("index_id", "service_id"),
    SEED: ("field", "cycle_id"),
    "survey_cycles": ("cycle_id",),
    "survey_sources": ("cycle_id", "profile_id", "kind", "location"),
    "targets": ("index_id", "year", "unit_level_id"),
    "unit_levels": ("unit_level_id",),
    "verifications": ("verification_id",),
}

# Tables that the rules find beside the seeds, and the seeds that they are made of.
DERIVED = {
    "questions": ("questions", "instruments"),
    # The rows of questions.csv as they are written.
    "question_rows": ("questions",),
    # profile_id, target, source_value, code: lists' too; `in_seed` and line where they stand
    "all_codes": ("export_codes", "code_lists"),
    # profile_id, instrument_id: which instruments a profile serves
    "profile_instruments": ("export_profiles", "questions", "instruments"),
}

# seed, column -> the seed and column that must hold its ids
REFERENCES = {
    ("category_audiences", "recipient_category_id"): (
        "recipient_categories", "recipient_category_id",
    ),
    ("export_codes", "profile_id"): ("export_profiles", "profile_id"),
    ("export_columns", "profile_id"): ("export_profiles", "profile_id"),
    ("export_profiles", "instrument_id"): ("questions", "instrument_id"),
    ("follow_ups", "cycle_id"): ("survey_cycles", "cycle_id"),
    ("follow_ups", "perspective_id"): ("perspectives", "perspective_id"),
    ("follow_ups", "unit_id"): ("units", "unit_id"),
    ("index_weights", "method_id"): ("methods", "method_id"),
    ("instruments", "base_instrument_id"): ("questions", "instrument_id"),
    ("method_parameters", "method_id"): ("methods", "method_id"),
    ("methods", "band_scheme_id"): ("band_schemes", "band_scheme_id"),
    ("perspectives", "index_id"): ("indexes", "index_id"),
    ("questions", "audience_id"): ("category_audiences", "audience_id"),
    ("questions", "perspective_id"): ("perspectives", "perspective_id"),
    ("questions", "provider_level_id"): ("unit_levels", "unit_level_id"),
    ("questions", "service_id"): ("services", "service_id"),
    ("response_rules", "method_id"): ("methods", "method_id"),
    ("services", "index_id"): ("indexes", "index_id"),
    (SEED, "cycle_id"): ("survey_cycles", "cycle_id"),
    ("survey_cycles", "index_id"): ("indexes", "index_id"),
    ("survey_cycles", "instrument_id"): ("questions", "instrument_id"),
    ("survey_cycles", "method_id"): ("methods", "method_id"),
    ("survey_cycles", "previous_cycle_id"): ("survey_cycles", "cycle_id"),
    ("survey_sources", "cycle_id"): ("survey_cycles", "cycle_id"),
    ("survey_sources", "profile_id"): ("export_profiles", "profile_id"),
    ("targets", "index_id"): ("indexes", "index_id"),
    ("targets", "unit_level_id"): ("unit_levels", "unit_level_id"),
    ("units", "parent_unit_id"): ("units", "unit_id"),
    ("units", "region_id"): ("regions", "region_id"),
    ("units", "unit_level_id"): ("unit_levels", "unit_level_id"),
    ("region_contacts", "region_id"): ("regions", "region_id"),
    ("verifications", "cycle_id"): ("survey_cycles", "cycle_id"),
    ("verifications", "service_id"): ("services", "service_id"),
    ("verifications", "unit_id"): ("units", "unit_id"),
}  # fmt: skip

_KEY_TEXT = FaultText(
    "the same {columns} as in line {first_line}. Remove one of the two rows, or correct it.",
    "{columns} sama dengan baris {first_line}. Hapus salah satu baris, atau perbaiki.",
)
_REFERENCE_TEXT = FaultText(
    "{column} '{value}' is in no row of {target}.csv. Add it to {target}.csv, or correct this row.",
    "{column} '{value}' tidak ada di {target}.csv. Tambahkan ke {target}.csv, atau perbaiki "
    "baris ini.",
)

_OPEN_END = "date '9999-12-31'"
_ASKED = (
    "(select (profile_id, question_id) from profile_instruments join questions using"
    " (instrument_id))"
)
_KNOWN = ", ".join(f"('{name}')" for name in ATTRIBUTES)
_ATTRIBUTES = (
    "(select demographic_id from demographics where demographic_id is not null"
    f" union all (values {_KNOWN}))"
)
# Columns, domain types and comparisons of the warehouse's own (tests/test_demographics.py).
_TAKEN = (
    r"(is|has|hears|not|answer|rating|routed|valid|blank|rejected|units|provider|role|steps"
    r"|parts|lowest|highest)_.*"
    r"|.*_(id|at|on|key|count|number|weight|reason|row|sha256)"
    r"|national|equal_level|unit_median|direction|recipient_category|role|regions|units"
    r"|source|timezone|other_demographics"
)
# Who shares a parent's mean under a method, by the instrument that asks for it.
_SIBLINGS = """
            with tree as (
                select distinct method_id, instrument_id, service_id, perspective_id, item_id
                from survey_cycles join questions using (instrument_id)
                where coalesce(asks, 'performance') = 'performance'
            ),
            siblings as (
                select distinct method_id, instrument_id, 'service' as component_type,
                    'index' as parent, service_id as component_id from tree
                union all
                select distinct method_id, instrument_id, 'perspective', service_id, perspective_id
                from tree
                union all
                select method_id, instrument_id, 'item', service_id || ' / ' || perspective_id,
                    item_id from tree
            )
""".strip()


def seed_rules() -> list[SeedRule]:
    """Return every rule that is a query: keys, references, then what only one seed demands."""
    return [*_keys(), *_references(), *_of_forms(), *_RULES]


def _repeated(name: str, seed: str, key: dict[str, str], where: str = "true") -> SeedRule:
    """Return the rule that `key` (a name for people: an SQL expression) is in one row only."""
    expressions = ", ".join(key.values())
    return SeedRule(
        name=name,
        seed=seed,
        sql=f"""
            select line, '{", ".join(key)}' as columns,
                min(line) over (partition by {expressions}) as first_line,
            from {seed}
            where {where}
            qualify line > first_line
        """,
        text=_KEY_TEXT,
    )


def _keys() -> Iterator[SeedRule]:
    macros = EngineMacros()
    value = f"coalesce({macros.trim_blanks('source_value')}, '')"
    for seed, columns in KEYS.items():
        yield _repeated(f"{seed}_are_unique", seed, {column: column for column in columns})
    yield _repeated(
        "codes_are_unique",
        "export_codes",
        {
            "profile_id": "profile_id",
            "target": "target",
            "source_value": value,
        },
        where="code_list_id is null",
    )
    yield _repeated(
        "listed_codes_are_unique",
        "code_lists",
        {
            "code_list_id": "code_list_id",
            "source_value": value,
        },
        where="source_value is not null",
    )
    yield _repeated(
        "lower_bounds_are_unique",
        "code_lists",
        {"code_list_id": "code_list_id", "lower_bound": "lower_bound"},
        where="lower_bound is not null",
    )
    yield _repeated(
        "headings_are_unique",
        "export_columns",
        {"profile_id": "profile_id", "source_column": macros.fold_blanks("source_column")},
    )
    yield _repeated(
        "attributes_are_mapped_once",
        "export_columns",
        {"profile_id": "profile_id", "target_kind": "target_kind", "target": "target"},
        where="target_kind = 'attribute'",
    )


def _references() -> Iterator[SeedRule]:
    for (seed, column), (target, target_column) in REFERENCES.items():
        yield SeedRule(
            name=f"{seed}_{column}_is_known",
            seed=seed,
            sql=f"""
                select line, '{column}' as column, {column} as value, '{target}' as target,
                from {seed}
                where {column} not in (
                    select {target_column} from {target} where {target_column} is not null
                )
            """,
            text=_REFERENCE_TEXT,
        )


def _of_forms() -> Iterator[SeedRule]:
    """The seed of the forms of BPS: its fields are theirs, and so are the codes."""
    keys = ", ".join(f"'{key}'" for key in FIELDS)
    yield SeedRule(
        name="fields_are_of_the_forms",
        seed=SEED,
        sql=f"""
            select line, field,
                array_to_string(
                    list_transform(
                        list_sort(
                            list_transform(
                                [{keys}],
                                lambda known: struct_pack(
                                    far := 1 - jaro_winkler_similarity(known, field), known := known
                                )
                            )
                        )[1:3],
                        lambda each: each.known
                    ),
                    ', '
                ) as near,
            from {SEED}
            where field not in ({keys})
        """,
        text=FaultText(
            "'{field}' is no field of the forms. Write one of docs/metadata.md; near: {near}.",
            "'{field}' bukan rincian formulir. Tulis salah satu dari docs/metadata.md; mirip: "
            "{near}.",
        ),
    )
    coded = ", ".join(
        f"('{each.key}', {[str(code) for code in each.codes]}, '{each.choice()}')"
        for each in FIELDS.values()
        if each.codes
    )
    yield SeedRule(
        name="codes_are_of_the_forms",
        seed=SEED,
        sql=f"""
            select line, field, value, allowed,
            from {SEED} join (values {coded}) as forms (field, codes, allowed) using (field)
            where not list_contains(codes, value)
        """,
        text=FaultText(
            "'{field}' is '{value}'. Write the code alone, or the sum of several where the form "
            "adds them up: {allowed}.",
            "'{field}' berisi '{value}'. Tulis kodenya saja, atau jumlahnya bila boleh beberapa: "
            "{allowed}.",
        ),
    )
    for kind, shape, told in (
        ("date", r"\d{4}-\d\d-\d\d", FaultText("as YYYY-MM-DD", "sebagai YYYY-MM-DD")),
        ("number", r"\d+", FaultText("digits alone", "angka saja")),
    ):
        fields = ", ".join(f"'{each.key}'" for each in FIELDS.values() if each.kind == kind)
        yield SeedRule(
            name=f"{kind}s_are_of_the_forms",
            seed=SEED,
            sql=f"""
                select line, field, value, from {SEED}
                where field in ({fields}) and (
                    not regexp_full_match(value, '{shape}')
                    or ('{kind}' = 'date' and try_cast(value as date) is null)
                )
            """,
            text=FaultText(
                f"'{{field}}' is '{{value}}'. Write it {told.en}.",
                f"'{{field}}' berisi '{{value}}'. Tulis {told.id}.",
            ),
        )


_RULES = [
    SeedRule(
        name="windows_are_in_order",
        seed="survey_cycles",
        sql="select line, opens_on, closes_on from survey_cycles where opens_on > closes_on",
        text=FaultText(
            "opens_on {opens_on} is after closes_on {closes_on}. Correct one of the two.",
            "opens_on {opens_on} sesudah closes_on {closes_on}. Perbaiki salah satunya.",
        ),
    ),
    SeedRule(
        name="previous_cycles_come_before",
        seed="survey_cycles",
        sql="""
            select cycles.line, cycles.opens_on, previous.cycle_id, previous.closes_on,
            from survey_cycles as cycles
            join survey_cycles as previous on previous.cycle_id = cycles.previous_cycle_id
            where previous.closes_on >= cycles.opens_on
        """,
        text=FaultText(
            "previous_cycle_id '{cycle_id}' closes on {closes_on}, but this cycle opens on "
            "{opens_on}. Name the cycle before this one, or correct the days.",
            "previous_cycle_id '{cycle_id}' ditutup {closes_on}, padahal siklus ini dibuka "
            "{opens_on}. Sebutkan siklus sebelum ini, atau perbaiki tanggalnya.",
        ),
    ),
    SeedRule(
        name="previous_cycles_are_of_the_same_index",
        seed="survey_cycles",
        sql="""
            select cycles.line, cycles.index_id, previous.cycle_id,
                previous.index_id as previous_index_id,
            from survey_cycles as cycles
            join survey_cycles as previous on previous.cycle_id = cycles.previous_cycle_id
            where previous.index_id <> cycles.index_id
        """,
        text=FaultText(
            "previous_cycle_id '{cycle_id}' is of the index '{previous_index_id}', this cycle of "
            "'{index_id}'. Changes are measured within one index: correct one of the two.",
            "previous_cycle_id '{cycle_id}' milik indeks '{previous_index_id}', siklus ini "
            "'{index_id}'. Perubahan diukur dalam satu indeks: perbaiki salah satunya.",
        ),
    ),
    SeedRule(
        name="instruments_ask_for_performance",
        seed="survey_cycles",
        sql="""
            select line, instrument_id from survey_cycles
            where instrument_id in (select instrument_id from questions)
                and instrument_id not in (
                    select instrument_id from questions
                    where instrument_id is not null
                        and coalesce(asks, 'performance') = 'performance'
                )
        """,
        text=FaultText(
            "no question of '{instrument_id}' asks for performance, of which the score is made. "
            "Name another instrument, or correct 'asks' in questions.csv.",
            "tidak ada pertanyaan '{instrument_id}' yang menanyakan performance, yang membentuk "
            "skor. Sebutkan instrumen lain, atau perbaiki 'asks' di questions.csv.",
        ),
    ),
    SeedRule(
        name="sources_and_cycles_share_an_instrument",
        seed="survey_sources",
        sql="""
            select sources.line, sources.profile_id, profiles.instrument_id, sources.cycle_id,
                cycles.instrument_id as cycle_instrument_id,
            from survey_sources as sources
            join export_profiles as profiles using (profile_id)
            join survey_cycles as cycles using (cycle_id)
            where profiles.instrument_id is not null
                and (sources.profile_id, cycles.instrument_id)
                    not in (select (profile_id, instrument_id) from profile_instruments)
        """,
        text=FaultText(
            "profile '{profile_id}' reads the instrument '{instrument_id}', but cycle '{cycle_id}' "
            "asks '{cycle_instrument_id}'. Name a profile of that instrument, or empty the "
            "profile's instrument_id: it then serves every instrument.",
            "profil '{profile_id}' membaca instrumen '{instrument_id}', padahal siklus "
            "'{cycle_id}' memakai '{cycle_instrument_id}'. Sebutkan profil instrumen itu, atau "
            "kosongkan instrument_id profil ini: lalu berlaku bagi semua instrumen.",
        ),
    ),
    SeedRule(
        name="days_of_freshness_are_positive",
        seed="survey_sources",
        sql="select line, fresh_within_days from survey_sources where fresh_within_days < 1",
        text=FaultText(
            "fresh_within_days is {fresh_within_days}. Write 1 or more, or leave it empty.",
            "fresh_within_days berisi {fresh_within_days}. Tulis 1 atau lebih, atau kosongkan.",
        ),
    ),
    SeedRule(
        name="ranks_are_from_one_to_five",
        seed="unit_levels",
        sql="select line, rank from unit_levels where rank not between 1 and 5",
        text=FaultText(
            "rank {rank} is not from 1 (highest) to 5. Number the levels from 1 on.",
            "rank {rank} tidak di antara 1 (tertinggi) dan 5. Nomori tingkat mulai dari 1.",
        ),
    ),
    _repeated("ranks_are_unique", "unit_levels", {"rank": "rank"}),
    SeedRule(
        name="tiles_are_whole",
        seed="regions",
        sql="""
            select line, coalesce(cast(tile_row as varchar), '-') as tile_row,
                coalesce(cast(tile_column as varchar), '-') as tile_column,
            from regions
            where (tile_row is null) <> (tile_column is null)
                or not (tile_row between 1 and 30 and tile_column between 1 and 30)
        """,
        text=FaultText(
            "tile_row is {tile_row}, tile_column {tile_column}. Give both from 1 to 30, or "
            "neither: the region then stands beside the map.",
            "tile_row {tile_row}, tile_column {tile_column}. Isi keduanya dari 1 sampai 30, atau "
            "kosongkan keduanya: wilayah itu lalu ditulis di samping peta.",
        ),
    ),
    _repeated(
        "tiles_are_apart",
        "regions",
        {"tile_row": "tile_row", "tile_column": "tile_column"},
        where="tile_row is not null",
    ),
    SeedRule(
        name="the_headline_role_is_there",
        seed="roles",
        sql=f"""
            select coalesce(min(line), 1) as line from roles
            having count(*) filter (where role_id = '{HEADLINE_ROLE}') = 0
        """,
        text=FaultText(
            f"no row has the role_id '{HEADLINE_ROLE}', whose answers make the score. Call those "
            "who receive the services so; name_id and name_en are free.",
            f"tidak ada role_id '{HEADLINE_ROLE}', yang jawabannya membentuk skor. Pakai id itu "
            "bagi penerima layanan; name_id dan name_en bebas.",
        ),
    ),
    SeedRule(
        name="unit_versions_are_in_order",
        seed="units",
        sql="select line, valid_from, valid_to from units where valid_from > valid_to",
        text=FaultText(
            "valid_from {valid_from} is after valid_to {valid_to}. Correct one of the two.",
            "valid_from {valid_from} sesudah valid_to {valid_to}. Perbaiki salah satunya.",
        ),
    ),
    SeedRule(
        name="unit_versions_do_not_overlap",
        seed="units",
        sql=f"""
            select later.line, later.unit_id, later.valid_from, earlier.line as earlier_line,
                coalesce(cast(earlier.valid_to as varchar), '...') as earlier_valid_to,
            from units as later
            join units as earlier
                on earlier.unit_id = later.unit_id
                and (earlier.valid_from, earlier.line) < (later.valid_from, later.line)
            where coalesce(earlier.valid_to, {_OPEN_END}) >= later.valid_from
        """,
        text=FaultText(
            "unit '{unit_id}' has two versions on {valid_from}: this one, and line {earlier_line} "
            "(valid_to {earlier_valid_to}). End the earlier one the day before.",
            "unit '{unit_id}' punya dua versi pada {valid_from}: baris ini dan baris "
            "{earlier_line} (valid_to {earlier_valid_to}). Akhiri yang lebih dulu sehari "
            "sebelumnya.",
        ),
    ),
    SeedRule(
        name="no_unit_is_its_own_parent",
        seed="units",
        # A circle closes on the day one of its versions begins: other days need no look.
        sql=f"""
            with recursive
            edges as (
                select days.valid_from as day, units.line, units.unit_id, units.parent_unit_id,
                from (select distinct valid_from from units) as days
                join units on days.valid_from
                    between units.valid_from and coalesce(units.valid_to, {_OPEN_END})
                where units.parent_unit_id is not null
            ),
            climbs as (
                select day, unit_id, parent_unit_id as ancestor_id from edges
                union
                select climbs.day, climbs.unit_id, edges.parent_unit_id
                from climbs
                join edges on edges.day = climbs.day and edges.unit_id = climbs.ancestor_id
            )
            select edges.line, unit_id, edges.parent_unit_id, min(day) as day,
            from climbs join edges using (day, unit_id)
            where climbs.ancestor_id = unit_id
            group by all
        """,
        text=FaultText(
            "unit '{unit_id}' is its own ancestor from {day} on, by way of its parent "
            "'{parent_unit_id}'. Correct parent_unit_id in one row of the circle.",
            "unit '{unit_id}' menjadi induk dirinya sendiri sejak {day}, lewat induknya "
            "'{parent_unit_id}'. Perbaiki parent_unit_id pada salah satu baris lingkaran itu.",
        ),
    ),
    SeedRule(
        name="parents_are_there_when_a_cycle_opens",
        seed="units",
        sql=f"""
            select units.line, units.parent_unit_id, min_by(cycle_id, opens_on) as cycle_id,
                min(opens_on) as opens_on,
            from units
            join survey_cycles on opens_on
                between units.valid_from and coalesce(units.valid_to, {_OPEN_END})
            where units.parent_unit_id in (select unit_id from units)
                and not exists (
                    from units as parents
                    where parents.unit_id = units.parent_unit_id and opens_on
                        between parents.valid_from and coalesce(parents.valid_to, {_OPEN_END})
                )
            group by units.line, units.parent_unit_id
        """,
        text=FaultText(
            "parent_unit_id '{parent_unit_id}' has no version on {opens_on}, when cycle "
            "'{cycle_id}' opens. Add one, or end this version and give the unit its next parent.",
            "parent_unit_id '{parent_unit_id}' tidak punya versi pada {opens_on}, saat siklus "
            "'{cycle_id}' dibuka. Tambahkan, atau akhiri versi ini dan beri induk berikutnya.",
        ),
    ),
    SeedRule(
        name="parents_stand_on_no_lower_level",
        seed="units",
        sql=f"""
            select distinct units.line, units.unit_level_id, units.parent_unit_id,
                parents.unit_level_id as parent_level_id,
            from units
            join units as parents on parents.unit_id = units.parent_unit_id
                and parents.valid_from <= coalesce(units.valid_to, {_OPEN_END})
                and units.valid_from <= coalesce(parents.valid_to, {_OPEN_END})
            join unit_levels as own on own.unit_level_id = units.unit_level_id
            join unit_levels as above on above.unit_level_id = parents.unit_level_id
            where above.rank > own.rank
        """,
        text=FaultText(
            "parent_unit_id '{parent_unit_id}' is of the level '{parent_level_id}', below "
            "'{unit_level_id}' (unit_levels.csv, rank). Correct the parent or a level.",
            "parent_unit_id '{parent_unit_id}' bertingkat '{parent_level_id}', di bawah "
            "'{unit_level_id}' (unit_levels.csv, rank). Perbaiki induk atau tingkatnya.",
        ),
    ),
    SeedRule(
        name="no_instrument_builds_on_itself",
        seed="instruments",
        sql="""
            with recursive climbs as (
                select instrument_id, base_instrument_id as ancestor_id from instruments
                union
                select climbs.instrument_id, instruments.base_instrument_id
                from climbs join instruments on instruments.instrument_id = climbs.ancestor_id
            )
            select line, instrument_id, base_instrument_id
            from instruments join climbs using (instrument_id)
            where ancestor_id = instrument_id
        """,
        text=FaultText(
            "instrument '{instrument_id}' builds on itself, by way of '{base_instrument_id}'. "
            "Correct base_instrument_id in one row of the circle.",
            "instrumen '{instrument_id}' dibangun di atas dirinya sendiri, lewat "
            "'{base_instrument_id}'. Perbaiki base_instrument_id pada salah satu baris lingkaran "
            "itu.",
        ),
    ),
    SeedRule(
        name="questions_left_out_are_of_the_base",
        seed="questions",
        sql="""
            select question_rows.line, instrument_id, question_id
            from question_rows left join instruments using (instrument_id)
            where is_asked = 'false' and (coalesce(base_instrument_id, ''), question_id)
                not in (select (instrument_id, question_id) from questions)
        """,
        text=FaultText(
            "is_asked is false, but '{instrument_id}' builds on no instrument that asks "
            "'{question_id}'. Remove the row, or name its base in instruments.csv.",
            "is_asked berisi false, padahal '{instrument_id}' tidak dibangun di atas instrumen "
            "yang menanyakan '{question_id}'. Hapus baris ini, atau sebutkan dasarnya di "
            "instruments.csv.",
        ),
    ),
    SeedRule(
        name="scales_are_in_order",
        seed="questions",
        sql="select line, scale_min, scale_max from questions where scale_min >= scale_max",
        text=FaultText(
            "scale_min {scale_min} is not below scale_max {scale_max}. Correct the scale.",
            "scale_min {scale_min} tidak di bawah scale_max {scale_max}. Perbaiki skalanya.",
        ),
    ),
    SeedRule(
        name="questions_name_what_they_ask_about",
        seed="questions",
        sql="""
            select line, question_id, coalesce(asks, 'performance') as asks,
                if(service_id is null, 'service_id', 'perspective_id') as column,
            from questions
            where (service_id is null or perspective_id is null) and asks is distinct from 'overall'
        """,
        text=FaultText(
            "'{question_id}' asks for {asks}, and {column} is empty. Fill it, or say 'overall' in "
            "asks where the question is about all services together.",
            "'{question_id}' menanyakan {asks}, padahal {column} kosong. Isi, atau tulis 'overall' "
            "pada asks bila pertanyaannya tentang semua layanan sekaligus.",
        ),
    ),
    SeedRule(
        name="overall_questions_are_about_everything",
        seed="questions",
        sql="""
            select line, question_id from questions
            where asks = 'overall' and coalesce(service_id, perspective_id) is not null
        """,
        text=FaultText(
            "'{question_id}' asks about all services together. Empty its service_id and "
            "perspective_id, or correct asks.",
            "'{question_id}' menanyakan semua layanan sekaligus. Kosongkan service_id dan "
            "perspective_id-nya, atau perbaiki asks.",
        ),
    ),
    SeedRule(
        name="items_have_one_service_and_perspective",
        seed="questions",
        sql="""
            select line, item_id, service_id, perspective_id,
                first_value(line) over items as first_line,
                first_value(service_id) over items as first_service_id,
                first_value(perspective_id) over items as first_perspective_id,
            from (
                select line, instrument_id, item_id, coalesce(service_id, '–') as service_id,
                    coalesce(perspective_id, '–') as perspective_id
                from questions
            ) as questions
            window items as (partition by instrument_id, item_id order by line)
            qualify (service_id, perspective_id) <> (first_service_id, first_perspective_id)
        """,
        text=FaultText(
            "item '{item_id}' is of {service_id} / {perspective_id} here and of {first_service_id} "
            "/ {first_perspective_id} in line {first_line}. Make them one, or name another item.",
            "butir '{item_id}' di sini {service_id} / {perspective_id}, di baris {first_line} "
            "{first_service_id} / {first_perspective_id}. Samakan, atau beri item_id lain.",
        ),
    ),
    *(
        SeedRule(
            name=f"questions_ask_{seed}_of_their_index",
            seed="questions",
            sql=f"""
                select questions.line, '{column}' as column, questions.{column} as value,
                    '{seed}' as target, cycles.index_id, min(cycles.cycle_id) as cycle_id,
                from questions
                join survey_cycles as cycles using (instrument_id)
                where questions.{column} in (select {column} from {seed})
                    and (cycles.index_id, questions.{column})
                        not in (select (index_id, {column}) from {seed})
                group by all
            """,
            text=FaultText(
                "{target}.csv has '{value}' for another index only, but cycle '{cycle_id}' asks "
                "this question for '{index_id}'. Add a row for that index, or correct this one.",
                "{target}.csv memuat '{value}' untuk indeks lain saja, padahal siklus '{cycle_id}' "
                "menanyakannya untuk '{index_id}'. Tambahkan baris untuk indeks itu, atau "
                "perbaiki baris ini.",
            ),
        )
        for seed, column in (("services", "service_id"), ("perspectives", "perspective_id"))
    ),
    SeedRule(
        name="parameters_are_numbers",
        seed="method_parameters",
        sql="""
            select line, parameter, value from method_parameters
            where value is not null and not coalesce(isfinite(try_cast(value as double)), false)
        """,
        text=FaultText(
            "{parameter} is '{value}', no number. Write it with a point, such as 0.5.",
            "{parameter} berisi '{value}', bukan angka. Tulis dengan titik, misalnya 0.5.",
        ),
    ),
    SeedRule(
        name="parameters_are_in_range",
        seed="method_parameters",
        sql="""
            select line, parameter, value, span,
            from (
                select *, try_cast(value as double) as number,
                    case
                        when parameter in ('ci_level', 'km_proportion') then '> 0, < 1'
                        when parameter like '%_share' then '0 - 1'
                        when parameter like '%_draws' or parameter = 'rake_max_rounds'
                            then '1 - ...'
                        when parameter = 'bootstrap_replicates' then '2 - ...'
                        when parameter in
                            ('km_chi_square', 'km_margin', 'rake_tolerance', 'rake_trim_high')
                            then '> 0'
                        else '0 - ...'
                    end as span,
                from method_parameters
            )
            where case span
                when '> 0, < 1' then number <= 0 or number >= 1
                when '> 0' then number <= 0
                when '0 - 1' then number < 0 or number > 1
                else number < cast(span[1] as integer)
            end
        """,
        text=FaultText(
            "{parameter} is {value}, out of {span}. Correct it.",
            "{parameter} berisi {value}, di luar {span}. Perbaiki.",
        ),
    ),
    SeedRule(
        name="weights_are_not_negative",
        seed="index_weights",
        sql="select line, component_id, weight from index_weights where weight < 0",
        text=FaultText(
            "the weight of '{component_id}' is {weight}, below 0. Correct it.",
            "bobot '{component_id}' {weight}, di bawah 0. Perbaiki.",
        ),
    ),
    SeedRule(
        name="weights_are_of_known_components",
        seed="index_weights",
        sql="""
            select line, component_type, component_id,
                case component_type when 'service' then 'services.csv'
                    when 'perspective' then 'perspectives.csv' else 'questions.csv' end as target,
            from index_weights
            where (component_type, component_id) not in (
                select ('service', service_id) from services
                union all select ('perspective', perspective_id) from perspectives
                union all select ('item', item_id) from questions
            )
        """,
        text=FaultText(
            "{target} has no {component_type} '{component_id}'. Add it there, or correct this row.",
            "{target} tidak memuat {component_type} '{component_id}'. Tambahkan di sana, atau "
            "perbaiki baris ini.",
        ),
    ),
    SeedRule(
        name="weights_of_siblings_do_not_sum_to_zero",
        seed="index_weights",
        sql=f"""
            {_SIBLINGS}
            select min(line) as line, method_id, component_type, parent,
            from siblings left join index_weights using (method_id, component_type, component_id)
            group by method_id, instrument_id, component_type, parent
            having sum(coalesce(weight, 1)) = 0
        """,
        text=FaultText(
            "the weights of every {component_type} of {parent} sum to 0 under method "
            "'{method_id}'. Give at least one of them a weight above 0.",
            "jumlah bobot semua {component_type} dari {parent} adalah 0 pada metode "
            "'{method_id}'. Beri setidaknya satu di antaranya bobot di atas 0.",
        ),
    ),
    SeedRule(
        name="weights_of_siblings_are_stated_for_all_or_none",
        seed="index_weights",
        sql=f"""
            {_SIBLINGS},
            found as (
                select min(line) as line, method_id, component_type, parent,
                    string_agg(component_id, ', ' order by component_id)
                        filter (weight is null) as without_weight,
                    count(weight) as stated_count,
                    count(*) as sibling_count,
                from siblings left join index_weights
                    using (method_id, component_type, component_id)
                group by method_id, instrument_id, component_type, parent
            )
            select distinct * exclude (stated_count) from found
            where stated_count between 1 and sibling_count - 1
        """,
        text=FaultText(
            "give {without_weight} a row too, or none of the {sibling_count} {component_type}s of "
            "{parent} under method '{method_id}': what has no row weighs 1, whatever its siblings "
            "weigh.",
            "beri {without_weight} baris juga, atau tidak satu pun dari {sibling_count} "
            "{component_type} dari {parent} pada metode '{method_id}': yang tanpa baris berbobot "
            "1, berapa pun bobot saudaranya.",
        ),
    ),
    SeedRule(
        name="bands_have_two_decimals",
        seed="band_schemes",
        sql="""
            select line, band, bound from band_schemes,
                lateral (select unnest([lower_100, upper_100]) as bound)
            where abs(bound * 100 - round(bound * 100)) > 1e-6
        """,
        text=FaultText(
            "band {band}: {bound} has more than two decimals. Scores are read to two: round it.",
            "mutu {band}: {bound} lebih dari dua desimal. Nilai dibaca dua desimal: bulatkan.",
        ),
    ),
    SeedRule(
        name="bands_are_in_order",
        seed="band_schemes",
        sql="select line, band, lower_100, upper_100 from band_schemes where lower_100 > upper_100",
        text=FaultText(
            "band {band}: lower_100 {lower_100} is above upper_100 {upper_100}. Correct one.",
            "mutu {band}: lower_100 {lower_100} di atas upper_100 {upper_100}. Perbaiki.",
        ),
    ),
    SeedRule(
        name="bands_leave_no_gap_and_do_not_overlap",
        seed="band_schemes",
        sql="""
            select line, band, cast(lower_100 as decimal(9, 2)) as lower,
                cast(coalesce(lag(upper_100) over scheme + 0.01, 25) as decimal(9, 2)) as expected,
            from band_schemes
            window scheme as (partition by band_scheme_id order by lower_100, line)
            qualify lower <> expected
        """,
        text=FaultText(
            "band {band} begins at {lower} where {expected} comes next: the bands leave a gap or "
            "overlap. Begin it there, or move the end of the band below.",
            "mutu {band} mulai {lower}, padahal berikutnya {expected}: ada celah atau tumpang "
            "tindih. Mulai dari sana, atau geser batas mutu di bawahnya.",
        ),
    ),
    SeedRule(
        name="bands_end_at_100",
        seed="band_schemes",
        sql="""
            select line, band, upper_100 from band_schemes
            qualify upper_100 <> 100
                and row_number() over (partition by band_scheme_id order by lower_100 desc) = 1
        """,
        text=FaultText(
            "the highest band, {band}, ends at {upper_100} and not at 100. Correct it.",
            "mutu tertinggi, {band}, berakhir di {upper_100}, bukan 100. Perbaiki.",
        ),
    ),
    SeedRule(
        name="targets_are_scores",
        seed="targets",
        sql="select line, target_score from targets where target_score not between 1 and 4",
        text=FaultText(
            "target_score {target_score} is not on the scale 1-4. Correct it.",
            "target_score {target_score} tidak pada skala 1-4. Perbaiki.",
        ),
    ),
    SeedRule(
        name="verifications_hold_a_score_or_minutes",
        seed="verifications",
        sql="""
            select line, verification_id from verifications
            where
                (score is not null) = (minutes is not null)
                or (minutes is null) <> (standard_minutes is null)
        """,
        text=FaultText(
            "'{verification_id}' needs either a score or minutes with standard_minutes. Fill in "
            "one of the two, and leave the other empty.",
            "'{verification_id}' memerlukan score, atau minutes beserta standard_minutes. Isi "
            "salah satu saja, kosongkan yang lain.",
        ),
    ),
    SeedRule(
        name="verifications_are_in_range",
        seed="verifications",
        sql="""
            select line, verification_id,
                case
                    when score is not null then 'score ' || score || ': 1-4'
                    when minutes < 0 then 'minutes ' || minutes || ': 0 - ...'
                    else 'standard_minutes ' || standard_minutes || ': > 0'
                end as fault,
            from verifications
            where score not between 1 and 4 or minutes < 0 or standard_minutes <= 0
        """,
        text=FaultText(
            "'{verification_id}' has {fault}. Correct it.",
            "'{verification_id}' memuat {fault}. Perbaiki.",
        ),
    ),
    SeedRule(
        name="contacts_are_addresses",
        seed="region_contacts",
        sql=r"""
            select line, address from region_contacts
            where not regexp_full_match(address, '[^@\s,;?&]+@[^@\s,;?&]+\.[^@\s,;?&.]+')
        """,
        text=FaultText(
            "'{address}' is no e-mail address. Write one a row, such as kanwil@example.go.id; "
            "addresses of other channels hold secrets, and go into ILK_ALERT_URLS.",
            "'{address}' bukan alamat surel. Tulis satu per baris, misalnya kanwil@example.go.id; "
            "alamat kanal lain memuat rahasia, dan ditulis di ILK_ALERT_URLS.",
        ),
    ),
    SeedRule(
        name="time_zones_are_known",
        seed="export_profiles",
        sql="""
            with named as (
                select line, unnest([timezone, written_timezone]) as timezone from export_profiles
            )
            select line, timezone from named
            where timezone not in (select name from pg_timezone_names())
        """,
        text=FaultText(
            "timezone '{timezone}' is unknown. Use an IANA name, such as Asia/Jakarta.",
            "timezone '{timezone}' tidak dikenal. Pakai nama IANA, misalnya Asia/Jakarta.",
        ),
    ),
    SeedRule(
        name="profiles_map_the_unit",
        seed="export_profiles",
        sql="""
            select line, profile_id from export_profiles
            where profile_id not in (
                select profile_id from export_columns
                where target_kind = 'attribute' and target = 'unit_id' and profile_id is not null
            )
        """,
        text=FaultText(
            "no row of export_columns.csv maps a column of '{profile_id}' to unit_id, the one "
            "attribute that is required. Add it; _profile_id serves where all are of one unit.",
            "tidak ada baris export_columns.csv yang memetakan kolom '{profile_id}' ke unit_id, "
            "satu-satunya atribut wajib. Tambahkan; _profile_id dapat dipakai bila unitnya satu.",
        ),
    ),
    SeedRule(
        name="columns_lead_to_known_targets",
        seed="export_columns",
        sql=f"""
            select columns.line, target_kind, target, coalesce(instrument_id, '*') as instrument_id,
            from export_columns as columns join export_profiles using (profile_id)
            where (target_kind = 'attribute' and coalesce(target, '') not in {_ATTRIBUTES})
                or (target_kind = 'question' and (profile_id, coalesce(target, '')) not in {_ASKED})
        """,
        text=FaultText(
            "there is no {target_kind} '{target}' (instrument '{instrument_id}'). Name one that "
            "questions.csv or the list of attributes holds, or set target_kind to ignore.",
            "tidak ada {target_kind} '{target}' (instrumen '{instrument_id}'). Sebutkan yang ada "
            "di questions.csv atau daftar atribut, atau isi target_kind dengan ignore.",
        ),
    ),
    SeedRule(
        name="codes_are_for_known_targets",
        seed="export_codes",
        sql=f"""
            select codes.line, target, coalesce(instrument_id, '*') as instrument_id,
            from export_codes as codes join export_profiles using (profile_id)
            where target <> '*' and target not in {_ATTRIBUTES}
                and (profile_id, target) not in {_ASKED}
        """,
        text=FaultText(
            "'{target}' is no attribute, no * and no question of '{instrument_id}'. Correct it.",
            "'{target}' bukan atribut, bukan *, dan bukan pertanyaan '{instrument_id}'. Perbaiki.",
        ),
    ),
    SeedRule(
        name="demographics_are_column_names",
        seed="demographics",
        sql="""
            select line, demographic_id from demographics
            where not regexp_full_match(demographic_id, '[a-z][a-z0-9_]{0,59}')
                or demographic_id in (
                    select keyword_name from duckdb_keywords() where keyword_category = 'reserved'
                )
        """,
        text=FaultText(
            "'{demographic_id}' can't name a column. Use lower-case letters, digits and "
            "underscores, a letter first, and no word of SQL: education, age_group.",
            "'{demographic_id}' tidak dapat menjadi nama kolom. Pakai huruf kecil, angka, dan "
            "garis bawah, diawali huruf, dan bukan kata SQL: education, age_group.",
        ),
    ),
    SeedRule(
        name="demographics_have_names_of_their_own",
        seed="demographics",
        sql=f"""
            select line, demographic_id from demographics
            where demographic_id <> 'gender'
                and (demographic_id in (values {_KNOWN})
                    or regexp_full_match(demographic_id, '{_TAKEN}'))
        """,
        text=FaultText(
            "'{demographic_id}' is an attribute, column or domain type of the warehouse, or named "
            "like one. Choose another name, such as education, district, income_group.",
            "'{demographic_id}' adalah atribut, kolom, atau jenis domain gudang data, atau bernama "
            "seperti itu. Pilih nama lain, misalnya education, district, income_group.",
        ),
    ),
    SeedRule(
        name="codes_are_stated_once",
        seed="export_codes",
        sql="""
            select line, target from export_codes
            where case when code_list_id is null then source_value is null or code is null
                else source_value is not null or code is not null end
        """,
        text=FaultText(
            "the code of '{target}' stands nowhere, or twice. Fill in source_value and code, or "
            "code_list_id alone.",
            "kode '{target}' tidak ada, atau ada dua kali. Isi source_value dan code, atau "
            "code_list_id saja.",
        ),
    ),
    SeedRule(
        name="listed_codes_have_a_value_or_a_bound",
        seed="code_lists",
        sql=f"""
            select line, code from code_lists
            where (source_value is null) = (lower_bound is null)
                or lower_bound not between 0 and {HIGHEST}
        """,
        text=FaultText(
            "'{code}' stands for no value, or for two. Fill in source_value, or lower_bound alone "
            f"(whole years, 0-{HIGHEST}).",
            "'{code}' tanpa nilai, atau dengan dua. Isi source_value, atau lower_bound saja (tahun "
            f"bulat, 0-{HIGHEST}).",
        ),
    ),
    SeedRule(
        name="code_lists_are_known",
        seed="export_codes",
        sql="""
            select line, 'code_list_id' as column, code_list_id as value, 'code_lists' as target,
            from export_codes
            where code_list_id is not null and code_list_id not in (
                select code_list_id from code_lists where code_list_id is not null
            )
        """,
        text=_REFERENCE_TEXT,
    ),
    SeedRule(
        name="a_list_holds_all_codes_of_a_target",
        seed="export_codes",
        sql="""
            select line, profile_id, target, code_list_id,
                count(*) over (partition by profile_id, target) - 1 as more,
            from export_codes
            qualify code_list_id is not null and more > 0
        """,
        text=FaultText(
            "{more} more rows of '{profile_id}' say what '{target}' means beside the list "
            "'{code_list_id}'. Put them into the list, or name another list that holds all.",
            "ada {more} baris lagi dari '{profile_id}' untuk '{target}' di samping daftar "
            "'{code_list_id}'. Masukkan ke daftar itu, atau sebutkan daftar lain yang memuat "
            "semuanya.",
        ),
    ),
    *(
        SeedRule(
            name=f"codes_lead_to_known_{seed}",
            seed="export_codes",
            sql=f"""
                select line, in_seed, 'code' as column, code as value, '{seed}' as target,
                from all_codes
                where target = '{column}' and code not in (
                    select {column} from {seed} where {column} is not null
                )
            """,
            text=_REFERENCE_TEXT,
        )
        for seed, column in (
            ("units", "unit_id"),
            ("recipient_categories", "recipient_category_id"),
            ("roles", "role_id"),
        )
    ),
    SeedRule(
        name="codes_are_on_the_scale",
        seed="export_codes",
        sql="""
            select codes.line, codes.in_seed, codes.target, codes.code,
                min(scale_min) as scale_min, max(scale_max) as scale_max,
            from all_codes as codes
            join profile_instruments using (profile_id)
            join questions on questions.instrument_id = profile_instruments.instrument_id
                and codes.target in ('*', questions.question_id)
            where codes.code not in ('not_available', 'not_used', 'blank')
            group by all
            having not bool_or(
                coalesce(
                    regexp_full_match(codes.code, '[+-]?[0-9]+')
                    and try_cast(codes.code as integer) between scale_min and scale_max,
                    false
                )
            )
        """,
        text=FaultText(
            "code '{code}' is not on the scale {scale_min}-{scale_max} of {target}. Write a number "
            "on it, not_available, not_used or blank.",
            "kode '{code}' tidak pada skala {scale_min}-{scale_max} dari {target}. Tulis angka "
            "pada skala itu, not_available, not_used, atau blank.",
        ),
    ),
]
