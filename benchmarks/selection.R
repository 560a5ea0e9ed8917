# R sampling's part of benchmarks/selection.py: the folder of the frame's columns → seconds as JSON.
suppressMessages(library(sampling))
d <- commandArgs(TRUE)[1]
community <- scan(file.path(d, "community.txt"), integer(), quiet = TRUE)
street <- scan(file.path(d, "street.txt"), integer(), quiet = TRUE)
n <- scan(file.path(d, "n.txt"), integer(), quiet = TRUE)
takes <- scan(file.path(d, "takes.txt"), integer(), quiet = TRUE)
best <- function(f) min(replicate(3, { t <- system.time(f()); t[["user.self"]] + t[["sys.self"]] }))
grouped <- function(codes, count) {
  size <- tabulate(codes + 1L, count)
  list(order = order(codes, method = "radix"), size = size, before = cumsum(size) - size)
}
two_stage <- function(draw) function() {
  g <- grouped(community, length(street))
  chosen <- unlist(lapply(seq_along(n), function(h) {
    m <- which(street == h - 1L)
    m[draw(inclusionprobabilities(g$size[m], n[h])) == 1]
  }))
  place <- unlist(lapply(chosen, function(p) g$before[p] + sample.int(g$size[p], 22L)))
  g$order[place]
}
# Its rejective procedure gives up after 500 tries by default, which happens now and then.
sampford <- function(p) UPsampford(p, max_iter = 1e6)
one_stage <- function() {
  g <- grouped(street[community + 1L], length(n))
  g$order[unlist(lapply(seq_along(n), function(h) g$before[h] + which(srswor(takes[h], g$size[h]) == 1)))]
}
cat(sprintf('{"systematic": %f, "sampford": %f, "one-stage": %f}',
            best(two_stage(UPsystematic)), best(two_stage(sampford)), best(one_stage)))
