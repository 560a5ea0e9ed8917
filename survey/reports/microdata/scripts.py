"""The few lines that give a headline figure again, in R and in Stata."""

from typing import Any

from survey.reports.microdata.table import Microdata
from survey.reports.models import Run

ALL = "all"


def population_csv(run: Run) -> str:
    """Population of each cell that the last step of the weights met."""
    cells = run.document.get("weights", {}).get("cells", [])
    lines = [f"{n},{cell['population']!r}" for n, cell in enumerate(cells, start=1) if cell["n"]]
    return "\n".join(["poststratum,Freq", *lines]) + "\n"


def headline(run: Run, data: Microdata) -> dict[str, Any] | None:
    """The first indicator with a column in the file: {name, column}."""
    named = [v for v in data.variables if v.name.startswith("i_")]
    return {"column": named[0].name, "label": named[0].label} if named else None


def r_script(run: Run, data: Microdata) -> str:
    """R with the package survey. The design's errors take every step before the last as fixed."""
    chosen = headline(run, data)
    column = chosen["column"] if chosen else "weight"
    label = chosen["label"] if chosen else ""
    return f"""# {label}
# R >= 4, install.packages("survey"). PSUs as drawn with replacement; Taylor linearisation with the cells of
# the last step. Where the report repeats its whole recipe on bootstrap samples, its error differs a little.
library(survey)
options(survey.lonely.psu = "adjust")
d <- read.csv("data.csv", fileEncoding = "UTF-8-BOM")
population <- read.csv("population.csv")
base <- svydesign(ids = ~psu, strata = ~stratum, weights = ~weight_before, data = d, nest = TRUE)
design <- postStratify(base, ~poststratum, population[population$poststratum %in% d$poststratum, ])
figure <- svymean(~{column}, design, na.rm = TRUE)
print(figure)
print(confint(figure, df = degf(design)))
cat(sprintf("RESULT %.12g %.12g\\n", coef(figure)[[1]], SE(figure)[[1]]))
"""


def stata_script(run: Run, data: Microdata) -> str:
    """Stata 14 and later."""
    chosen = headline(run, data)
    column = chosen["column"] if chosen else "weight"
    label = chosen["label"] if chosen else ""
    return f"""* {label}
import delimited population.csv, clear
rename freq population
tempfile cells
save `cells'
use data.dta, clear
merge m:1 poststratum using `cells', keep(match) nogenerate
svyset psu [pweight = weight_before], strata(stratum) ///
    poststrata(poststratum) postweight(population) singleunit(centered)
svy: mean {column}
* Codes below 0 are no answers: mvdecode Q*, mv(-1=.a \\ -2=.b \\ -3=.c \\ -4=.d)
"""
