# Figures of test_blending.py by another route: base R's optim and glm on the California API data of
# tests/reference/survey. Run from the repository's root: Rscript tests/analysis/blending/reference.R
population <- read.csv("tests/reference/survey/apipop.csv")
drawn <- read.csv("tests/reference/survey/apistrat.csv")
joined <- population[population$awards == "Yes" & population$meals < 90, ]
formula <- ~ stype + meals + ell
a <- model.matrix(formula, joined); b <- model.matrix(formula, drawn); d <- drawn$pw
loss <- function(theta) -(sum(a %*% theta) - sum(d * log1p(exp(b %*% theta))))
score <- function(theta) -(colSums(a) - colSums(d * as.vector(plogis(b %*% theta)) * b))
fit <- optim(rep(0, ncol(a)), loss, score, method = "BFGS", control = list(maxit = 5000, reltol = 1e-15))
theta <- fit$par
inverse <- 1 / plogis(as.vector(a %*% theta))
share <- as.numeric(joined$api00 > 664)
figures <- function(y, m) {
  on_a <- predict(m, type = "response"); on_b <- predict(m, newdata = drawn, type = "response")
  c(mean(y), sum(y * inverse) / sum(inverse),
    sum((y - on_a) * inverse) / sum(inverse) + sum(d * on_b) / sum(d))
}
y <- joined$api00
print(nrow(joined)); print(theta, digits = 10)
print(figures(y, lm(y ~ stype + meals + ell, joined)), digits = 10)
print(figures(share, glm(share ~ stype + meals + ell, binomial, joined, epsilon = 1e-14)), digits = 10)
print(c(min(1 / inverse), max(1 / inverse), sum(inverse)^2 / sum(inverse^2)), digits = 10)
print(c(mean(population$api00), mean(population$api00 > 664)), digits = 10)
