# What nodes run as: logs, metrics and images, and nothing of a workload's.
resource "google_service_account" "nodes" {
  project      = var.project_id
  account_id   = var.node_service_account
  display_name = "Nodes of ${var.cluster}"

  depends_on = [google_project_service.api]
}

resource "google_project_iam_member" "nodes" {
  project = var.project_id
  role    = "roles/container.defaultNodeServiceAccount"
  member  = google_service_account.nodes.member
}

resource "google_artifact_registry_repository_iam_member" "nodes" {
  for_each = { for one in var.registries : "${one.project}/${one.location}/${one.repository}" => one }

  project    = each.value.project
  location   = each.value.location
  repository = each.value.repository
  role       = "roles/artifactregistry.reader"
  member     = google_service_account.nodes.member
}

# System Pods. Every other pool is made by a ComputeClass or by auto-provisioning.
resource "google_container_node_pool" "system" {
  count = var.autopilot ? 0 : 1

  project        = var.project_id
  location       = var.location
  cluster        = google_container_cluster.standard[0].name
  name           = "system"
  node_locations = length(var.node_zones) > 0 ? var.node_zones : null

  autoscaling {
    total_min_node_count = 1
    total_max_node_count = 6
    location_policy      = "BALANCED"
  }

  management {
    auto_repair  = true
    auto_upgrade = true
  }

  node_config {
    machine_type      = "e2-standard-4"
    service_account   = google_service_account.nodes.email
    oauth_scopes      = ["https://www.googleapis.com/auth/cloud-platform"]
    resource_labels   = local.labels
    boot_disk_kms_key = var.security.disk_key != "" ? var.security.disk_key : null

    gcfs_config {
      enabled = true
    }

    shielded_instance_config {
      enable_integrity_monitoring = true
      enable_secure_boot          = true
    }

    workload_metadata_config {
      mode = "GKE_METADATA"
    }
  }
}
