# Raked weights, scores, coverage and bootstrap standard errors of a sample cycle by R's survey package,
# for tests/test_raking.py. Run by `make reference`:
#   Rscript tests/reference/raking.R FOLDER OUT.csv.gz
# FOLDER holds responses.csv, answers.csv, coverage.csv, items.csv and frame.csv (export_inputs.py). The cycle's own
# weights are survey::rake's, trimmed by hand between two rakes. The replicates are as.svrepdesign's
# (subbootstrap: Rao & Wu), a thousand; they are raked by `fit` below, all at once, which must give
# survey::rake's weights for the cycle itself. Scores as in scores.R, all parts weighing the same.
suppressPackageStartupMessages(library(survey))
options(digits = 17)
arguments <- commandArgs(trailingOnly = TRUE)
folder <- arguments[1]
read <- function(name) read.csv(file.path(folder, name), colClasses = "character", na.strings = "")
responses <- read("responses.csv")
answers <- read("answers.csv")
items <- read("items.csv")
frame <- read("frame.csv")
for (column in c("population", "sample_size")) responses[[column]] <- as.numeric(responses[[column]])
frame$staff_count <- as.numeric(frame$staff_count)
answers$score <- as.numeric(answers$score)
coverage <- read("coverage.csv")
coverage$answer_count <- as.numeric(coverage$answer_count)
min_stratum_n <- 5
min_weight_share <- 2 / 3
trim <- c(0.2, 5)
replicates <- 1000
set.seed(20240909)

# A region x level with few respondents joins the other such ones of its level.
region_level <- function(rows) {
  paste(ifelse(is.na(rows$region_id), "", rows$region_id), rows$unit_level_id, sep = "|")
}
margin_names <- c("region_level", "recipient_category_id", "gender")

# Scale the columns of `weights` to the targets, one matrix (category x column) a margin.
fit <- function(weights, categories, targets, tolerance = 1e-12, rounds = 500) {
  for (round in seq_len(rounds)) {
    for (name in margin_names) {
      found <- rowsum(weights, categories[[name]])
      factor <- ifelse(found > 0, targets[[name]][rownames(found), , drop = FALSE] / found, 1)
      weights <- weights * factor[categories[[name]], , drop = FALSE]
    }
    gaps <- sapply(margin_names, function(name) {
      target <- targets[[name]]
      max(abs(rowsum(weights, categories[[name]])[rownames(target), ] - target) / pmax(target, 1))
    })
    if (max(gaps) < tolerance) break
  }
  weights
}

# Counts are how often each person is in each column.
trimmed <- function(weights, counts) {
  total <- colSums(weights * counts)
  average <- matrix(total / colSums(counts), nrow(weights), ncol(weights), byrow = TRUE)
  cut <- pmin(pmax(weights, trim[1] * average), trim[2] * average)
  cut * matrix(total / colSums(cut * counts), nrow(weights), ncol(weights), byrow = TRUE)
}

rake_role <- function(role) {
  people <- responses[responses$role_id == role, ]
  staff <- frame[frame$role_id == role, ]
  people$region_level <- region_level(people)
  staff$region_level <- region_level(staff)
  respondents <- table(factor(people$region_level, unique(c(people$region_level, staff$region_level))))
  sparse <- names(respondents)[respondents < min_stratum_n]
  join <- function(rows) {
    ifelse(rows$region_level %in% sparse, paste0(rows$unit_level_id, "|joined"), rows$region_level)
  }
  people$region_level <- join(people)
  staff$region_level <- join(staff)
  stopifnot(min(table(people$region_level)) >= min_stratum_n, !anyNA(people$gender), !anyNA(staff$gender))

  people$w <- people$population / people$sample_size
  margins <- lapply(setNames(margin_names, margin_names), function(name) tapply(staff$staff_count, staff[[name]], sum))
  populations <- lapply(margin_names, function(name) {
    setNames(data.frame(names(margins[[name]]), as.numeric(margins[[name]])), c(name, "Freq"))
  })
  rake_once <- function(weights) {
    people$w <- weights
    design <- svydesign(ids = ~1, strata = ~stratum_id, weights = ~w, data = people)
    formulas <- lapply(margin_names, function(name) as.formula(paste("~", name)))
    weights(rake(design, formulas, populations, control = list(maxit = 200, epsilon = 1e-9)))
  }
  raked <- rake_once(people$w)
  ones <- matrix(1, nrow(people), 1)
  final <- rake_once(trimmed(matrix(raked), ones)[, 1])

  categories <- lapply(setNames(margin_names, margin_names), function(name) people[[name]])
  targets <- lapply(margins, function(total) matrix(total, dimnames = list(names(total), NULL)))
  by_hand <- fit(trimmed(fit(matrix(people$w), categories, targets), ones), categories, targets)
  stopifnot(max(abs(by_hand[, 1] / final - 1)) < 1e-8)

  design <- svydesign(ids = ~1, strata = ~stratum_id, weights = ~w, data = people)
  drawn_weights <- weights(
    as.svrepdesign(design, type = "subbootstrap", replicates = replicates, compress = FALSE), "analysis")
  once <- people$w * people$sample_size / (people$sample_size - 1)
  counts <- round(drawn_weights / once)
  # A category that a replicate drew nobody of leaves its staff to the others of its margin.
  targets <- lapply(setNames(margin_names, margin_names), function(name) {
    present <- rowsum(counts, categories[[name]])[names(margins[[name]]), , drop = FALSE] > 0
    left <- present * as.numeric(margins[[name]])
    sweep(left, 2, sum(margins[[name]]) / colSums(left), "*")
  })
  first <- fit(drawn_weights, categories, targets, rounds = 50, tolerance = 1e-6)
  cut <- trimmed(first / pmax(counts, 1), counts)
  second <- fit(cut * counts, categories, targets, rounds = 50, tolerance = 1e-6)
  list(people = people, weights = cbind(final, second))
}

