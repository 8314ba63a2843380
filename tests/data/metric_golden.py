#!/usr/bin/env python3
"""Reference values of the metric aggregates, from scikit-learn.

Prints the rows of table golden in sql/metric.sql.  The data are made by the same integer
formulas there, so nothing but these values is shared.  Run with scikit-learn 1.3 or newer:

    python3 tests/data/metric_golden.py
"""
import numpy as np
from sklearn import metrics as m

i = np.arange(1, 1001)
actual = (i * 7919 % 1009) / 100.0 - 3
predicted = actual + (i * 104729 % 211) / 50.0 - 2
score = (i * 7919 % 97) / 97.0                     # many ties
label = (i * 31337 % 101) / 101.0 < 0.2 + 0.6 * score
guess = score > 0.5
color = np.array(["red", "green", "blue", "grey"])[(i * 17 % 23) % 4]
seen = np.where(i * 13 % 7 < 4, color, np.array(["red", "green", "blue", "grey"])[i % 3])
naive = actual + (i * 3 % 11) / 10.0 - 0.3

rows = {
    "rmse": np.sqrt(m.mean_squared_error(actual, predicted)),
    "mae": m.mean_absolute_error(actual, predicted),
    "mape": m.mean_absolute_percentage_error(actual[actual != 0], predicted[actual != 0]),
    "smape": np.mean(2 * np.abs(predicted - actual) / (np.abs(predicted) + np.abs(actual))),
    "r2": m.r2_score(actual, predicted),
    "mase": np.mean(np.abs(predicted - actual)) / np.mean(np.abs(naive - actual)),
    "pinball": m.mean_pinball_loss(actual, predicted, alpha=0.9),
    "coverage": np.mean((predicted - 1 <= actual) & (actual <= predicted + 1)),
    "auc": m.roc_auc_score(label, score),
    "pr_auc": m.average_precision_score(label, score),
    "log_loss": m.log_loss(label, score),
    "brier": m.brier_score_loss(label, score),
    "accuracy": m.accuracy_score(color, seen),
    "accuracy_bool": m.accuracy_score(label, guess),
    "f1": m.f1_score(label, guess),
    "f1_macro": m.f1_score(color, seen, average="macro"),
    "f1_red": m.f1_score(color, seen, labels=["red"], average="macro"),
    "precision": m.precision_score(label, guess),
    "precision_macro": m.precision_score(color, seen, average="macro"),
    "precision_red": m.precision_score(color, seen, labels=["red"], average="macro"),
    "recall": m.recall_score(label, guess),
    "recall_macro": m.recall_score(color, seen, average="macro"),
    "recall_red": m.recall_score(color, seen, labels=["red"], average="macro"),
    "balanced_accuracy": m.balanced_accuracy_score(color, seen),
    "mcc": m.matthews_corrcoef(label, guess),
    "mcc_multi": m.matthews_corrcoef(color, seen),
}
print(",\n".join("\t('%s', %.17g)" % (k, v) for k, v in rows.items()))
