# make_ets_golden.R: likelihoods, forecasts and variances of R's forecast::ets, as tests/data/ets_golden.txt.
#
# usage: Rscript make_ets_golden.R > ets_golden.txt      (R 4.2.2, forecast 8.20)
#
# Series are generated here from fixed seeds.  For each: "series m n" and its values; then for each form
# "form E T D S" and lines: alpha beta gamma phi; level trend and m seasons in the order of time; log
# likelihood, AICc and sigma2; point forecasts; variances of 2 m (or 10) steps.
suppressMessages(library(forecast))
show <- function(x) cat(paste(sprintf("%.17g", x), collapse = " "), "\n", sep = "")
make <- function(seed, n, m) {
  set.seed(seed)
  t <- seq_len(n)
  s <- if (m > 1) 1 + 0.3 * sin(2 * pi * t / m) + 0.1 * cos(4 * pi * t / m) else 1
  ts((100 + 0.8 * t + cumsum(rnorm(n, 0, 2))) * s * exp(rnorm(n, 0, 0.04)), frequency = m)
}
forms <- list(
  "1" = c("ANN", "AAN", "AAdN", "MNN", "MAN", "MAdN", "MMN", "MMdN"),
  "4" = c("ANA", "AAA", "AAdA", "MNA", "MAA", "MAdA", "MNM", "MAM", "MAdM", "MMM"),
  "12" = c("ANA", "AAA", "MAdA", "MNM", "MAM", "MAdM"))
for (m in c(1, 4, 12)) for (n in c(3 * m + 12, 8 * m + 37)) {
  y <- make(10 * m + n, n, m)
  cat("series", m, n, "\n")
  show(y)
  for (f in forms[[as.character(m)]]) {
    damped <- grepl("d", f)
    fit <- tryCatch(ets(y, model = sub("d", "", f), damped = damped), error = function(e) NULL)
    if (is.null(fit)) next
    get <- function(name, default) if (name %in% names(fit$par)) fit$par[[name]] else default
    init <- fit$initstate
    season <- if (grepl("s1", paste(names(init), collapse = " "))) rev(init[grep("^s", names(init))]) else c()
    cat("form", substr(f, 1, 1), substr(f, 2, 2), as.integer(damped), substr(f, nchar(f), nchar(f)), "\n")
    show(c(get("alpha", 0), get("beta", 0), get("gamma", 0), get("phi", 1)))
    show(c(init[1], if ("b" %in% names(init)) init[["b"]] else 0, season))
    show(c(fit$loglik, fit$aicc, fit$sigma2))
    h <- max(10, 2 * m)
    fc <- forecast(fit, h = h, level = 95, simulate = FALSE)
    show(fc$mean)
    upper <- as.numeric(fc$upper) # absent or NA where R would simulate
    if (length(upper) != h || substr(f, 2, 2) == "M") upper <- rep(NaN, h)
    show(((upper - as.numeric(fc$mean)) / qnorm(0.975))^2)
  }
}
