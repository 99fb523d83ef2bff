"""The page kit: what every page is made of. It knows none of the nouns that pages are about."""
