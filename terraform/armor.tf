resource "google_compute_region_security_policy" "guard" {
  for_each = { for key, one in local.policies : key => one if one.location != "global" }

  project = var.project_id
  region  = each.value.location
  name    = each.value.name
  type    = "CLOUD_ARMOR"

  dynamic "rules" {
    for_each = each.value.rules
    content {
      description = rules.value.description
      priority    = rules.value.priority
      action      = rules.value.action
      preview     = rules.value.preview

      match {
        versioned_expr = "SRC_IPS_V1"

        config {
          src_ip_ranges = rules.value.ranges
        }
      }

      dynamic "rate_limit_options" {
        for_each = rules.value.rate == null ? [] : [rules.value.rate]
        content {
          conform_action      = "allow"
          exceed_action       = "deny(429)"
          enforce_on_key      = rate_limit_options.value.key
          enforce_on_key_name = rate_limit_options.value.header == "" ? null : rate_limit_options.value.header

          rate_limit_threshold {
            count        = rate_limit_options.value.requests
            interval_sec = rate_limit_options.value.seconds
          }
        }
      }
    }
  }

  depends_on = [google_project_service.api]
}

resource "google_compute_security_policy" "guard" {
  for_each = { for key, one in local.policies : key => one if one.location == "global" }

  project = var.project_id
  name    = each.value.name
  type    = "CLOUD_ARMOR"

  dynamic "rule" {
    for_each = each.value.rules
    content {
      description = rule.value.description
      priority    = rule.value.priority
      action      = rule.value.action
      preview     = rule.value.preview

      match {
        versioned_expr = "SRC_IPS_V1"

        config {
          src_ip_ranges = rule.value.ranges
        }
      }

      dynamic "rate_limit_options" {
        for_each = rule.value.rate == null ? [] : [rule.value.rate]
        content {
          conform_action      = "allow"
          exceed_action       = "deny(429)"
          enforce_on_key      = rate_limit_options.value.key
          enforce_on_key_name = rate_limit_options.value.header == "" ? null : rate_limit_options.value.header

          rate_limit_threshold {
            count        = rate_limit_options.value.requests
            interval_sec = rate_limit_options.value.seconds
          }
        }
      }
    }
  }

  depends_on = [google_project_service.api]
}

import {
  for_each = { for key, one in local.policies : key => one if one.adopt && one.location != "global" }
  to       = google_compute_region_security_policy.guard[each.key]
  id       = "projects/${var.project_id}/regions/${each.value.location}/securityPolicies/${each.value.name}"
}

import {
  for_each = { for key, one in local.policies : key => one if one.adopt && one.location == "global" }
  to       = google_compute_security_policy.guard[each.key]
  id       = "projects/${var.project_id}/global/securityPolicies/${each.value.name}"
}
