resource "google_storage_bucket" "weights" {
  for_each = local.buckets

  project                     = var.project_id
  name                        = each.value.name
  location                    = each.value.location
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  labels                      = local.labels
  force_destroy               = false

  dynamic "encryption" {
    for_each = each.value.key != "" ? [each.value.key] : []
    content {
      default_kms_key_name = encryption.value
    }
  }

  # Folders are objects of their own, so that listing one is quick; only a new bucket can have it.
  dynamic "hierarchical_namespace" {
    for_each = each.value.adopt ? [] : [true]
    content {
      enabled = true
    }
  }

  lifecycle {
    prevent_destroy = true
    # An adopted bucket keeps what it was made with.
    ignore_changes = [hierarchical_namespace]
  }

  depends_on = [google_project_service.api]
}

import {
  for_each = { for name, one in local.buckets : name => one if one.adopt }
  to       = google_storage_bucket.weights[each.key]
  id       = each.value.name
}

import {
  for_each = { for name, one in local.addresses : name => one if one.adopt }
  to       = google_compute_address.gateway[each.key]
  id       = "projects/${var.project_id}/regions/${var.region}/addresses/${each.value.name}"
}

import {
  for_each = { for name, one in local.secrets : name => one if one.adopt }
  to       = google_secret_manager_secret.token[each.key]
  id       = "projects/${each.value.project}/secrets/${each.value.id}"
}

import {
  for_each = { for name, one in local.templates : name => one if one.adopt }
  to       = google_model_armor_template.screen[each.key]
  id       = "projects/${var.project_id}/locations/${var.region}/templates/${each.value.name}"
}

resource "google_storage_anywhere_cache" "zone" {
  for_each = local.anywhere_caches

  bucket           = each.value.bucket
  zone             = each.value.zone
  ttl              = each.value.ttl
  admission_policy = each.value.admission_policy

  depends_on = [google_storage_bucket.weights]
}

data "google_storage_transfer_project_service_account" "agent" {
  count = local.makes.transfers ? 1 : 0

  project = var.project_id

  depends_on = [google_project_service.api]
}

locals {
  # The service's own account reads one end and writes the other.
  transfer_grants = merge([
    for name, one in local.transfer_jobs : {
      "${name} objects of source" = { bucket = one.source, role = "roles/storage.objectViewer" }
      "${name} source"            = { bucket = one.source, role = "roles/storage.legacyBucketReader" }
      "${name} objects of sink"   = { bucket = one.sink, role = "roles/storage.objectUser" }
      "${name} sink"              = { bucket = one.sink, role = "roles/storage.legacyBucketReader" }
    }
  ]...)
}

resource "google_storage_bucket_iam_member" "transfer" {
  for_each = local.transfer_grants

  bucket = each.value.bucket
  role   = each.value.role
  member = "serviceAccount:${data.google_storage_transfer_project_service_account.agent[0].email}"

  depends_on = [google_storage_bucket.weights]
}

# Objects arrive in any order, the manifest perhaps first: who reads a copy verifies every file against it.
resource "google_storage_transfer_job" "copy" {
  for_each = local.transfer_jobs

  project     = var.project_id
  description = "${var.platform}: ${each.value.source} to ${each.value.sink}"
  status      = "ENABLED"

  schedule {
    schedule_start_date {
      year  = 2026
      month = 1
      day   = 1
    }

    repeat_interval = each.value.interval
  }

  transfer_spec {
    gcs_data_source {
      bucket_name = each.value.source
    }

    gcs_data_sink {
      bucket_name = each.value.sink
    }

    transfer_options {
      delete_objects_unique_in_sink = false
      overwrite_when                = "DIFFERENT"
    }
  }

  depends_on = [google_storage_bucket_iam_member.transfer]
}
