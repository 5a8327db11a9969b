"""MS-Var answered: every question of the cycle's instrument, and what is asked of the respondent.

Belongs here: the rows, and the categories of an answer (the codebook has them too). Doesn't:
columns (forms.py).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from orchestration.metadata.activity import Answer
from orchestration.metadata.forms import VARIABLE_COLUMNS
from orchestration.metadata.sources import Sources

Row = dict[str, str]

_ATTRIBUTES = {
    "respondent_identifier": "Pengenal responden",
    "unit_id": "Satuan kerja responden",
    "recipient_category_id": "Kategori penerima layanan",
    "role_id": "Peran dalam layanan",
    "gender": "Jenis kelamin",
}
_DEFINITIONS = {
    "respondent_identifier": "Pengenal yang diisi responden; disimpan sebagai sandi (HMAC), tidak "
    "pernah diterbitkan.",
    "unit_id": "Satuan kerja tempat responden bekerja atau dilayani, menurut seed units.",
}
_LONGEST_CODE = 4  # "A1", "TUSI": what LimeSurvey exports
# Tools whose headings are the questions themselves; the others' are codes.
_ASKING_TOOLS = ("google_forms", "ms_forms", "qualtrics", "surveymonkey")
_NO_RATING = {"not_available": "Tidak tersedia", "not_used": "Tidak pernah menggunakan"}


@dataclass(frozen=True)
class Variable:
    """A variable of the instrument. `categories`: code and label, '' where nobody wrote one.

    `question`: as it is asked, '' where the seeds don't have it. `audience`: whom it is asked of.
    """

    name: str
    label: str
    concept: str
    definition: str
    question: str
    audience: str
    categories: Sequence[tuple[str, str]]
    scale: tuple[int, int] | None
    is_reversed: bool = False

    @property
    def classification(self) -> str:
        """The categories on a line each, as the form's cell has them."""
        return "\n".join(f"{code} = {label}" if label else code for code, label in self.categories)


def variables(sources: Sources) -> list[Variable]:
    """Return the questions in the instrument's order, then what respondents say of themselves."""
    return [*_questions(sources), *_attributes(sources)]


def rows(sources: Sources, found: Mapping[str, Answer]) -> list[Row]:
    """Return the rows of MS-Var, each with every column; '' where nobody knows."""
    when = (
        f"Saat pengisian, {sources.words.day(sources.cycle.opens_on)} s.d. "
        f"{sources.words.day(sources.cycle.closes_on)}"
    )
    return [
        dict.fromkeys(VARIABLE_COLUMNS, "")
        | {
            "nama": each.label,
            "alias": each.name,
            "konsep": each.concept,
            "definisi": each.definition,
            "referensi_pemilihan": found["referensi_pemilihan"].value if each.scale else "",
            "referensi_waktu": when,
            "tipe_data": "Integer" if each.scale else "String",
            "ukuran": "Skala ordinal" if each.scale else "",
            "satuan": f"Skala {each.scale[0]}–{each.scale[1]}" if each.scale else "",
            "klasifikasi_isian": each.classification,
            "aturan_validasi": _rule(each),
            "kalimat_pertanyaan": each.question,
            "diakses_umum": found["variabel_diakses_umum"].value,
        }
        for each in variables(sources)
    ]


def _rule(each: Variable) -> str:
    if not each.scale:
        return "Isian di luar klasifikasi ditolak." if each.categories else ""
    low, high = each.scale
    told = f"Bilangan bulat {low} s.d. {high}; kode lain ditolak (off_scale)."
    return f"{told} Hanya dari responden: {each.audience}; yang lain ditolak (off_route)."


