# Covariances of a sample cycle's scores with those of the cycle before, for tests/test_reference.py.
# Run by `make reference`:
#   Rscript tests/reference/changes.R FOLDER OUT.csv.gz
# FOLDER holds what export_inputs.py writes of the cycle, FOLDER/previous the same of the one before.
# Written apart from the warehouse, after Berger & Priam (2016, JRSS A 179): what each person adds to a
# score, its influence (that of survey's svyratio), is regressed on the strata of its cycle (lm), and the
# residuals of who is in both cycles are multiplied. The errors beside are survey's (svytotal).
suppressPackageStartupMessages(library(survey))
options(survey.lonely.psu = "fail", digits = 17)
arguments <- commandArgs(trailingOnly = TRUE)
read <- function(folder, name) {
  read.csv(file.path(folder, name), colClasses = "character", na.strings = "")
}
folders <- c(previous = file.path(arguments[1], "previous"), now = arguments[1])
items <- read(folders["now"], "items.csv")
overlap <- read(folders["now"], "overlap.csv")
cycles <- lapply(folders, function(folder) {
  responses <- read(folder, "responses.csv")
  for (column in c("population", "sample_size")) responses[[column]] <- as.numeric(responses[[column]])
  answers <- read(folder, "answers.csv")
  answers$score <- as.numeric(answers$score)
  list(responses = responses, answers = answers)
})
previous_responses <- cycles$previous$responses
overlap$previous_stratum <- with(previous_responses,
  paste(role_id, stratum_id)[match(overlap$previous_response_key, response_key)])
overlap$stratum <- with(cycles$now$responses, paste(role_id, stratum_id)[match(overlap$response_key, response_key)])

# Components by name, with the weights that equal means on each storey give their items.
mean_weights <- function(parts) Reduce(`+`, parts) / length(parts)
one <- function(i) as.numeric(seq_len(nrow(items)) == i)
components <- list()
of_service <- list()
for (s in unique(items$service_id)) {
  cells <- list()
  for (p in unique(items$perspective_id[items$service_id == s])) {
    cells[[p]] <- mean_weights(lapply(which(items$service_id == s & items$perspective_id == p), one))
  }
  of_service[[s]] <- mean_weights(cells)
  components[[paste("service", s, NA, NA)]] <- of_service[[s]]
}
for (i in seq_len(nrow(items))) components[[paste("item", items$service_id[i], items$perspective_id[i], items$item_id[i])]] <- one(i)
components[["index NA NA NA"]] <- mean_weights(of_service)

# Scores, errors, weighted residuals and ratings of one cycle, everybody of penerima in rows.
estimate <- function(cycle, inside) {
  everyone <- cycle$responses[cycle$responses$role_id == "penerima", ]
  inside <- inside[inside$response_key %in% everyone$response_key, ]
  row <- match(inside$response_key, everyone$response_key)
  item <- match(inside$item_id, items$item_id)
  y <- v <- matrix(0, nrow(everyone), nrow(items))
  for (k in seq_along(row)) {
    y[row[k], item[k]] <- y[row[k], item[k]] + inside$score[k]
    v[row[k], item[k]] <- v[row[k], item[k]] + 1
  }
  weight <- everyone$population / everyone$sample_size
  ratio <- colSums(weight * y) / colSums(weight * v)
  influence <- sweep(y - sweep(v, 2, ratio, "*"), 2, colSums(weight * v), "/")
  weights <- do.call(cbind, components)
  z <- influence %*% weights
  stratum <- paste(everyone$role_id, everyone$stratum_id)
  design <- svydesign(ids = ~1, strata = ~stratum, weights = ~weight, fpc = ~population,
                      data = data.frame(population = everyone$population, stratum, weight))
  # Where an item of a component is not rated there the tree would shift its weights: left out.
  known <- which(!is.na(colSums(z)))
  se <- rep(NA, ncol(z))
  residual <- matrix(NA, nrow(z), ncol(z))
  for (k in known) {
    se[k] <- SE(svytotal(z[, k], design))
    residual[, k] <- residuals(lm(weight * z[, k] ~ factor(stratum)))
  }
  list(
    key = everyone$response_key, score = drop(ratio %*% weights), se = se, residual = residual, rated = (v %*% (weights > 0)) > 0,
    size = everyone$sample_size, population = everyone$population, weight = weight)
}

rows <- list()
add <- function(domain_type, domain_id, chosen) {
  of <- lapply(cycles, function(cycle) estimate(cycle, cycle$answers[chosen(cycle$answers), ]))
  before <- match(overlap$previous_response_key, of$previous$key)
  now <- match(overlap$response_key, of$now$key)
  met <- !is.na(before) & !is.na(now)
  pair <- paste(overlap$previous_stratum, overlap$stratum)
  in_pair <- as.numeric(table(pair)[pair])[met]
  in_stratum <- as.numeric(table(overlap$stratum)[overlap$stratum])[met]
  b <- before[met]
  n <- now[met]
  size_1 <- of$previous$size[b]
  size_2 <- of$now$size[n]
  by_chance <- of$now$population[n] / (of$previous$weight[b] * of$now$weight[n] * in_stratum)
  factor <- (1 - by_chance) / (1 - 1 / size_1 - 1 / size_2 + in_pair / (size_1 * size_2))
  covariance <- colSums(factor * of$previous$residual[b, ] * of$now$residual[n, ])
  persons <- colSums(of$previous$rated[b, ] & of$now$rated[n, ])
  rows[[length(rows) + 1]] <<- data.frame(
    domain_type, domain_id, component = names(components), score_previous = of$previous$score,
    score = of$now$score, se_independent = sqrt(of$previous$se^2 + of$now$se^2),
    overlap_count = persons, covariance, row.names = NULL)
}
add("national", "national", function(answers) TRUE)
for (level in unique(cycles$now$answers$provider_level_id)) {
  add("provider_level", level, function(answers) answers$provider_level_id == level)
}
result <- do.call(rbind, rows)
result <- result[!is.na(result$covariance) & result$overlap_count > 0, ]
result[sapply(result, is.numeric)] <- lapply(result[sapply(result, is.numeric)], function(x) format(x, digits = 17, trim = TRUE))
write.csv(result, gzfile(arguments[2]), row.names = FALSE, quote = FALSE)
