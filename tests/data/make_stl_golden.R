# Golden decompositions: R's stats::stl, which runs the program of the authors of STL, and
# forecast::mstl (Hyndman, forecast 8.20) for several seasons.
#
#     Rscript tests/data/make_stl_golden.R > tests/data/stl_golden.txt
#
# All series are generated here.  Robust cases have an odd N: with an even one R's program gives
# its partial sort the two ranks of the median in the wrong order, and at times takes another
# number for the median.
# make_stl_golden.py has robust cases with an even N.  One case:
#     stl NAME N PERIOD SEASON_WINDOW ROBUST SEASON_DEGREE SEASON_JUMP TREND_WINDOW TREND_JUMP LOW_JUMP
#         (SEASON_WINDOW 0: periodic; SEASON_DEGREE -1 and the last four 0: R's defaults)
#     mstl NAME N ROBUST PERIODS PERIOD...
#     smooth NAME N                       (stats::supsmu on 1..N)
#     y VALUES, trend VALUES, seasonal VALUES (one line each period), weight VALUES (stl only)
suppressPackageStartupMessages(library(forecast))
set.seed(20260)

line <- function(name, v) cat(name, sprintf("%.15g", v), "\n")

stl_case <- function(name, y, period, window, robust, ...) {
  extra <- list(...)
  get <- function(k, none = 0) if (is.null(extra[[k]])) none else extra[[k]]
  s <- stl(ts(y, frequency = period), s.window = if (window == 0) "periodic" else window,
           robust = robust, ...)
  cat("stl", name, length(y), period, window, as.integer(robust), get("s.degree", -1),
      get("s.jump"), get("t.window"), get("t.jump"), get("l.jump"), "\n")
  line("y", y)
  line("trend", s$time.series[, "trend"])
  line("seasonal", s$time.series[, "seasonal"])
  line("weight", s$weights)
}

mstl_case <- function(name, y, periods, robust) {
  m <- mstl(msts(y, seasonal.periods = periods), robust = robust)
  cat("mstl", name, length(y), as.integer(robust), length(periods), periods, "\n")
  line("y", y)
  line("trend", m[, "Trend"])
  for (p in periods) line("seasonal", m[, paste0("Seasonal", p)])
}

wave <- function(n, period, amplitude) amplitude * sin(2 * pi * seq_len(n) / period)
monthly <- function(n, noise) {
  shape <- c(-9, -10, -7, -3, 4, 8, 13, 11, 8, 0, -6, -9) # a temperature's year
  round(49 + rep_len(shape, n) + cumsum(rnorm(n, 0, 0.2)) + rnorm(n, 0, noise), 1)
}

y <- monthly(97, 2)
for (robust in c(FALSE, TRUE)) {
  for (window in c(0, 7, 13)) stl_case("monthly", y, 12, window, robust)
}
spiky <- y
spiky[c(10, 33, 34, 70)] <- spiky[c(10, 33, 34, 70)] + c(60, -45, 50, 80)
stl_case("spikes", spiky, 12, 0, TRUE)
stl_case("spikes", spiky, 12, 11, TRUE)
stl_case("options", y, 12, 11, FALSE, s.degree = 1, s.jump = 1, t.window = 23, t.jump = 1, l.jump = 1)
stl_case("options", y, 12, 35, TRUE, s.degree = 1, s.jump = 3, t.window = 15, t.jump = 4, l.jump = 5)
stl_case("quarterly", round(100 + 1:9 + rep_len(c(5, -2, 3, -6), 9) + rnorm(9), 2), 4, 7, FALSE)
stl_case("weekday", round(20 + wave(150, 7, 4) + wave(150, 70, 6) + rnorm(150), 2), 7, 0, FALSE)
stl_case("hour", round(200 + wave(24 * 9 + 5, 24, 40) + rnorm(24 * 9 + 5, 0, 8), 1), 24, 15, TRUE)
stl_case("two", c(3, 1, 4, 1, 5), 2, 0, FALSE)
stl_case("two", c(3, 1, 4, 1, 5, 9, 2, 6, 5), 2, 3, TRUE)

n <- 421
z <- round(500 + 0.3 * seq_len(n) + wave(n, 24, 60) + wave(n, 12, 20) + wave(n, 168, 90) +
             rnorm(n, 0, 12), 1)
mstl_case("hours", z, c(24, 168), FALSE)
mstl_case("hours", z, c(24, 168), TRUE)
mstl_case("three", z[1:200], c(6, 12, 24), FALSE)

smooth_case <- function(name, y) {
  cat("smooth", name, length(y), "\n")
  line("y", y)
  line("trend", supsmu(seq_along(y), y)$y)
}
smooth_case("bend", round(c(seq(0, 20, length.out = 60), rep(20, 60)) + rnorm(120), 2))
smooth_case("waves", round(30 * sin((1:300)^1.5 / 300) + rnorm(300, 0, 3), 2))
smooth_case("short", c(1, 4, 2, 8, 5, 7, 1))
smooth_case("four", c(1, 4, 2, 8))
