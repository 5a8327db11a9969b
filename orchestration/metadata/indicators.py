"""MS-Ind answered: the index, its services, its perspectives, and what is published beside them.

Belongs here: the rows. Doesn't: columns (forms.py), formulas themselves (docs/method.md).
"""

from collections.abc import Iterator, Mapping

from orchestration.metadata.activity import STATED, Answer
from orchestration.metadata.forms import INDICATOR_COLUMNS
from orchestration.metadata.sources import Seed, Sources
from orchestration.metadata.variables import variables
from orchestration.survey_terms import HEADLINE_ROLE

Row = dict[str, str]


def indicators(sources: Sources, found: Mapping[str, Answer]) -> list[Row]:
    """Return the rows of MS-Ind, each with every column; '' where nobody knows."""
    common = {
        "level_estimasi": found["level_estimasi"].value,
        "diakses_umum": found["indikator_diakses_umum"].value,
        "klasifikasi": _classification(sources, found),
    }
    concept = found["konsep_indikator"]
    rows = []
    for row in (*_scores(sources), *_shares(sources)):
        whole = dict.fromkeys(INDICATOR_COLUMNS, "") | common | row
        if concept.state == STATED:
            whole["konsep"] = concept.value
        if whole["komposit"] == "1":
            whole["pembangun_publikasi"] = found["judul_kegiatan"].value
        else:
            whole["variabel_kegiatan"] = found["judul_kegiatan"].value
        rows.append(whole)
    return rows


def _scores(sources: Sources) -> Iterator[Row]:
    services, perspectives = sources.of_index("services"), sources.of_index("perspectives")
    name = sources.index["name_id"]
    who = sources.name("roles", "role_id", HEADLINE_ROLE).lower()
    low, high = sources.scale
    common = {
        "ukuran": "Rata-rata tertimbang penilaian",
        "satuan": f"Poin, skala {low}–{high}",
        "interpretasi": _bands(sources),
        "komposit": "1",
    }
    several = len(services) > 1
    parts = services if several else perspectives
    yield common | {
        "nama": name,
        "konsep": name,
        "definisi": (
            f"Rata-rata tertimbang skor {len(parts)} "
            f"{'layanan' if several else 'unsur'} ({_names(parts)}) menurut {who}."
        ),
        "metode": _mean(sources, "service" if several else "perspective", several=several),
        "pembangun_nama": "; ".join(
            f"{'Skor layanan' if several else 'Skor'} {row['name_id']}" for row in parts
        ),
    }
    if several:
        for service in services:
            yield common | {
                "nama": f"Skor layanan {service['name_id']}",
                "konsep": name,
                "definisi": (
                    f"Rata-rata tertimbang skor perspektif ({_names(perspectives)}) layanan "
                    f"{service['name_id']} menurut {who}."
                ),
                "metode": _mean(sources, "perspective", several=several),
                "pembangun_nama": "; ".join(f"Skor {row['name_id']}" for row in perspectives),
            }
    for perspective in perspectives:
        asked = [
            row["question_id"]
            for row in sources.questions
            if row["perspective_id"] == perspective["perspective_id"]
            and (row.get("asks") or "performance") == "performance"
        ]
        yield common | {
            "nama": f"Skor {perspective['name_id']}",
            "konsep": name,
            "komposit": "2",
            "definisi": (
                f"Rata-rata tertimbang penilaian atas {len(asked)} pertanyaan tentang "
                f"{perspective['name_id']} menurut {who}."
            ),
            "metode": (
                "Skor pertanyaan R_i = Σ_r w_r·y_ri / Σ_r w_r·v_ri; y = 1 + 3·(kode − minimum) / "
                "(maksimum − minimum), dibalik (5 − y) pada pertanyaan negatif; w = bobot "
                "responden, v = jawaban sah. Skor perspektif = rata-rata tertimbang R_i"
                + (", lalu rata-rata tertimbang atas layanan." if several else ".")
            ),
            "variabel_nama": "; ".join(asked),
        }


