# Jackknife variances of the scores of small domains by R's survey package, for tests/test_jackknife.py.
# Run by `make reference`:
#   Rscript tests/reference/jackknife.R FOLDER OUT.csv.gz
# FOLDER holds responses.csv, answers.csv and items.csv (export_inputs.py). The design is svydesign's, its
# replicates as.svrepdesign's (JKn, mse = TRUE: one person left out at a time, around the score of all), the
# variance svrVar's, which leaves out replicates without a score. Scores are computed here in each replicate,
# all parts weighing the same, as in ilk-1.0. Of the domains that fewer than 60 persons rated in every fifth.
suppressPackageStartupMessages(library(survey))
options(survey.lonely.psu = "fail", digits = 17)
arguments <- commandArgs(trailingOnly = TRUE)
folder <- arguments[1]
read <- function(name) read.csv(file.path(folder, name), colClasses = "character", na.strings = "")
responses <- read("responses.csv")
answers <- read("answers.csv")
items <- read("items.csv")
for (column in c("population", "sample_size")) responses[[column]] <- as.numeric(responses[[column]])
answers$score <- as.numeric(answers$score)
min_weight_share <- 2 / 3
below <- 60

people <- responses[responses$role_id == "penerima", ]
answers <- merge(answers, people, by = "response_key", sort = FALSE)
answers$provider_region_level <- paste(answers$provider_region_id, answers$provider_level_id, sep = "|")
answers$direction <- paste(answers$unit_level_id, answers$provider_level_id, sep = ">")
domain_columns <- c(
  provider_unit = "provider_unit_id", provider_region_level = "provider_region_level", direction = "direction",
  recipient_category = "recipient_category_id", rank_group = "rank_group")

people$fpc <- pmax(people$population, people$sample_size)
replicate_weights <- lapply(c(none = "none", poststrat = "poststrat"), function(mode) {
  people$w <- if (mode == "none") 1 else people$population / people$sample_size
  design <- svydesign(ids = ~1, strata = ~stratum_id, weights = ~w, fpc = ~fpc, data = people)
  replicates <- as.svrepdesign(design, type = "JKn", mse = TRUE)
  list(w = cbind(people$w, weights(replicates, type = "analysis")),
       scale = replicates$scale, rscales = replicates$rscales)
})

# Of columns: the mean of those with a value, none where too few have one.
mean_of <- function(parts) {
  has_value <- !is.na(parts)
  ifelse(rowMeans(has_value) >= min_weight_share - 1e-12 & rowSums(has_value) > 0,
         rowSums(ifelse(has_value, parts, 0)) / rowSums(has_value), NA)
}
services <- unique(items$service_id)
perspectives <- unique(items$perspective_id)

estimate <- function(domain_type, domain_id, inside) {
  row <- match(inside$response_key, people$response_key)
  item <- match(inside$item_id, items$item_id)
  y <- v <- matrix(0, nrow(people), nrow(items))
  for (k in seq_along(row)) {
    y[row[k], item[k]] <- y[row[k], item[k]] + inside$score[k]
    v[row[k], item[k]] <- v[row[k], item[k]] + 1
  }
  rows <- list()
  for (mode in names(replicate_weights)) {
    of <- replicate_weights[[mode]]
    counts <- crossprod(of$w, v)
    # Who is left out weighs nothing: what remains of a sum is no rounding.
    raters <- crossprod(of$w > 0, v > 0)
    ratios <- ifelse(raters > 0, crossprod(of$w, y) / counts, NA)
    cell <- function(s, p) mean_of(ratios[, items$service_id == s & items$perspective_id == p, drop = FALSE])
    cells <- list()
    for (s in services) for (p in unique(items$perspective_id[items$service_id == s])) cells[[paste(s, p)]] <- cell(s, p)
    of_service <- lapply(setNames(services, services), function(s) {
      mean_of(do.call(cbind, cells[paste(s, unique(items$perspective_id[items$service_id == s]))]))
    })
    add <- function(type, s, p, i, values) {
      if (is.na(values[1]) || all(is.na(values[-1]))) return()
      variance <- suppressWarnings(
        svrVar(values[-1], of$scale, of$rscales, na.action = "na.omit", mse = TRUE, coef = values[1]))
      rows[[length(rows) + 1]] <<- data.frame(
        weighting_mode = mode, domain_type = domain_type, domain_id = domain_id, component_type = type,
        service_id = s, perspective_id = p, item_id = i, score = values[1], variance = as.numeric(variance))
    }
    for (i in seq_len(nrow(items))) {
      add("item", items$service_id[i], items$perspective_id[i], items$item_id[i], ratios[, i])
    }
    for (s in services) for (p in unique(items$perspective_id[items$service_id == s])) {
      add("service_perspective", s, p, NA, cells[[paste(s, p)]])
    }
    for (s in services) add("service", s, NA, NA, of_service[[s]])
    for (p in perspectives) {
      with_it <- unique(items$service_id[items$perspective_id == p])
      add("perspective", NA, p, NA, mean_of(do.call(cbind, cells[paste(with_it, p)])))
    }
    add("index", NA, NA, NA, mean_of(do.call(cbind, of_service)))
  }
  do.call(rbind, rows)
}

everything <- list()
for (domain_type in names(domain_columns)) {
  column <- domain_columns[[domain_type]]
  raters <- tapply(answers$response_key, answers[[column]], function(keys) length(unique(keys)))
  small <- sort(names(raters)[raters < below])
  for (id in small[seq(1, length(small), length.out = ceiling(length(small) / 5))]) {
    inside <- answers[!is.na(answers[[column]]) & answers[[column]] == id, ]
    everything[[length(everything) + 1]] <- estimate(domain_type, id, inside)
  }
  message(domain_type, ": ", length(small), " small domains")
}
out <- gzfile(arguments[2], "w")
figures <- do.call(rbind, everything)
for (column in c("score", "variance")) figures[[column]] <- sprintf("%.17g", figures[[column]])
write.csv(figures, out, row.names = FALSE, na = "")
close(out)
