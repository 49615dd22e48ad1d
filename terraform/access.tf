resource "google_secret_manager_secret" "token" {
  for_each = local.secrets

  project   = each.value.project
  secret_id = each.value.id
  labels    = local.labels

  replication {
    auto {}
  }

  lifecycle {
    prevent_destroy = true
    ignore_changes  = [replication]
  }

  depends_on = [google_project_service.api]
}

resource "google_storage_bucket_iam_member" "workload" {
  for_each = local.bucket_grants

  bucket = each.value.bucket
  role   = each.value.role
  member = each.value.member

  depends_on = [google_storage_bucket.weights, google_container_cluster.autopilot, google_container_cluster.standard]
}

resource "google_secret_manager_secret_iam_member" "workload" {
  for_each = local.secret_grants

  secret_id = each.value.secret
  role      = each.value.role
  member    = each.value.member

  depends_on = [google_secret_manager_secret.token, google_container_cluster.autopilot, google_container_cluster.standard]
}

resource "google_project_iam_member" "workload" {
  for_each = local.project_grants

  project = each.value.project
  role    = each.value.role
  member  = each.value.member

  depends_on = [google_container_cluster.autopilot, google_container_cluster.standard]
}

# What the FUSE driver's controller needs to scan a bucket and to keep its caches (GoogleCloudPlatform/gcs-fuse-csi-driver@5fcdc04a).
resource "google_project_iam_custom_role" "fuse_profiles" {
  count = local.makes.fuse_role ? 1 : 0

  project = var.project_id
  role_id = "inferspecFuseProfiles"
  title   = "Cloud Storage FUSE profiles"
  permissions = [
    "storage.anywhereCaches.create",
    "storage.anywhereCaches.get",
    "storage.anywhereCaches.list",
    "storage.anywhereCaches.update",
    "storage.buckets.get",
    "storage.objects.list",
  ]
}

resource "google_project_iam_member" "fuse_profiles" {
  count = local.makes.fuse_role ? 1 : 0

  project = var.project_id
  role    = "roles/compute.viewer"
  member  = local.fuse_controller

  depends_on = [google_container_cluster.autopilot, google_container_cluster.standard]
}

resource "google_storage_bucket_iam_member" "fuse_profiles" {
  for_each = local.scanned_buckets

  bucket = each.value.name
  role   = local.fuse_role
  member = local.fuse_controller

  depends_on = [
    google_container_cluster.autopilot,
    google_container_cluster.standard,
    google_project_iam_custom_role.fuse_profiles,
    google_storage_bucket.weights,
  ]
}

resource "google_model_armor_template" "screen" {
  for_each = local.templates

  project     = var.project_id
  location    = var.region
  template_id = each.value.name

  filter_config {
    malicious_uri_filter_settings {
      filter_enforcement = "ENABLED"
    }

    pi_and_jailbreak_filter_settings {
      filter_enforcement = "ENABLED"
      confidence_level   = each.value.confidence
    }

    rai_settings {
      dynamic "rai_filters" {
        for_each = ["DANGEROUS", "HARASSMENT", "HATE_SPEECH", "SEXUALLY_EXPLICIT"]
        content {
          filter_type      = rai_filters.value
          confidence_level = each.value.confidence
        }
      }
    }
  }

  depends_on = [google_project_service.api]
}
