"""Survey tools' servers as places: what they hold, asked over HTTP and kept as they answered.

Belongs here: one module a tool, the HTTP session they share, when to ask for what (asking.py).
Doesn't: reading the answers (the readers), remembering them (landing, registry).
"""
