locals {
  labels = {
    platform = var.platform
    stage    = var.stage
  }

  workload_pool = "${var.project_id}.svc.id.goog"
  subjects      = "principal://iam.googleapis.com/projects/${var.project_number}/locations/global/workloadIdentityPools/${local.workload_pool}/subject"

  # Of every list, what this cluster's Terraform makes, by a key that does not move when the list does.
  buckets         = { for one in var.buckets : one.name => one if one.made_by == var.cluster }
  anywhere_caches = { for one in var.anywhere_caches : "${one.bucket} ${one.zone}" => one if one.made_by == var.cluster }
  transfer_jobs   = { for one in var.transfer_jobs : "${one.store} ${one.sink}" => one if one.made_by == var.cluster }
  addresses       = { for one in var.addresses : one.name => one if one.made_by == var.cluster }
  templates       = { for one in var.model_armor_templates : one.name => one if one.made_by == var.cluster }
  policies        = { for one in var.security_policies : "${one.location} ${one.name}" => one if one.made_by == var.cluster }
  scanned_buckets = { for one in var.fuse_profiles.buckets : one.name => one if one.made_by == var.cluster }

  secrets = {
    for one in var.secrets : one.name => {
      project = split("/", one.resource)[1]
      id      = split("/", one.resource)[3]
      adopt   = one.adopt
    } if one.made_by == var.cluster
  }

  bucket_grants = {
    for one in var.bucket_grants : "${one.bucket} ${one.role} ${one.namespace}/${one.service_account}" => {
      bucket = one.bucket
      role   = one.role
      member = "${local.subjects}/ns/${one.namespace}/sa/${one.service_account}"
    } if one.made_by == var.cluster
  }

  secret_grants = {
    for one in var.secret_grants : "${one.secret} ${one.role} ${one.namespace}/${one.service_account}" => {
      secret = one.secret
      role   = one.role
      member = "${local.subjects}/ns/${one.namespace}/sa/${one.service_account}"
    } if one.made_by == var.cluster
  }

  project_grants = {
    for one in var.project_grants : "${one.project} ${one.role} ${one.namespace}/${one.service_account}" => {
      project = one.project
      role    = one.role
      member  = "${local.subjects}/ns/${one.namespace}/sa/${one.service_account}"
    } if one.made_by == var.cluster
  }

  fuse_controller = "${local.subjects}/ns/${var.fuse_profiles.namespace}/sa/${var.fuse_profiles.service_account}"
  fuse_role       = "projects/${var.project_id}/roles/inferspecFuseProfiles"

  makes = {
    network    = var.network.made_by == var.cluster
    subnetwork = var.network.subnetwork_made_by == var.cluster
    proxy      = var.network.proxy_made_by == var.cluster
    nat        = var.network.nat_made_by == var.cluster
    fleet      = var.config_sync.feature_made_by == var.cluster
    fuse_role  = var.fuse_profiles.role_made_by == var.cluster
    transfers  = length(local.transfer_jobs) > 0
  }
}