def _questions(sources: Sources) -> Iterator[Variable]:
    names = {
        seed: {row[f"{seed[:-1]}_id"]: row["name_id"] for row in sources.of_index(seed)}
        for seed in ("services", "perspectives")
    }
    kinds = {"expectation": "harapan", "importance": "kepentingan"}
    several = len(names["services"]) > 1
    for row in sources.questions:
        service = names["services"].get(row["service_id"], row["service_id"])
        perspective = names["perspectives"].get(row["perspective_id"], row["perspective_id"])
        level = sources.name("unit_levels", "unit_level_id", row["provider_level_id"])
        audience = _audience(sources, row["audience_id"])
        kind = kinds.get(row.get("asks") or "", "penilaian")
        low, high = int(row["scale_min"]), int(row["scale_max"])
        about = f"{perspective}, {service}" if several else perspective
        if row.get("asks") == "overall":
            about = perspective = "Layanan secara keseluruhan"
        place = f" ({level})" if len(sources.seeds["unit_levels"]) > 1 else ""
        yield Variable(
            name=row["question_id"],
            label=about + place,
            concept=perspective,
            definition=f"{kind.capitalize()} responden ({audience}) atas {about}{place}.",
            question=row["question_text"],
            audience=audience,
            categories=_categories(sources, row["question_id"], low, high),
            scale=(low, high),
            is_reversed=row["is_reverse_scored"] == "true",
        )


def _audience(sources: Sources, audience_id: str) -> str:
    """Return the categories of respondents that hear a question, by name."""
    heard = [
        row["recipient_category_id"]
        for row in sources.seeds["category_audiences"]
        if row["audience_id"] == audience_id
    ]
    return ", ".join(
        sources.name("recipient_categories", "recipient_category_id", each) for each in heard
    )


def _categories(sources: Sources, question_id: str, low: int, high: int) -> list[tuple[str, str]]:
    """Return the codes of a question with the labels that a form of the cycle prints, if any does.

    A scale of five of which four have labels is another scale's: it then has none.
    """
    labels = _labels(sources, "*") | _labels(sources, question_id)
    scale = [(str(code), labels.get(str(code), "")) for code in range(low, high + 1)]
    if not all(label for _, label in scale):
        scale = [(code, "") for code, _ in scale]
    return [*scale, *((code, words) for code, words in _NO_RATING.items() if code in labels)]


def _labels(sources: Sources, target: str) -> dict[str, str]:
    """Return by code the longest words that an export has for it; none where they are codes too."""
    own = {row["profile_id"] for row in sources.profiles}
    labels: dict[str, str] = {}
    for row in sources.seeds["export_codes"]:
        if row["profile_id"] in own and row["target"] == target:
            words = row["source_value"].strip().removeprefix(f"{row['code']} - ")
            if len(words) > len(labels.get(row["code"], "")):
                labels[row["code"]] = words
    return labels if any(len(words) > _LONGEST_CODE for words in labels.values()) else {}


def _attributes(sources: Sources) -> Iterator[Variable]:
    tools = {row["profile_id"]: row["tool"] for row in sources.profiles}
    demographics = {row["demographic_id"]: row["name_id"] for row in sources.seeds["demographics"]}
    for target, label in (_ATTRIBUTES | demographics).items():
        mapped = [
            row
            for row in sources.seeds["export_columns"]
            if row["profile_id"] in tools
            and (row["target_kind"], row["target"]) == ("attribute", target)
            and not row["source_column"].startswith("_")  # a column of ours: nobody was asked
        ]
        if not mapped:
            continue
        asked = [row for row in mapped if tools[row["profile_id"]] in _ASKING_TOOLS]
        yield Variable(
            name=target,
            label=label,
            concept=label,
            definition=_DEFINITIONS.get(target, f"{label} menurut pengakuan responden."),
            question=max((row["source_column"] for row in asked), key=len, default=""),
            audience="semua responden",
            categories=_attribute_categories(sources, target, tools),
            scale=None,
        )


def _attribute_categories(
    sources: Sources, target: str, profiles: Mapping[str, str]
) -> list[tuple[str, str]]:
    if target in ("respondent_identifier", "unit_id"):  # units are hundreds: seed units
        return []
    if seed := {"recipient_category_id": "recipient_categories", "role_id": "roles"}.get(target):
        return [(row[target], row["name_id"]) for row in sources.seeds[seed]]
    labels = _labels(sources, target)
    codes = (
        row["code"]
        for row in sources.seeds["export_codes"]
        if row["profile_id"] in profiles and row["target"] == target
    )
    return [(code, labels.get(code, "")) for code in dict.fromkeys(codes)]
