"""XLSForm in: a workbook becomes a questionnaire document, or a list of reasons why not."""

from survey.questionnaires.xlsform.reader import read_xlsform

__all__ = ["read_xlsform"]
