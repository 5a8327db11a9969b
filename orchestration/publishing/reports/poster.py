"""A subject's poster: its index large, what it does best and least, where to read on.

Belongs here: what stands on the page. Doesn't: its look (templates/poster.typ).
"""

import io
from collections.abc import Sequence

from orchestration.publishing.reading.book import Component
from orchestration.publishing.reports.content import Poster
from orchestration.publishing.reports.participation import reached
from orchestration.publishing.reports.sections import lowest_of, ranked_elements
from orchestration.publishing.reports.subjects import Subject
from orchestration.publishing.reports.telling import Teller

_MOST = 3


def poster_of(tell: Teller, subject: Subject, source: str, site_url: str | None) -> Poster:
    """Gather a subject's poster. `site_url`: where the site stands; None leaves the code out.

    A path alone would be a code that no telephone can open.
    """
    words, cycle = tell.words, tell.cycle
    score = subject.score(tell.book, cycle)
    is_shown = score is not None and score.score is not None
    scores = tell.book.scores(cycle.cycle_id, subject.domain_type, subject.subject_id)
    lowest = list(lowest_of(tell, subject)) if is_shown else []
    best = _best(tell, subject, lowest)
    facts = reached(tell, subject)
    if score is not None and is_shown:
        facts = [
            (words("figure.respondents"), tell.count(score.respondent_count)),
            (words("report.change"), tell.change_in_words(tell.change(subject))),
            *facts,
        ]
    address = page_address(subject, words.code, site_url) if site_url else ""
    return Poster(
        language=words.code,
        title=tell.index_name,
        subject=subject.name(tell.book, cycle, words),
        period=tell.cycle_name,
        source=source,
        figure=tell.number(score.score) if score is not None and is_shown else None,
        interval_title=words("figure.interval", level=words.percent(cycle.ci_level)),
        interval=tell.interval(score),
        band=tell.band(score.band) if score is not None else "",
        doubt="" if score is None or score.is_band_certain else words("figure.band_uncertain"),
        why="" if is_shown else tell.why_in_full(score),
        facts=facts,
        strengths=[(tell.component(each), tell.shown(scores.get(each))) for each in best[:_MOST]],
        weaknesses=[(tell.component(each), tell.shown(scores.get(each))) for each in lowest],
        strengths_title=words("report.strengths"),
        weaknesses_title=words("report.weaknesses"),
        code=_code(address) if address else None,
        address=address,
        code_title=words("report.poster_code"),
    )


def _best(tell: Teller, subject: Subject, lowest: Sequence[Component]) -> list[Component]:
    """Return the highest elements, the highest first: those that stand above each of the lowest."""
    scores = tell.book.scores(tell.cycle.cycle_id, subject.domain_type, subject.subject_id)
    if not lowest:
        return []
    top = max(scores[each].score or 0 for each in lowest)
    services = [Component(service) for service in tell.services] if subject.kind == "unit" else []
    found = [
        (-score.score, component)
        for component in [*ranked_elements(tell, subject), *services]
        if (score := scores.get(component)) is not None
        and score.score is not None
        and score.score > top
    ]
    return [component for _, component in sorted(found)]


def page_address(subject: Subject, code: str, site_url: str) -> str:
    """Return the address of a subject's page in a language, below the site's own."""
    page = "index" if subject.kind == "national" else "/".join(subject.path)
    return f"{site_url.rstrip('/')}/{code}/{page}.html"


def _code(address: str) -> str:
    """Return a QR code as SVG."""
    import segno

    picture = io.BytesIO()
    segno.make(address, error="m", micro=False).save(picture, kind="svg", border=2, xmldecl=False)
    return picture.getvalue().decode("utf-8")