def _shares(sources: Sources) -> Iterator[Row]:
    """Give what is published beside scores, where the cycle's exports and frame allow it."""
    common = {"komposit": "2", "ukuran": "Proporsi", "konsep": sources.index["name_id"]}
    own = {row["profile_id"] for row in sources.profiles}
    codes = {row["code"] for row in sources.seeds["export_codes"] if row["profile_id"] in own}
    if {"not_available", "not_used"} <= codes:
        asked = {"variabel_nama": "Semua pertanyaan penilaian (MS-Var)", "satuan": "Proporsi, 0–1"}
        yield (
            common
            | asked
            | {
                "nama": "Ketersediaan layanan",
                "interpretasi": "Mendekati 1: layanan tersedia bagi hampir semua yang ditanya.",
                "definisi": "Bagian jawaban yang menyatakan layanan tersedia, dipakai atau tidak.",
                "metode": "(dinilai + tidak dipakai) / (dinilai + tidak dipakai + tidak tersedia), "
                "berbobot",
            }
        )
        yield (
            common
            | asked
            | {
                "nama": "Keterjangkauan layanan",
                "interpretasi": "Mendekati 1: hampir semua yang layanannya tersedia memakainya.",
                "definisi": "Bagian jawaban yang menilai layanan, dari yang layanannya tersedia.",
                "metode": "dinilai / (dinilai + tidak dipakai), berbobot",
            }
        )
    has_frame = (
        sources.method["weighting_mode"] != "none"
        if sources.figures is None
        else bool(sources.figures.staff_count)
    )
    if has_frame:
        yield common | {
            "nama": "Tingkat respons",
            "konsep": "Partisipasi",
            "satuan": "Proporsi, 0–1",
            "interpretasi": "Mendekati 1: hampir semua orang dalam kerangka menjawab.",
            "definisi": "Responden yang diterima terhadap banyaknya orang dalam kerangka.",
            "metode": "responden yang diterima / orang dalam kerangka",
            "variabel_nama": "unit_id; recipient_category_id",
        }


def _classification(sources: Sources, found: Mapping[str, Answer]) -> str:
    """Return by what the figures are divided: places, then what respondents say of themselves."""
    groups = (
        each.label
        for each in variables(sources)
        if each.scale is None and each.name not in ("respondent_identifier", "unit_id")
    )
    return "; ".join(filter(None, (found["level_estimasi"].value, *groups)))


def _names(rows: Seed) -> str:
    return "; ".join(row["name_id"] for row in rows)


def _mean(sources: Sources, kind: str, *, several: bool) -> str:
    """Return the formula of a mean over services or perspectives, with the method's weights."""
    of = {
        row["component_id"]: row["weight"]
        for row in sources.seeds["index_weights"]
        if row["method_id"] == sources.cycle.method_id and row["component_type"] == kind
    }
    rows = sources.of_index(f"{kind}s")
    weights = "; ".join(
        f"{row['name_id']} {_comma(of[row[f'{kind}_id']])}"
        for row in rows
        if row[f"{kind}_id"] in of
    )
    symbol = "c_s·R_s / Σ_s c_s" if kind == "service" else "b_p·R_p / Σ_p b_p"
    first = "Σ_s" if kind == "service" else "Σ_p"
    of_scale = "; dikali 25" if sources.scale[1] == "100" else ""
    return f"{first} {symbol}{of_scale}. Bobot: {weights or 'sama besar'}."


def _bands(sources: Sources) -> str:
    """Return how a score is read: the bands of the method's scheme, as the scheme has them."""
    bands = [
        row
        for row in sources.seeds["band_schemes"]
        if row["band_scheme_id"] == sources.method["band_scheme_id"]
    ]
    said = "; ".join(
        f"{row['band']} ({row['label_id']}) {_comma(row['lower_100'])}–{_comma(row['upper_100'])}"
        for row in sorted(bands, key=lambda row: -float(row["upper_100"]))
    )
    return f"Makin tinggi makin baik. Mutu pada skala 25–100: {said}."


def _comma(number: str) -> str:
    return number.replace(".", ",")
