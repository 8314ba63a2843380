# Golden log likelihoods of ARIMA models at given parameters, by R's stats::arima.
#
#     Rscript tests/data/make_arima_golden.R > tests/data/arima_golden.txt
#
# Series are generated here from a seed.  Differenced models keep their level near 0, as R's
# diffuse prior of variance 1e6 is felt in the likelihood when the level is not.
#
# Format, one item a line:
#     case NAME N M p d q P D Q CONSTANT REGRESSORS
#     coef AR MA SAR SMA ...
#     beta CONSTANT REGRESSORS ...
#     y ...          (nan: missing)
#     x ...          (row by row; only with regressors)
#     loglik VALUE
#     differenced VALUE   log likelihood of the ARMA part for the differenced series, without
#                         any diffuse prior; nan with missing values
#     sigma2 VALUE
#     mean ...       forecasts of the next 6 steps
#     se ...         their standard errors
#     end
# and at the end the tests of unit roots, a line each.

show <- function(v) paste(sapply(v, function(z) if (is.na(z)) "nan" else sprintf("%.17g", z)),
                          collapse = " ")
AHEAD <- 6

golden <- function(name, order, seasonal, m, coef, n, missing = 0, beta = NULL, constant = FALSE,
                   regressors = 0) {
    p <- order[1]; d <- order[2]; q <- order[3]
    P <- seasonal[1]; D <- seasonal[2]; Q <- seasonal[3]
    y <- as.numeric(arima.sim(list(ar = if (p > 0) coef[seq_len(p)] else numeric(0),
                                   ma = if (q > 0) coef[p + seq_len(q)] else numeric(0)), n))
    if (m > 1) y <- y + rep(rnorm(m), length.out = n)
    if (D > 0) for (t in (m + 1):n) y[t] <- y[t - m] + 0.3 * y[t]
    if (d > 0) for (k in seq_len(d)) y <- cumsum(y) / sqrt(k)
    if (D + d > 0) y <- y - y[1]
    x <- if (regressors > 0) matrix(rnorm((n + AHEAD) * regressors), ncol = regressors)
    columns <- NULL
    if (constant) columns <- cbind(if (d + D > 0) seq_len(n + AHEAD) else rep(1, n + AHEAD))
    columns <- cbind(columns, x)
    if (!is.null(columns)) y <- y + as.numeric(columns[seq_len(n), , drop = FALSE] %*% beta)
    if (missing > 0) y[sample(seq(3, n), missing)] <- NA
    fit <- arima(y, order = order, seasonal = list(order = seasonal, period = m),
                 xreg = if (!is.null(columns)) columns[seq_len(n), , drop = FALSE],
                 include.mean = FALSE, fixed = c(coef, beta), transform.pars = FALSE,
                 method = "ML")
    ahead <- predict(fit, AHEAD,
                     newxreg = if (!is.null(columns)) columns[n + seq_len(AHEAD), , drop = FALSE])
    w <- y
    if (!is.null(columns)) w <- w - as.numeric(columns[seq_len(n), , drop = FALSE] %*% beta)
    if (D > 0) w <- diff(w, m, D)
    if (d > 0) w <- diff(w, 1, d)
    plain <- if (missing > 0) NA else
        arima(w, order = c(p, 0, q), seasonal = list(order = c(P, 0, Q), period = m),
              include.mean = FALSE, fixed = coef, transform.pars = FALSE, method = "ML")$loglik
    cat("case", name, n, m, order, seasonal, as.integer(constant), regressors, "\n")
    cat("coef", show(coef), "\n")
    cat("beta", show(beta), "\n")
    cat("y", show(y), "\n")
    if (regressors > 0) cat("x", show(as.numeric(t(x))), "\n")
    cat("loglik", show(fit$loglik), "\n")
    cat("differenced", show(plain), "\n")
    cat("sigma2", show(fit$sigma2), "\n")
    cat("mean", show(as.numeric(ahead$pred)), "\n")
    cat("se", show(as.numeric(ahead$se)), "\n")
    cat("end\n")
}

