# R survey's part of benchmarks/inference.py: data.csv margins.csv rows-of-the-bootstrap replicates → JSON.
suppressMessages(library(survey))
args <- commandArgs(TRUE)
d <- read.csv(args[1])
goal <- read.csv(args[2])
part_rows <- as.integer(args[3]); replicates <- as.integer(args[4])
items <- paste0("y", 0:19)
secs <- list(); est <- list(); se <- list(); gb <- list()
clock <- function(f) {
  gc()
  if (file.exists("/proc/self/clear_refs")) try(writeLines("5", "/proc/self/clear_refs"), silent = TRUE)
  t <- system.time(r <- f())
  peak <- NA
  if (file.exists("/proc/self/status"))
    peak <- as.numeric(gsub("[^0-9]", "", grep("^VmHWM", readLines("/proc/self/status"), value = TRUE)))
  list(t = t[["user.self"]] + t[["sys.self"]], gb = peak / 1024^2, r = r)
}
design <- function(part = d) svydesign(ids = ~psu, strata = ~stratum, weights = ~w, data = part)
one <- function(item) as.formula(paste0("~", item))

a <- clock(function() { s <- design(); lapply(items, function(i) svymean(one(i), s, na.rm = TRUE)) })
secs$means <- a$t; gb$means <- a$gb; est$means <- sapply(a$r, coef); se$means <- sapply(a$r, SE)

a <- clock(function() {
  s <- design()
  lapply(items[1:5], function(i) svyby(one(i), ~street, s, svymean, na.rm = TRUE))
})
secs$domains <- a$t; gb$domains <- a$gb
est$domains <- unlist(lapply(a$r, coef)); se$domains <- unlist(lapply(a$r, SE))

margins <- split(goal, goal$margin)
population <- lapply(names(margins), function(m) {
  setNames(data.frame(margins[[m]]$level, margins[[m]]$count), c(m, "Freq"))
})
a <- clock(function() {
  rake(design(), lapply(names(margins), one), population, control = list(maxit = 1000, epsilon = 1e-10))
})
secs$rake <- a$t; gb$rake <- a$gb; est$rake <- head(weights(a$r), 1000); se$rake <- 0

part <- head(d, part_rows)
a <- clock(function() {
  r <- as.svrepdesign(design(part), type = "subbootstrap", replicates = replicates)
  lapply(items[1:5], function(i) svymean(one(i), r, na.rm = TRUE))
})
secs$bootstrap <- a$t; gb$bootstrap <- a$gb; est$bootstrap <- 0; se$bootstrap <- 0

formula <- aware ~ x + factor(sex) + factor(age) + factor(education)
a <- clock(function() svyglm(formula, design(), family = quasibinomial()))
secs$glm <- a$t; gb$glm <- a$gb; est$glm <- coef(a$r); se$glm <- SE(a$r)

out <- function(l) {
  values <- sapply(l, function(v) paste(format(unname(v), digits = 17, trim = TRUE), collapse = ","))
  paste0("{", paste(sprintf('"%s":[%s]', names(l), values), collapse = ","), "}")
}
cat(sprintf('{"seconds":%s,"est":%s,"se":%s,"gb":%s}', out(secs), out(est), out(se), out(gb)))
