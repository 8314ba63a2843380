# forecast::auto.arima on the series of a list: choice, AICc, errors and CPU, one line a series.
#
#     Rscript arima.R SET IDS OUT [PERIOD]    SET: path of SET_train.csv.gz without _train.csv.gz;
#                                             IDS: a file, one series_id a line; PERIOD: frequency
suppressMessages(library(forecast))
a <- commandArgs(TRUE)
read <- function(part) read.csv(gzfile(paste0(a[1], "_", part, ".csv.gz")), stringsAsFactors = FALSE)
train <- read("train")
test <- read("test")
meta <- read("meta")
ids <- readLines(a[2])
train <- split(train$y[train$series_id %in% ids], train$series_id[train$series_id %in% ids])
test <- split(test$y[test$series_id %in% ids], test$series_id[test$series_id %in% ids])
out <- file(a[3], "w")
writeLines("series_id,smape,mase,ms,aicc,label", out)
for (id in ids) {
	row <- meta[meta$series_id == id, ]
	y <- ts(train[[id]], frequency = if (length(a) > 3) as.integer(a[4]) else row$m)
	cpu <- sum(proc.time()[1:2])
	fit <- auto.arima(y)
	f <- as.numeric(forecast(fit, h = row$h)$mean)
	cpu <- sum(proc.time()[1:2]) - cpu
	actual <- test[[id]][seq_len(row$h)]
	e <- abs(actual - f)
	writeLines(sprintf('%s,%.6f,%.6f,%.3f,%.4f,"%s"', id, mean(200 * e / (abs(actual) + abs(f))),
					   mean(e) / mean(abs(diff(as.numeric(y), row$m))), 1000 * cpu, fit$aicc,
					   as.character(fit)), out)
}
close(out)
