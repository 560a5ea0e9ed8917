"""XLSForm both ways: a file becomes a document or a list of reasons why not; a document a workbook."""

from survey.questionnaires.xlsform.reader import read_xlsform
from survey.questionnaires.xlsform.template import template_xlsx
from survey.questionnaires.xlsform.workbook import export_xlsform

__all__ = ["export_xlsform", "read_xlsform", "template_xlsx"]
