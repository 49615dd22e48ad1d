locals {
  cluster_fleet = var.autopilot ? google_container_cluster.autopilot[0].fleet[0] : google_container_cluster.standard[0].fleet[0]
}

# One a project.
resource "google_gke_hub_feature" "config_sync" {
  count = local.makes.fleet ? 1 : 0

  project  = var.project_id
  name     = "configmanagement"
  location = "global"

  depends_on = [google_project_service.api]
}

# The fleet's cross-regional gateways are read from this cluster: a fleet has one.
resource "google_gke_hub_feature" "multi_cluster_gateway" {
  count = var.config_cluster ? 1 : 0

  project  = var.project_id
  name     = "multiclusteringress"
  location = "global"

  spec {
    multiclusteringress {
      config_membership = "projects/${var.project_id}/locations/${local.cluster_fleet.membership_location}/memberships/${local.cluster_fleet.membership_id}"
    }
  }

  depends_on = [google_project_service.api]
}

# The controller of these gateways reads and writes the clusters of the fleet (GKE documentation, "Prepare your environment for multi-cluster Gateways").
resource "google_project_iam_member" "multi_cluster_gateway" {
  count = var.config_cluster ? 1 : 0

  project = var.project_id
  role    = "roles/container.admin"
  member  = "serviceAccount:service-${var.project_number}@gcp-sa-multiclusteringress.iam.gserviceaccount.com"

  # The account is there once the feature is.
  depends_on = [google_gke_hub_feature.multi_cluster_gateway]
}

# Makes the one root sync, which reads the RootSyncs of sync_directory; each of those names the revision that its part is read at.
resource "google_gke_hub_feature_membership" "config_sync" {
  project             = var.project_id
  location            = "global"
  feature             = "configmanagement"
  membership          = local.cluster_fleet.membership_id
  membership_location = local.cluster_fleet.membership_location

  configmanagement {
    config_sync {
      enabled       = true
      prevent_drift = true
      source_format = "unstructured"

      git {
        sync_repo                 = var.config_sync.repo
        sync_branch               = var.config_sync.branch
        policy_dir                = var.sync_directory
        secret_type               = var.config_sync.auth
        gcp_service_account_email = var.config_sync.service_account != "" ? var.config_sync.service_account : null
      }
    }
  }

  depends_on = [google_gke_hub_feature.config_sync]
}
