# Two resources, not one: the arguments that Autopilot decides itself are refused beside enable_autopilot.

resource "google_container_cluster" "autopilot" {
  count = var.autopilot ? 1 : 0

  project            = var.project_id
  name               = var.cluster
  location           = var.location
  enable_autopilot   = true
  min_master_version = var.min_version != "" ? var.min_version : null
  network            = "projects/${var.project_id}/global/networks/${var.network.name}"
  subnetwork         = "projects/${var.project_id}/regions/${var.region}/subnetworks/${var.network.subnetwork}"
  resource_labels    = local.labels
  # A cluster that serves is taken away in two steps, not by one edit.
  deletion_protection = true

  addons_config {
    dynamic "lustre_csi_driver_config" {
      for_each = var.addons.lustre_csi ? [true] : []
      content {
        enabled = true
      }
    }

    dynamic "ray_operator_config" {
      for_each = var.addons.ray_operator ? [true] : []
      content {
        enabled = true
      }
    }
  }

  binary_authorization {
    evaluation_mode = var.security.binary_authorization
  }

  cluster_autoscaling {
    auto_provisioning_defaults {
      service_account   = google_service_account.nodes.email
      oauth_scopes      = ["https://www.googleapis.com/auth/cloud-platform"]
      boot_disk_kms_key = var.security.disk_key != "" ? var.security.disk_key : null
    }
  }

  control_plane_endpoints_config {
    dns_endpoint_config {
      allow_external_traffic = true
    }

    ip_endpoints_config {
      enabled = false
    }
  }

  # Without a key nothing is said: taking one away is a step of its own.
  dynamic "database_encryption" {
    for_each = var.security.secrets_key != "" ? [var.security.secrets_key] : []
    content {
      state    = "ENCRYPTED"
      key_name = database_encryption.value
    }
  }

  fleet {
    project = var.project_id
  }

  gateway_api_config {
    channel = var.addons.gateway_api ? "CHANNEL_STANDARD" : "CHANNEL_DISABLED"
  }

  ip_allocation_policy {}

  private_cluster_config {
    enable_private_nodes = true
  }

  release_channel {
    channel = var.release_channel
  }

  secret_manager_config {
    enabled = var.addons.secret_manager
  }

  depends_on = [google_compute_subnetwork.nodes, google_project_iam_member.nodes]
}

resource "google_container_cluster" "standard" {
  count = var.autopilot ? 0 : 1

  project                  = var.project_id
  name                     = var.cluster
  location                 = var.location
  min_master_version       = var.min_version != "" ? var.min_version : null
  network                  = "projects/${var.project_id}/global/networks/${var.network.name}"
  subnetwork               = "projects/${var.project_id}/regions/${var.region}/subnetworks/${var.network.subnetwork}"
  node_locations           = length(var.node_zones) > 0 ? var.node_zones : null
  resource_labels          = local.labels
  datapath_provider        = "ADVANCED_DATAPATH"
  enable_shielded_nodes    = true
  initial_node_count       = 1
  remove_default_node_pool = true
  deletion_protection      = true

  addons_config {
    gcp_filestore_csi_driver_config {
      enabled = var.addons.filestore_csi
    }

    gcs_fuse_csi_driver_config {
      enabled = var.addons.gcs_fuse_csi
    }

    horizontal_pod_autoscaling {
      disabled = false
    }

    http_load_balancing {
      disabled = false
    }

    dynamic "lustre_csi_driver_config" {
      for_each = var.addons.lustre_csi ? [true] : []
      content {
        enabled = true
      }
    }

    ray_operator_config {
      enabled = var.addons.ray_operator
    }
  }

  binary_authorization {
    evaluation_mode = var.security.binary_authorization
  }

  cluster_autoscaling {
    enabled             = true
    autoscaling_profile = "OPTIMIZE_UTILIZATION"

    auto_provisioning_defaults {
      service_account   = google_service_account.nodes.email
      oauth_scopes      = ["https://www.googleapis.com/auth/cloud-platform"]
      boot_disk_kms_key = var.security.disk_key != "" ? var.security.disk_key : null

      management {
        auto_repair  = true
        auto_upgrade = true
      }

      shielded_instance_config {
        enable_integrity_monitoring = true
        enable_secure_boot          = true
      }
    }

    dynamic "resource_limits" {
      for_each = { for one in var.autoprovisioning_limits : one.resource_type => one.maximum }
      content {
        resource_type = resource_limits.key
        maximum       = resource_limits.value
      }
    }
  }

  control_plane_endpoints_config {
    dns_endpoint_config {
      allow_external_traffic = true
    }

    ip_endpoints_config {
      enabled = false
    }
  }

  # Without a key nothing is said: taking one away is a step of its own.
  dynamic "database_encryption" {
    for_each = var.security.secrets_key != "" ? [var.security.secrets_key] : []
    content {
      state    = "ENCRYPTED"
      key_name = database_encryption.value
    }
  }

  fleet {
    project = var.project_id
  }

  gateway_api_config {
    channel = var.addons.gateway_api ? "CHANNEL_STANDARD" : "CHANNEL_DISABLED"
  }

  ip_allocation_policy {}

  monitoring_config {
    enable_components = ["SYSTEM_COMPONENTS", "DCGM", "DEPLOYMENT", "HPA", "POD", "STATEFULSET", "JOBSET"]

    managed_prometheus {
      enabled = true
    }
  }

  # Of the first pool, which is removed at once.
  node_config {
    service_account   = google_service_account.nodes.email
    boot_disk_kms_key = var.security.disk_key != "" ? var.security.disk_key : null
  }

  # Image streaming, also of the pools that auto-provisioning makes.
  node_pool_defaults {
    node_config_defaults {
      gcfs_config {
        enabled = true
      }
    }
  }

  pod_autoscaling {
    hpa_profile = "PERFORMANCE"
  }

  private_cluster_config {
    enable_private_nodes = true
  }

  release_channel {
    channel = var.release_channel
  }

  secret_manager_config {
    enabled = var.addons.secret_manager
  }

  workload_identity_config {
    workload_pool = local.workload_pool
  }

  lifecycle {
    ignore_changes = [node_config]
  }

  depends_on = [google_compute_subnetwork.nodes, google_project_iam_member.nodes]
}