set.seed(20240501)
none <- c(0, 0, 0)
golden("ar1", c(1, 0, 0), none, 1, 0.7, 80)
golden("ma1", c(0, 0, 1), none, 1, -0.6, 60)
golden("arma22", c(2, 0, 2), none, 1, c(0.5, 0.3, 0.4, -0.3), 120)
golden("ar5", c(5, 0, 0), none, 1, c(0.4, -0.2, 0.1, 0.05, 0.2), 100)
golden("arma35", c(3, 0, 5), none, 1, c(0.3, 0.2, -0.4, 0.5, 0.1, 0.2, -0.1, 0.3), 90)
golden("near_unit", c(1, 0, 1), none, 1, c(0.98, -0.95), 150)
golden("short", c(2, 0, 1), none, 1, c(0.6, -0.2, 0.5), 8)
golden("mean", c(1, 0, 1), none, 1, c(0.6, 0.3), 70, beta = 3.5, constant = TRUE)
golden("walk", c(0, 1, 0), none, 1, numeric(0), 50)
golden("arima111", c(1, 1, 1), none, 1, c(0.5, 0.3), 90)
golden("drift", c(1, 1, 0), none, 1, -0.4, 90, beta = 0.2, constant = TRUE)
golden("twice", c(0, 2, 2), none, 1, c(-0.5, 0.2), 60)
golden("airline", c(0, 1, 1), c(0, 1, 1), 12, c(-0.4, -0.6), 96)
golden("seasonal_ar", c(1, 0, 0), c(1, 0, 0), 12, c(0.5, 0.4), 84)
golden("seasonal_mixed", c(2, 0, 1), c(1, 0, 1), 4, c(0.4, 0.2, 0.3, 0.5, -0.3), 70)
golden("seasonal_full", c(2, 1, 2), c(1, 1, 1), 4, c(0.4, 0.2, 0.3, -0.2, 0.3, -0.4), 80)
golden("seasonal_drift", c(1, 0, 0), c(0, 1, 1), 12, c(0.6, -0.5), 90, beta = 0.05,
       constant = TRUE)
golden("two_seasonal", c(1, 0, 1), c(2, 0, 2), 7, c(0.5, 0.2, 0.3, 0.2, 0.1, -0.2), 100)
golden("hours", c(1, 0, 1), c(0, 1, 1), 24, c(0.7, 0.2, -0.5), 120)
golden("missing", c(1, 0, 1), none, 1, c(0.7, 0.4), 80, missing = 15)
golden("missing_mean", c(2, 0, 0), none, 1, c(0.5, 0.2), 80, missing = 20, beta = -2,
       constant = TRUE)
golden("missing_walk", c(0, 1, 1), none, 1, -0.3, 80, missing = 12)
golden("missing_twice", c(1, 2, 1), none, 1, c(0.3, -0.6), 60, missing = 8)
golden("missing_season", c(1, 1, 1), c(0, 1, 1), 12, c(0.3, -0.5, -0.4), 96, missing = 10)
golden("missing_seasonal_ar", c(0, 0, 2), c(1, 0, 0), 12, c(0.5, 0.2, 0.6), 90, missing = 30)
golden("xreg", c(1, 0, 1), none, 1, c(0.6, 0.2), 80, beta = c(1, 2, -0.5), constant = TRUE,
       regressors = 2)
golden("xreg_walk", c(1, 1, 0), none, 1, 0.3, 80, beta = c(0.5, -1, 2), regressors = 3)
golden("xreg_season", c(0, 1, 1), c(0, 1, 1), 4, c(-0.4, -0.3), 64, beta = c(1.5, -0.7),
       regressors = 2)
golden("xreg_missing", c(1, 0, 0), c(1, 0, 0), 4, c(0.4, 0.3), 72, missing = 9,
       beta = c(2, 0.7), constant = TRUE, regressors = 1)
golden("xreg_missing_drift", c(0, 1, 1), none, 1, 0.4, 70, missing = 7, beta = c(0.1, 1.2),
       constant = TRUE, regressors = 1)

# KPSS statistics by urca::ur.kpss: NAME y VALUES, NAME value STATISTIC (lags trunc(3 sqrt(n) / 13)).
for (i in 1:4) {
    n <- c(30, 60, 120, 400)[i]
    y <- list(rnorm(n), cumsum(rnorm(n)), 0.05 * seq_len(n) + rnorm(n),
              as.numeric(arima.sim(list(ar = 0.8), n)))[[i]]
    test <- urca::ur.kpss(y, type = "mu", use.lag = trunc(3 * sqrt(n) / 13))
    cat(paste0("kpss", i), "y", show(y), "\n")
    cat(paste0("kpss", i), "value", show(test@teststat), "\n")
}
