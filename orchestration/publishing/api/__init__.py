"""The publication as files that programs fetch: JSON and CSV a table and a unit, with OpenAPI.

`files.py` writes them, `document.py` describes them. No server answers queries: any that serves the
pages serves these too.
"""
