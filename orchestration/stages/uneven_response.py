"""Whether those who answered are like the staff: a sentence where their response rates differ much.

Belongs here: the sentence, from the warehouse's R-indicator of the nation. Doesn't: computing it
(models/figures/fieldwork/fieldwork_representativeness.sql).
"""

from pathlib import Path

import duckdb

from orchestration.publishing.reading.headline import decimal_comma

_NATION = """
select role_id, variable, r_indicator, least_r.min_r_indicator
from indexes.idx_nonresponse
inner join design.design_settings as least_r using (cycle_id)
where cycle_id = ? and domain_type in ('national', 'role') and part_id is null
    and r_indicator < least_r.min_r_indicator
order by role_id, r_indicator, variable
"""


def uneven_response(warehouse: Path, cycle_id: str) -> list[str]:
    """Return a sentence for each role with an R-indicator under `min_r_indicator` in the nation.

    Of several, the lowest is told.
    """
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        rows = connection.execute(_NATION, [cycle_id]).fetchall()
    lowest = {row[0]: row for row in reversed(rows)}
    return [
        f"{cycle_id}, {role}: ingatkan kelompok yang tingkat responsnya rendah (halaman "
        f"partisipasi); R {decimal_comma(found, 2)} ({variable}) di bawah "
        f"{decimal_comma(least, 2)} (min_r_indicator): yang menjawab tidak mirip dengan "
        "pegawainya. / Remind the groups of low response (page of participation): R is under "
        "min_r_indicator, those who answered are unlike the staff."
        for role, variable, found, least in sorted(lowest.values())
    ]
