# Makes forecast_golden.txt: what R answers on generated series.
#
#   Rscript make_forecast_golden.R > forecast_golden.txt
#
# Made with R 4.2.2 (stats) and forecast 8.20.  Each line: case, what, numbers.
suppressPackageStartupMessages(library(forecast))
put <- function(case, what, x)
	cat(case, what, ifelse(is.na(x), "NA", sprintf("%.17g", x)), "\n", sep = " ")
cat("# made by make_forecast_golden.R with", R.version.string, "and forecast",
	as.character(packageVersion("forecast")), "\n")

# series: monthly with trend and season, quarterly, without a season, with negative values
set.seed(20261126)
series <- list(
	monthly = ts(round((100 + 0.8 * 1:90) * (1 + 0.25 * sin(2 * pi * (1:90) / 12)) *
		exp(rnorm(90, sd = 0.05)), 4), frequency = 12),
	quarterly = ts(round(50 + cumsum(rnorm(47, 0.3, 1.5)) + rep_len(c(6, -2, 3, -7), 47), 4),
		frequency = 4),
	weekly7 = ts(round(20 + rep_len(c(5, 1, 0, -1, 2, -3, -4), 100) + rnorm(100), 4), frequency = 7),
	plain = ts(round(200 + cumsum(rnorm(60, 0.5, 4)), 4)),
	negative = ts(round(cumsum(rnorm(50, 0, 2)) - 3, 4)))
for (case in names(series)) {
	y <- series[[case]]
	m <- frequency(y)
	put(case, "period", m)
	put(case, "y", y)
	if (m == 1)
		next
	for (kind in c("additive", "multiplicative")) {
		if (kind == "multiplicative" && min(y) <= 0)
			next
		d <- decompose(y, kind)
		put(case, paste0("index_", kind), d$figure)
		put(case, paste0("trend_", kind), d$trend)
	}
	r <- as.numeric(acf(y, lag.max = m, plot = FALSE)$acf)[-1]
	put(case, "test", c(r[m], 1.645 * sqrt((1 + 2 * sum(r[-m]^2)) / length(y))))
}

# exponential smoothing: R's own parameters, and everything that follows from them
steps <- 12
for (case in c("plain", "negative")) {
	y <- series[[case]]
	f <- ses(y, h = steps)
	put(case, "ses_par", c(f$model$par["alpha"], f$model$par["l"]))
	put(case, "ses_sse", sum(f$residuals^2))
	put(case, "ses_mean", f$mean)
	put(case, "ses_fitted", f$fitted)
	put(case, "ses_upper95", f$upper[, 2])
	for (method in c("holt", "damped")) {
		f <- holt(y, h = steps, damped = method == "damped")
		par <- f$model$par
		put(case, paste0(method, "_par"), c(par["alpha"], par["beta"],
			if (method == "damped") par["phi"] else 1, par["l"], par["b"]))
		put(case, paste0(method, "_mean"), f$mean)
		put(case, paste0(method, "_fitted"), f$fitted)
		put(case, paste0(method, "_width95"), (f$upper[, 2] - f$mean) / (f$upper[1, 2] - f$mean[1]))
	}
	# the benchmark of the M4 competition: lines with theta 0 and 2, half each
	t <- seq_along(y)
	line <- lm(y ~ t)
	z <- ses(2 * y - fitted(line), h = steps)
	put(case, "theta_par", c(z$model$par["alpha"], z$model$par["l"],
		sum(coef(line)), coef(line)[2]))
	put(case, "theta_mean", (z$mean + predict(line, data.frame(t = length(y) + 1:steps))) / 2)
	put(case, "theta_fitted", (z$fitted + fitted(line)) / 2)
}
for (case in c("monthly", "quarterly")) {
	y <- series[[case]]
	f <- ses(seasadj(decompose(y, "multiplicative")), h = steps)
	figure <- decompose(y, "multiplicative")$figure
	put(case, "ses_adjusted_mean", f$mean * figure[(length(y) + 1:steps - 1) %% frequency(y) + 1])
	put(case, "ses_adjusted_sse", sum(f$residuals^2))
}

# Holt-Winters: R's parameters and first states, oldest season first
for (case in c("monthly", "quarterly")) {
	for (kind in c("additive", "multiplicative")) {
		f <- hw(series[[case]], h = steps, seasonal = kind)
		par <- f$model$par
		m <- frequency(series[[case]])
		first <- f$model$states[1, ]
		put(case, paste0("hw_", kind, "_par"), c(par["alpha"], par["beta"], par["gamma"], 1,
			first["l"], first["b"], rev(first[-(1:2)])))
		put(case, paste0("hw_", kind, "_mean"), f$mean)
		put(case, paste0("hw_", kind, "_fitted"), f$fitted)
		put(case, paste0("hw_", kind, "_width95"), (f$upper[, 2] - f$mean) / (f$upper[1, 2] - f$mean[1]))
		put(case, paste0("hw_", kind, "_sigma2"), f$model$sigma2)
	}
}
