# Makes diamonds.csv from the data set 'diamonds' of the R package ggplot2:
#
#     Rscript extract.R > diamonds.csv
#
# id is the number of the row in the package.
d <- as.data.frame(ggplot2::diamonds)
names(d)[names(d) == "depth"] <- "depth_pct"
names(d)[names(d) == "table"] <- "table_pct"
write.csv(cbind(id = seq_len(nrow(d)), d), stdout(), row.names = FALSE, quote = FALSE)
