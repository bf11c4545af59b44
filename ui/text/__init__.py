"""Foreign text as HTML: escaped, its formulas typeset, cut between words."""
