# Golden outliers: forecast::tsoutliers (Hyndman, forecast 8.20) on series generated here.
#
#     Rscript tests/data/make_outlier_golden.R > tests/data/outlier_golden.txt
#
# One case:  outliers NAME N PERIOD (1: none) COUNT, y VALUES, index INDICES (from 0), replacements
# VALUES.  tsoutliers interpolates in another way, so replacements agree roughly; and gaps, which are
# filled that way first, can change what is found, so that no case has any.
suppressPackageStartupMessages(library(forecast))
set.seed(77)
line <- function(name, v) cat(name, sprintf("%.15g", v), "\n")
case <- function(name, y, period) {
  r <- tsoutliers(ts(y, frequency = period))
  cat("outliers", name, length(y), period, length(r$index), "\n")
  line("y", y)
  line("index", r$index - 1)
  line("replacements", r$replacements)
}
n <- 121
season <- rep_len(c(5, 3, -2, -6, -1, 1), n)
base <- round(100 + 0.2 * seq_len(n) + rnorm(n), 2)
spike <- function(y, at, by) { y[at] <- y[at] + by; y }
case("clean", base, 1)
case("spikes", spike(base, c(20, 60, 61, 100), c(15, -20, -14, 30)), 1)
case("season", spike(base + season, c(5, 33, 80), c(12, -25, 18)), 6)
case("hidden", spike(base + season, c(10, 40, 41, 42, 90), c(300, 9, 9, 9, -12)), 6)
case("weak", spike(base, c(50), c(12)), 6)
case("steps", round(c(rnorm(60, 10), rnorm(61, 40)), 2), 1)
case("constant", rep(4, 30), 6)
case("single", spike(rep(4, 30), 9, 50), 1)
