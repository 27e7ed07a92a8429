"""The text of tweets by the rules of twitter-text: length, entities, links. Knows no table.

`weights` says how long a text is, `entities` what it holds, `links` shows it as HTML, `highlights`
marks what a search found, `names` says whether a single name or address is well formed.
"""
