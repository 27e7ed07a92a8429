"""Hot tweets: which of those that people begin to act on will reach very many."""
