"""An index looked through without a question: lists, filters with counts, single works, a map, examples."""
