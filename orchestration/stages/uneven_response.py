"""Whether those who answered are like the staff, and enough: sentences where they are not.

Belongs here: the sentences, from the warehouse's figures of the nation. Doesn't: computing these
(models/figures/fieldwork/fieldwork_representativeness.sql).
"""

from pathlib import Path
from typing import Any

import duckdb

from orchestration.publishing.reading.headline import decimal_comma

_UNEVEN = """
select role_id, variable, r_indicator, least_r.min_r_indicator
from indexes.idx_nonresponse
inner join design.design_settings as least_r using (cycle_id)
where cycle_id = ? and domain_type in ('national', 'role') and part_id is null
    and r_indicator < least_r.min_r_indicator
order by role_id, r_indicator, variable
"""
_BIASED = """
select role_id, response_rate, max_standardised_bias, most.max_response_bias
from indexes.idx_nonresponse
inner join design.design_settings as most using (cycle_id)
where cycle_id = ? and domain_type in ('national', 'role') and part_id is null
    and max_standardised_bias > most.max_response_bias
order by role_id, max_standardised_bias desc, variable
"""


def uneven_response(warehouse: Path, cycle_id: str) -> list[str]:
    """Return a sentence for each role with an R-indicator under `min_r_indicator` in the nation.

    Of several, the lowest is told.
    """
    return [
        f"{cycle_id}, {role}: ingatkan kelompok yang tingkat responsnya rendah (halaman "
        f"partisipasi); R {decimal_comma(found, 2)} ({variable}) di bawah "
        f"{decimal_comma(least, 2)} (min_r_indicator): yang menjawab tidak mirip dengan "
        "pegawainya. / Remind the groups of low response (page of participation): R is under "
        "min_r_indicator, those who answered are unlike the staff."
        for role, variable, found, least in _worst_of_each_role(_UNEVEN, warehouse, cycle_id)
    ]


def biased_response(warehouse: Path, cycle_id: str) -> list[str]:
    """Return a sentence for each role whose means in the nation may be off by much.

    That is: by more than `max_response_bias` standard deviations. Where few answer the R-indicator
    alone looks good. Of several variables, the largest bias is told.
    """
    return [
        f"{cycle_id}, {role}: naikkan tingkat respons, kini {decimal_comma(100 * rate, 1)}%; "
        f"dengannya rata-rata dapat meleset sampai {decimal_comma(found, 2)} simpangan baku, di "
        f"atas {decimal_comma(most, 2)} (max_response_bias), betapa pun baiknya R. / Raise the "
        "response rate: at this one a mean can be off by more standard deviations than "
        "max_response_bias, however good R looks."
        for role, rate, found, most in _worst_of_each_role(_BIASED, warehouse, cycle_id)
    ]


def _worst_of_each_role(query: str, warehouse: Path, cycle_id: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        rows = connection.execute(query, [cycle_id]).fetchall()
    return sorted({row[0]: row for row in reversed(rows)}.values())
