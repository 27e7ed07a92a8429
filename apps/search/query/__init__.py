"""X's query language: text -> tree, and what a tree means.

`parser.parse` makes a tree of `tree` nodes or raises one of `errors`; `canonical.canonical` writes
it down again. `matching.matches` says whether a `document.Document` fits, `sql.to_sql` says the
same to PostgreSQL, and `routing.Rules` finds which of many trees fit one document. All of them
agree on what a word is: `tokens`.
"""
