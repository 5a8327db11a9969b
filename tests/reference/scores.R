# Scores, standard errors and degrees of freedom of a sample cycle by R's survey package, for
# tests/test_reference.py. Run by `make reference`:
#   Rscript tests/reference/scores.R FOLDER OUT.csv.gz [EVERY]
# FOLDER holds responses.csv, answers.csv and items.csv (export_inputs.py). Written apart from the
# warehouse: domains are cut from the answers here, a score is an expression of totals, its error
# svycontrast's (symbolic derivatives), its design svydesign's. All services, perspectives and items
# weigh the same, as in ilk-1.0. Every domain is computed but for small units: of the provider units
# every fifth, and of the regions' levels every third, which keeps the file small; with EVERY only so
# many of each kind. The design effect of units is the variance of svydesign(ids = ~unit) over that of
# persons, both with replacement.
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
every <- if (length(arguments) > 2) as.integer(arguments[3]) else 1
of_many_units <- c("national", "provider_level", "provider_region")

# Units are drawn within their region and level; where one alone answered, with the others such of its level.
responses$place <- paste(ifelse(is.na(responses$region_id), "", responses$region_id), responses$unit_level_id, sep = "|")
for (role in unique(responses$role_id)) {
  of_role <- responses$role_id == role
  units_of <- tapply(responses$unit_id[of_role], responses$place[of_role], function(of) length(unique(of)))
  alone <- of_role & responses$place %in% names(units_of)[units_of == 1]
  responses$place[alone] <- responses$unit_level_id[alone]
}

answers <- merge(answers, responses, by = "response_key", sort = FALSE)
answers$national <- "national"
answers$provider_region_level <- paste(answers$provider_region_id, answers$provider_level_id, sep = "|")
answers$direction <- paste(answers$unit_level_id, answers$provider_level_id, sep = ">")
domain_columns <- c(
  national = "national", provider_level = "provider_level_id", provider_unit = "provider_unit_id",
  provider_region = "provider_region_id", provider_region_level = "provider_region_level",
  recipient_category = "recipient_category_id", direction = "direction", role = "role_id",
  gender = "gender", age_group = "age_group", rank_group = "rank_group", tenure_group = "tenure_group")

# The children of a parent with a value must carry min_weight_share of the weight; all weigh the same.
mean_of <- function(parts) {
  known <- Filter(Negate(is.null), parts)
  if (length(known) == 0 || length(known) / length(parts) < min_weight_share - 1e-12) return(NULL)
  as.call(list(quote(`/`), as.call(list(as.name("("), Reduce(function(a, b) call("+", a, b), known))), length(known)))
}
services <- unique(items$service_id)
perspectives <- unique(items$perspective_id)

components_of <- function(rated) {
  ratio <- function(i) if (rated[i]) call("/", as.name(paste0("y", i)), as.name(paste0("v", i)))
  cells <- list()
  result <- list()
  add <- function(type, s, p, item, expression, below) {
    if (any(rated[below])) {
      result[[length(result) + 1]] <<- list(
        type = type, service = s, perspective = p, item = item, expression = expression, below = below)
    }
  }
  for (i in seq_len(nrow(items))) {
    add("item", items$service_id[i], items$perspective_id[i], items$item_id[i], ratio(i), i)
  }
  for (s in services) for (p in unique(items$perspective_id[items$service_id == s])) {
    below <- which(items$service_id == s & items$perspective_id == p)
    cell <- mean_of(lapply(below, ratio))
    cells[[paste(s, p)]] <- cell
    add("service_perspective", s, p, NA, cell, below)
  }
  service_scores <- list()
  for (s in services) {
    below <- which(items$service_id == s)
    parts <- lapply(unique(items$perspective_id[below]), function(p) cells[[paste(s, p)]])
    score <- mean_of(parts)
    service_scores[s] <- list(score)
    add("service", s, NA, NA, score, below)
  }
  for (p in perspectives) {
    below <- which(items$perspective_id == p)
    parts <- lapply(unique(items$service_id[below]), function(s) cells[[paste(s, p)]])
    add("perspective", NA, p, NA, mean_of(parts), below)
  }
  add("index", NA, NA, NA, mean_of(service_scores), seq_len(nrow(items)))
  result
}

