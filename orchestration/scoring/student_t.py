"""Student's t quantiles, which SQL has no function for.

Belongs here: the table of them. Doesn't: the expansion for more degrees of freedom
(macros/distributions.sql), intervals.
"""

import numpy as np
import pandas as pd
import pyarrow as pa
from scipy.special import stdtrit

SCHEMA = pa.schema(
    [("cycle_id", pa.string()), ("df", pa.int32()), ("quantile", pa.float64())],
)
MOST_DF = 100


def student_t(settings: pd.DataFrame) -> pa.Table:
    """Return SCHEMA: t at (1 + ci_level) / 2 for 1 to MOST_DF degrees of freedom, by cycle.

    `settings`: design_settings.
    """
    df = np.arange(1, MOST_DF + 1)
    found = [
        pd.DataFrame({"df": df, "quantile": stdtrit(df, (1 + ci_level) / 2)}).assign(cycle_id=cycle)
        for cycle, ci_level in settings[["cycle_id", "ci_level"]].itertuples(index=False)
    ]
    return pa.Table.from_pandas(pd.concat(found), schema=SCHEMA, preserve_index=False)
