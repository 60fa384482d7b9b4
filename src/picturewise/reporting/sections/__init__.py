"""The sections of a report: the title of each, and the facts for the template of the same name."""

from picturewise.reporting.sections.comparison import comparison_section
from picturewise.reporting.sections.data import data_section
from picturewise.reporting.sections.model import model_sections
from picturewise.reporting.sections.reading import reading_section
from picturewise.reporting.sections.study import study_section

__all__ = ["comparison_section", "data_section", "model_sections", "reading_section", "study_section"]
