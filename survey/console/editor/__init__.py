"""The questionnaire editor of the console: its forms, its words and what its pages show."""
