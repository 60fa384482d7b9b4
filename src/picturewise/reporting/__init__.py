"""From arrays and facts to figures, tables and one self-contained HTML report. Pure but for `save_png`."""