estimate <- function(domain_type, domain_id, role, inside) {
  everyone <- responses[responses$role_id == role, ]
  row <- match(inside$response_key, everyone$response_key)
  item <- match(inside$item_id, items$item_id)
  n <- nrow(everyone)
  y <- v <- matrix(0, n, nrow(items))
  for (k in seq_along(row)) {
    y[row[k], item[k]] <- y[row[k], item[k]] + inside$score[k]
    v[row[k], item[k]] <- v[row[k], item[k]] + 1
  }
  colnames(y) <- paste0("y", seq_len(nrow(items)))
  colnames(v) <- paste0("v", seq_len(nrow(items)))
  rated <- colSums(v) > 0
  frame <- data.frame(stratum = everyone$stratum_id, unit = everyone$unit_id, place = everyone$place, y, v)
  totals <- c(colnames(y)[rated], colnames(v)[rated])
  rows <- list()
  for (mode in c("none", "poststrat")) {
    frame$w <- if (mode == "none") 1 else everyone$population / everyone$sample_size
    frame$fpc <- pmax(everyone$population, everyone$sample_size)
    design <- svydesign(ids = ~1, strata = ~stratum, weights = ~w, fpc = ~fpc, data = frame)
    formula <- as.formula(paste("~", paste(totals, collapse = "+")))
    estimates <- svytotal(formula, design)
    has_units <- domain_type %in% of_many_units && length(unique(everyone$unit_id[rowSums(v) > 0])) > 1
    if (has_units) {
      persons <- svytotal(formula, svydesign(ids = ~1, strata = ~stratum, weights = ~w, data = frame))
      options(survey.lonely.psu = "remove")
      units <- svytotal(formula, svydesign(ids = ~unit, strata = ~place, weights = ~w, data = frame))
      options(survey.lonely.psu = "fail")
    }
    for (component in components_of(rated)) {
      answered <- rowSums(v[, component$below, drop = FALSE]) > 0
      df <- sum(answered) - length(unique(everyone$stratum_id[answered]))
      score <- se <- unit_design_effect <- NA
      if (!is.null(component$expression)) {
        contrast <- svycontrast(estimates, component$expression)
        score <- as.numeric(coef(contrast))
        # Rounding leaves a variance of nought a hair below it at times.
        if (df >= 1) se <- sqrt(max(0, as.numeric(attr(contrast, "var"))))
        if (df >= 1 && has_units) {
          of <- function(totals) as.numeric(attr(svycontrast(totals, component$expression), "var"))
          if (of(persons) > 1e-12) unit_design_effect <- of(units) / of(persons)
        }
      }
      rows[[length(rows) + 1]] <- data.frame(
        weighting_mode = mode, domain_type = domain_type, domain_id = domain_id,
        component_type = component$type, service_id = component$service,
        perspective_id = component$perspective, item_id = component$item, score = score, se = se,
        df = df, respondent_count = sum(answered), answer_count = sum(v[, component$below]),
        unit_design_effect = unit_design_effect)
    }
  }
  do.call(rbind, rows)
}

thinned <- list(provider_unit = 5, provider_region_level = 3)
everything <- list()
for (domain_type in names(domain_columns)) {
  column <- domain_columns[[domain_type]]
  headline <- if (domain_type == "role") answers else answers[answers$role_id == "penerima", ]
  ids <- sort(unique(na.omit(headline[[column]])))
  step <- every * if (is.null(thinned[[domain_type]])) 1 else thinned[[domain_type]]
  for (id in ids[seq(1, length(ids), by = step)]) {
    inside <- headline[!is.na(headline[[column]]) & headline[[column]] == id, ]
    role <- if (domain_type == "role") id else "penerima"
    everything[[length(everything) + 1]] <- estimate(domain_type, id, role, inside)
  }
  message(domain_type, ": ", length(ids), " domains")
}
if (!is.null(warnings())) print(summary(warnings()))
out <- gzfile(arguments[2], "w")
figures <- do.call(rbind, everything)
for (column in c("score", "se", "unit_design_effect")) {
  known <- !is.na(figures[[column]])
  figures[[column]] <- ifelse(known, sprintf("%.17g", figures[[column]]), NA)
}
write.csv(figures, out, row.names = FALSE, na = "")
close(out)
