# One forest of ranger for the accuracy benchmark.
#
#     Rscript ranger.R train.csv test.csv out.csv target task trees mtry seed
#
# task: regression, binary or multiclass.  Text columns become unordered factors, ordered by the
# target in each split.  Missing values are imputed by the caller.  out.csv gets one prediction a
# line: the value, the probability of the second class, or the label.
suppressMessages(library(ranger))
a <- commandArgs(TRUE)
task <- a[5]
read <- function(path) read.csv(path, stringsAsFactors = FALSE)
train <- read(a[1])
test <- read(a[2])
for (name in setdiff(names(train), a[4])) {
	if (is.character(train[[name]])) {
		levels <- sort(unique(c(train[[name]], test[[name]])))
		train[[name]] <- factor(train[[name]], levels)
		test[[name]] <- factor(test[[name]], levels)
	}
}
if (task != "regression") train[[a[4]]] <- factor(train[[a[4]]])
fit <- ranger(dependent.variable.name = a[4], data = train, num.trees = as.integer(a[6]),
			  mtry = as.integer(a[7]), min.node.size = 1, probability = task != "regression",
			  respect.unordered.factors = "order", seed = as.integer(a[8]), num.threads = 2)
p <- predict(fit, test, num.threads = 2)$predictions
if (task == "binary") p <- p[, levels(train[[a[4]]])[2]]
if (task == "multiclass") p <- colnames(p)[max.col(p, "first")]
writeLines(as.character(p), a[3])
