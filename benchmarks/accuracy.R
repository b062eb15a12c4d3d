# Fit in R what benchmarks/accuracy.py has written into a folder: Rscript accuracy.R FOLDER
#
# NAME.in holds doubles: n, p, whether there is an intercept, X by columns, y. NAME.lm and
# NAME.glmnet get the coefficients, the intercept first (NaN where R gives none), and, of a
# single column without y (p = 0), NAME.moments its mean and deviation.

folder <- commandArgs(trailingOnly = TRUE)[1]

write <- function(name, method, numbers) {
  numbers[is.na(numbers)] <- NaN
  writeBin(as.double(numbers), file.path(folder, paste0(name, ".", method)))
}

for (file in list.files(folder, pattern = "\\.in$", full.names = TRUE)) {
  name <- sub("\\.in$", "", basename(file))
  all <- readBin(file, "double", file.size(file) / 8)
  n <- all[1]
  p <- all[2]
  y <- tail(all, n)
  if (p == 0) {
    write(name, "moments", c(mean(y), sd(y)))
    next
  }
  X <- matrix(all[4:(3 + n * p)], n, p)
  constant <- all[3] == 1
  write(name, "lm", coef(if (constant) lm(y ~ X) else lm(y ~ X - 1)))
  if (p > 1 && requireNamespace("glmnet", quietly = TRUE)) {  # glmnet needs two columns
    fit <- glmnet::glmnet(X, y, lambda = 0, thresh = 1e-20, maxit = 1e7, intercept = constant)
    write(name, "glmnet", as.vector(coef(fit))[(if (constant) 1 else 2):(p + 1)])
  }
}
versions <- as.character(getRversion())
if (requireNamespace("glmnet", quietly = TRUE)) {
  versions <- paste0(versions, ", glmnet ", as.character(packageVersion("glmnet")))
}
cat(versions)
