"""Formats of label files, one in each module: ``load_x`` reads what ``save_x`` writes."""
