"""What the search of pages finds: regions and units by name.

Belongs here: the data file that assets/explore.js loads once somebody searches. Doesn't: searching.
It is a script that sets a global, since a page opened from a file system may not fetch data.
"""

import json

from orchestration.publishing.reading.book import Book
from orchestration.publishing.reading.language import Language
from orchestration.publishing.site.places import cycle_to_read


def search_script(book: Book, words: Language) -> str:
    """Return the script: name, kind and path of every region and unit that has a page."""
    cycle = cycle_to_read(book)
    units = book.units[cycle.cycle_id].values() if cycle else ()
    with_units = {unit["region_id"] for unit in units}
    found = [
        (region["name"], words("region.region"), f"regions/{region_id}.html")
        for region_id, region in book.regions.items()
        if region_id in with_units
    ]
    found += [
        (
            unit["unit_name"],
            words.coded("unit_type", unit["unit_type"] or ""),
            f"units/{unit['unit_id']}.html",
        )
        for unit in units
    ]
    return f"window.ilkPlaces={json.dumps(found, ensure_ascii=False, separators=(',', ':'))};\n"
