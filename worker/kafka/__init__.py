"""Where records come from: the member of the group, ranges read beside it, ways around bad batches."""
