# ets.R: exponential smoothing of R's forecast beside augur's, series by series.
#
# usage: Rscript ets.R SET EVERY OURS.csv      OURS.csv: written by bench_forecast -m ets -f
#
# Prints the share of series whose AICc is equal to or below R's, and the CPU time of R's ets.
suppressMessages(library(forecast))
arg <- commandArgs(TRUE)
train <- read.csv(paste0(arg[1], "_train.csv.gz"))
meta <- read.csv(paste0(arg[1], "_meta.csv.gz"))
ours <- read.csv(arg[3])
ours <- ours[ours$method == "ets", ]
ids <- meta$series_id[seq(1, nrow(meta), by = as.integer(arg[2]))]
y <- split(train$y, train$series_id)
cpu <- 0
better <- c()
for (id in ids) {
  m <- meta$m[meta$series_id == id]
  spent <- system.time(fit <- ets(ts(y[[id]], frequency = m)))
  cpu <- cpu + sum(spent[1:2])
  mine <- ours$aicc[ours$series_id == id]
  better <- c(better, fit$aicc - mine)
  if (mine > fit$aicc + 1e-6)
    cat(id, fit$method, "R", fit$aicc, "augur", mine, ours$label[ours$series_id == id], "\n")
}
cat(sprintf("series %d, equal or better %.4f, within 0.01 %.4f, median gain %.4f; R ms a series %.1f\n",
            length(ids), mean(better >= -1e-6), mean(better >= -0.01), median(better),
            1000 * cpu / length(ids)))
