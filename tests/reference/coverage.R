# Availability, accessibility and effective coverage of a sample cycle with their standard errors by
# R's survey package, for tests/test_coverage_reference.py. Run by `make reference`:
#   Rscript tests/reference/coverage.R FOLDER OUT.csv.gz
# FOLDER as for scores.R. Each figure is one expression of totals, effective coverage with its score in
# it, and its error svycontrast's (symbolic derivatives). Of the provider units every tenth.
suppressPackageStartupMessages(library(survey))
options(survey.lonely.psu = "fail", digits = 17)
arguments <- commandArgs(trailingOnly = TRUE)
read <- function(name) read.csv(file.path(arguments[1], name), colClasses = "character", na.strings = "")
responses <- read("responses.csv")
answers <- merge(read("answers.csv"), responses, by = "response_key", sort = FALSE)
coverage <- merge(read("coverage.csv"), responses, by = "response_key", sort = FALSE)
items <- read("items.csv")
for (column in c("population", "sample_size")) responses[[column]] <- as.numeric(responses[[column]])
answers$score <- as.numeric(answers$score)
coverage$answer_count <- as.numeric(coverage$answer_count)
services <- unique(items$service_id)
everyone <- responses[responses$role_id == "penerima", ]
min_weight_share <- 2 / 3

domain_columns <- c(
  national = "national", provider_level = "provider_level_id", provider_unit = "provider_unit_id",
  provider_region = "provider_region_id", recipient_category = "recipient_category_id",
  gender = "gender", age_group = "age_group")

sum_of <- function(names) Reduce(function(a, b) call("+", a, b), lapply(names, as.name))
mean_of <- function(parts) {
  known <- Filter(Negate(is.null), parts)
  if (length(known) == 0 || length(known) / length(parts) < min_weight_share - 1e-12) return(NULL)
  call("/", call("(", Reduce(function(a, b) call("+", a, b), known)), length(known))
}
service_score <- function(service, rated) {
  mean_of(lapply(unique(items$perspective_id[items$service_id == service]), function(perspective) {
    below <- which(items$service_id == service & items$perspective_id == perspective)
    mean_of(lapply(below, function(i) {
      if (rated[i]) call("/", as.name(paste0("y", i)), as.name(paste0("v", i)))
    }))
  }))
}

estimate <- function(domain_type, domain_id, rated_answers, all_answers) {
  n <- nrow(everyone)
  y <- v <- matrix(0, n, nrow(items))
  row <- match(rated_answers$response_key, everyone$response_key)
  item <- match(rated_answers$item_id, items$item_id)
  for (k in seq_along(row)) {
    y[row[k], item[k]] <- y[row[k], item[k]] + rated_answers$score[k]
    v[row[k], item[k]] <- v[row[k], item[k]] + 1
  }
  counts <- list(r = "valid", u = "not_used", a = "not_available")
  frame <- list()
  for (letter in names(counts)) for (k in seq_along(services)) {
    of_kind <- all_answers$answer_status == counts[[letter]] & all_answers$service_id == services[k]
    column <- numeric(n)
    if (any(of_kind)) {
      found <- tapply(all_answers$answer_count[of_kind], all_answers$response_key[of_kind], sum)
      column[match(names(found), everyone$response_key)] <- found
    }
    frame[[paste0(letter, k)]] <- column
  }
  frame <- as.data.frame(frame)
  rated <- colSums(v) > 0
  colnames(y) <- paste0("y", seq_len(nrow(items)))
  colnames(v) <- paste0("v", seq_len(nrow(items)))
  frame <- cbind(frame, y[, rated, drop = FALSE], v[, rated, drop = FALSE])
  totals <- colnames(frame)
  frame$stratum <- everyone$stratum_id
  frame$fpc <- pmax(everyone$population, everyone$sample_size)
  scores <- lapply(services, service_score, rated = rated)
  rows <- list()
  for (mode in c("none", "poststrat")) {
    frame$w <- if (mode == "none") 1 else everyone$population / everyone$sample_size
    design <- svydesign(ids = ~1, strata = ~stratum, weights = ~w, fpc = ~fpc, data = frame)
    estimates <- svytotal(as.formula(paste("~", paste(totals, collapse = "+"))), design)
    for (k in c(0, seq_along(services))) {
      below <- if (k == 0) seq_along(services) else k
      r <- paste0("r", below)
      u <- paste0("u", below)
      a <- paste0("a", below)
      score <- if (k == 0) mean_of(scores) else scores[[k]]
      share <- function(part, whole) call("/", call("(", sum_of(part)), call("(", sum_of(whole)))
      availability <- share(c(r, u), c(r, u, a))
      accessibility <- share(r, c(r, u))
      expressions <- list(
        availability = availability, accessibility = accessibility,
        effective_coverage = if (!is.null(score)) {
          bquote(.(availability) * .(accessibility) * (.(score) - 1) / 3)
        })
      persons <- list(
        availability = rowSums(frame[, c(r, u, a)]) > 0, accessibility = rowSums(frame[, c(r, u)]) > 0)
      persons$effective_coverage <- persons$availability
      if (!any(persons$availability)) next
      result <- data.frame(
        weighting_mode = mode, domain_type = domain_type, domain_id = domain_id,
        service_id = if (k == 0) NA else services[k],
        respondent_count = sum(persons$availability))
      for (measure in names(persons)) {
        value <- se <- NA
        if (!is.null(expressions[[measure]]) && any(persons[[measure]])) {
          contrast <- svycontrast(estimates, expressions[[measure]])
          value <- as.numeric(coef(contrast))
          df <- sum(persons[[measure]]) - length(unique(everyone$stratum_id[persons[[measure]]]))
          if (df >= 1) se <- sqrt(max(0, as.numeric(attr(contrast, "var"))))
        }
        result[[measure]] <- ifelse(is.na(value), NA, sprintf("%.17g", value))
        result[[paste0(measure, "_se")]] <- ifelse(is.na(se), NA, sprintf("%.17g", se))
      }
      rows[[length(rows) + 1]] <- result
    }
  }
  do.call(rbind, rows)
}

answers <- answers[answers$role_id == "penerima", ]
coverage <- coverage[coverage$role_id == "penerima", ]
answers$national <- coverage$national <- "national"
everything <- list()
for (domain_type in names(domain_columns)) {
  column <- domain_columns[[domain_type]]
  ids <- sort(unique(na.omit(coverage[[column]])))
  for (id in ids[seq(1, length(ids), by = if (domain_type == "provider_unit") 10 else 1)]) {
    inside <- function(rows) rows[!is.na(rows[[column]]) & rows[[column]] == id, ]
    everything[[length(everything) + 1]] <- estimate(domain_type, id, inside(answers), inside(coverage))
  }
}
if (!is.null(warnings())) print(summary(warnings()))
out <- gzfile(arguments[2], "w")
write.csv(do.call(rbind, everything), out, row.names = FALSE, na = "")
close(out)