# A mean over rows whose part with a value is large enough, column by column.
mean_of <- function(parts) {
  shared <- colMeans(!is.na(parts)) >= min_weight_share - 1e-12
  ifelse(shared, colMeans(parts, na.rm = TRUE), NA)
}

# Availability, accessibility and effective coverage of all services, and of each: column by column.
coverage_of <- function(people, weights, covered, services, scores) {
  totals <- lapply(c(r = "valid", u = "not_used", a = "not_available"), function(status) {
    counts <- matrix(0, nrow(people), length(services))
    rows <- covered[covered$answer_status == status, ]
    for (k in seq_len(nrow(rows))) {
      place <- cbind(match(rows$response_key[k], people$response_key), match(rows$service_id[k], services))
      counts[place] <- counts[place] + rows$answer_count[k]
    }
    of_services <- crossprod(counts, weights)
    rbind(colSums(of_services), of_services)
  })
  share <- function(part, whole) ifelse(whole > 0, part / whole, NA)
  available <- totals$r + totals$u
  answered <- available + totals$a
  list(
    availability = share(available, answered), accessibility = share(totals$r, available),
    effective_coverage = share(totals$r, answered) * (scores - 1) / 3)
}

# mse = FALSE: around the replicates' own mean.
error_of <- function(values) apply(values[, -1], 1, function(value) sd(value, na.rm = TRUE))

estimate <- function(domain_type, domain_id, role, inside, covered) {
  people <- raked[[role]]$people
  row <- match(inside$response_key, people$response_key)
  item <- match(inside$item_id, items$item_id)
  y <- v <- matrix(0, nrow(people), nrow(items))
  for (k in seq_along(row)) {
    y[row[k], item[k]] <- y[row[k], item[k]] + inside$score[k]
    v[row[k], item[k]] <- v[row[k], item[k]] + 1
  }
  weights <- raked[[role]]$weights
  ratings <- crossprod(v, weights)
  ratios <- crossprod(y, weights) / ifelse(ratings > 0, ratings, NA)
  cells <- unique(items[c("service_id", "perspective_id")])
  cell_scores <- t(sapply(seq_len(nrow(cells)), function(k) {
    mean_of(ratios[items$service_id == cells$service_id[k] & items$perspective_id == cells$perspective_id[k], , drop = FALSE])
  }))
  by <- function(column) {
    ids <- unique(cells[[column]])
    scores <- t(sapply(ids, function(id) mean_of(cell_scores[cells[[column]] == id, , drop = FALSE])))
    list(ids = ids, scores = scores)
  }
  services <- by("service_id")
  perspectives <- by("perspective_id")
  scores <- rbind(mean_of(services$scores), services$scores, perspectives$scores)
  result <- data.frame(
    domain_type = domain_type, domain_id = domain_id,
    component_type = c("index", rep("service", length(services$ids)), rep("perspective", length(perspectives$ids))),
    service_id = c(NA, services$ids, rep(NA, length(perspectives$ids))),
    perspective_id = c(NA, rep(NA, length(services$ids)), perspectives$ids),
    score = scores[, 1], se = error_of(scores), row.names = NULL)
  above <- seq_len(1 + length(services$ids))
  found <- coverage_of(people, weights, covered, services$ids, scores[above, ])
  for (measure in names(found)) {
    result[above, measure] <- found[[measure]][, 1]
    result[above, paste0(measure, "_se")] <- error_of(found[[measure]])
  }
  result
}

raked <- lapply(setNames(nm = sort(unique(responses$role_id))), rake_role)
answers <- merge(answers, responses, by = "response_key", sort = FALSE)
coverage <- merge(coverage, responses, by = "response_key", sort = FALSE)
answers$national <- coverage$national <- "national"
domain_columns <- c(
  national = "national", provider_level = "provider_level_id", provider_region = "provider_region_id",
  recipient_category = "recipient_category_id", role = "role_id", gender = "gender", age_group = "age_group")
everything <- list()
for (domain_type in names(domain_columns)) {
  column <- domain_columns[[domain_type]]
  of_headline <- function(rows) if (domain_type == "role") rows else rows[rows$role_id == "penerima", ]
  headline <- of_headline(answers)
  covering <- of_headline(coverage)
  for (id in sort(unique(na.omit(headline[[column]])))) {
    of_domain <- function(rows) rows[!is.na(rows[[column]]) & rows[[column]] == id, ]
    role <- if (domain_type == "role") id else "penerima"
    everything[[length(everything) + 1]] <- estimate(domain_type, id, role, of_domain(headline), of_domain(covering))
  }
}
weights <- do.call(rbind, lapply(raked, function(role) {
  cbind(role$people[c("role_id", "region_id", "unit_level_id", "recipient_category_id", "gender")],
    weight = role$weights[, 1])
}))
keys <- c("role_id", "region_id", "unit_level_id", "recipient_category_id", "gender")
weights <- weights[!duplicated(weights[keys]), ]
weights <- weights[do.call(order, weights[keys]), ]
scores <- do.call(rbind, everything)
# One table: rows with a weight, then rows with a score.
weights[setdiff(names(scores), names(weights))] <- NA
scores[setdiff(names(weights), names(scores))] <- NA
out <- gzfile(arguments[2], "w")
write.csv(rbind(weights, scores), out, row.names = FALSE, na = "", quote = FALSE)
close(out)
